#include "harness/scenario/copy.h"

#include "harness/base/error.h"
#include "harness/scenario/loader.h"
#include "harness/scenario/named_sites.h"
#include "harness/scenario/source.h"
#include "harness/scenario/tree.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

namespace crypelab::scenario {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  auto file = read_file(path);
  if (!file.problem.empty()) throw Failure(Exit::data, fmt::format("{}: {}", path.string(), file.problem));
  return std::move(file.text);
}

// The last part of a key, which may be a path: "sites.office.proxy.users".
bool ends_with_word(std::string_view key, std::string_view word) {
  return key == word || (key.ends_with(word) && key[key.size() - word.size() - 1] == '.');
}

// "sites.office.proxy.users.alice" varies one password.
bool is_user(std::string_view key) {
  const auto dot = key.rfind('.');
  return dot != std::string_view::npos && ends_with_word(key.substr(0, dot), "users");
}

class Copying {
 public:
  std::vector<CopiedFile> files;

  void add(const fs::path& path, const std::string& name, const fs::path& sites) {
    const bool known = std::ranges::any_of(files, [&](const CopiedFile& file) { return file.name == name; });
    if (known) return;
    const Source source(path.string(), text_of(path));
    Problems problems;
    const auto root = parse_tree(source, problems);
    if (!root) throw Failure(Exit::data, to_string(problems.sorted()));
    const auto index = files.size();
    files.push_back({name, {}});
    hidden_.clear();
    look(*root, path.parent_path(), fs::path(name).parent_path());
    files[index].text = without_passwords(source);
    if (const auto* named = root->find("sites")) add_sites(*named, sites);
    if (const auto* cases = root->find("cases")) {
      for (const auto& one : cases->entries) {
        for (const auto& entry : one.value.entries) {
          if (entry.key == "sites") add_sites(entry.value, sites);
          if (entry.key.starts_with("sites.") && entry.value.kind == Node::Kind::scalar) add_site(entry.value, sites);
        }
      }
    }
  }

 private:
  struct Hidden {
    Position at;
    std::string password;
    bool plain = true;
  };

  void add_sites(const Node& sites, const fs::path& folder) {
    for (const auto& site : sites.entries) {
      if (site.value.kind == Node::Kind::scalar) add_site(site.value, folder);
    }
  }
  void add_site(const Node& name, const fs::path& folder) {
    const auto path = folder / (name.text + ".yaml");
    std::error_code error;
    if (!folder.empty() && fs::is_regular_file(path, error)) add(path, "sites/" + name.text + ".yaml", {});
  }

  void look(const Node& node, const fs::path& folder, const fs::path& copy_folder) {
    for (const auto& item : node.items) look(item, folder, copy_folder);
    for (const auto& entry : node.entries) {
      const auto& value = entry.value;
      if (ends_with_word(entry.key, "users")) {
        for (const auto& user : value.entries) hide(user.value);
      } else if (ends_with_word(entry.key, "password") || is_user(entry.key)) {
        hide(value);
      } else if (ends_with_word(entry.key, "file") && value.kind == Node::Kind::scalar) {
        const auto name = (copy_folder / value.text).string();  // cases may read the same one again
        if (std::ranges::find(files, name, &CopiedFile::name) == files.end())
          files.push_back({name, text_of(folder / value.text)});
      } else {
        look(value, folder, copy_folder);
      }
    }
  }
  void hide(const Node& node) {
    if (node.kind == Node::Kind::scalar && !node.text.empty()) hidden_.push_back({node.at, node.text, node.plain});
  }

  std::string without_passwords(const Source& source) {
    std::ranges::sort(hidden_, {}, [](const Hidden& each) { return std::tuple(each.at.line, each.at.column); });
    std::string text;
    for (unsigned number = 1; number <= source.lines(); ++number) {
      std::string_view line = source.line(number);
      std::size_t done = 0;
      for (const auto& hidden : hidden_) {
        if (hidden.at.line != number) continue;
        const auto begin = byte_of(line, hidden.at.column);
        text += line.substr(done, begin - done);
        text += standing_for(hidden.password);
        done = begin + length_of(line.substr(begin), hidden);
      }
      text += line.substr(done);
      if (number < source.lines()) text += '\n';
    }
    return text;
  }
  static std::size_t byte_of(std::string_view line, unsigned column) {
    std::size_t at = 0;
    for (unsigned i = 1; i < column && at < line.size(); ++i)
      at += std::max<std::size_t>(1, utf8_length(line.substr(at)));
    return at;
  }
  // Of the scalar as it is written. What is spread over lines is hidden from its beginning to the end of its first
  // line; the loader takes no such password.
  static std::size_t length_of(std::string_view rest, const Hidden& hidden) {
    if (hidden.plain) return std::min(rest.size(), hidden.password.size());
    const char quote = rest.empty() ? ' ' : rest.front();
    for (std::size_t i = 1; i < rest.size(); ++i) {
      if (quote == '"' && rest[i] == '\\')
        ++i;
      else if (rest[i] == quote && quote == '\'' && i + 1 < rest.size() && rest[i + 1] == quote)
        ++i;
      else if (rest[i] == quote)
        return i + 1;
    }
    return rest.size();
  }
  std::string standing_for(const std::string& password) {
    return fmt::format("password-{}", numbers_.try_emplace(password, numbers_.size() + 1).first->second);
  }

  std::vector<Hidden> hidden_;
  std::map<std::string, std::size_t> numbers_;
};

}  // namespace

std::vector<CopiedFile> copy(const fs::path& path) {
  Copying copying;
  copying.add(path, "scenario.yaml", sites_folder_of(path));
  return std::move(copying.files);
}

}  // namespace crypelab::scenario
