#include "harness/scenario/named_sites.h"

#include "harness/scenario/read_value.h"

#include <algorithm>
#include <fstream>
#include <system_error>

namespace crypelab::scenario {
namespace {

constexpr std::size_t kMostNames = 1000;

}  // namespace

FileText read_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) return {"", "there is no such file"};
  if (error) return {"", "the file cannot be read: " + error.message()};
  if (!std::filesystem::is_regular_file(status)) return {"", "this is not a file"};
  std::ifstream in(path, std::ios::binary);
  std::string text(kMostBytes + 1, '\0');
  if (!in) return {"", "the file cannot be read"};
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return {"", "the file cannot be read"};
  text.resize(static_cast<std::size_t>(in.gcount()));
  return {std::move(text), ""};
}

std::vector<std::string> NamedSites::names() const {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder_, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() == ".yaml") names.push_back(entry->path().stem().string());
    if (names.size() == kMostNames) break;
  }
  std::ranges::sort(names);
  return names;
}

const std::optional<Node>& NamedSites::tree(const std::string& name, Problems& problems) {
  const auto [place, fresh] = trees_.try_emplace(name);
  if (!fresh) return place->second;
  const auto path = folder_ / (name + ".yaml");
  auto file = read_file(path);
  const Source& source = sources_.emplace_back(path.string(), std::move(file.text));
  if (!file.problem.empty()) {
    problems.add({&source, 0, 0}, file.problem);
  } else {
    place->second = parse_tree(source, problems);
  }
  return place->second;
}

void NamedSites::resolve(Node& root, Problems& problems) {
  Node* sites = root.find("sites");
  if (sites == nullptr) return;
  for (auto& entry : sites->entries) {
    if (entry.value.kind != Node::Kind::scalar) continue;
    const auto known = names();
    const auto name = read_name(entry.value, "a named site", {known.begin(), known.end()}, problems);
    const auto& found_tree = name ? tree(*name, problems) : std::optional<Node>();
    if (found_tree) {
      entry.value = *found_tree;
    } else {
      entry.value.kind = Node::Kind::refused;
    }
  }
}

}  // namespace crypelab::scenario
