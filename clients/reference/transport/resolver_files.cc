#include "clients/reference/transport/resolver_files.h"

#include "harness/wire/text.h"

#include <algorithm>

namespace crypelab::client::transport {
namespace {

std::string_view take_word(std::string_view& line) {
  line = wire::trim_blanks(line);
  const auto end = std::min(line.find_first_of(" \t"), line.size());
  const auto word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

std::string_view take_line(std::string_view& text) {
  auto line = wire::take_until(text, '\n');
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line.substr(0, std::min(line.find_first_of("#;"), line.size()));
}

}  // namespace

ResolverFile parse_resolv_conf(std::string_view text) {
  ResolverFile file;
  while (!text.empty()) {
    auto line = take_line(text);
    const auto key = take_word(line);
    if (key == "nameserver") {
      auto word = take_word(line);
      word = word.substr(0, std::min(word.find('%'), word.size()));  // a zone: link-local, and the kernel's choice
      const auto address = parse_address(word);
      if (address && file.servers.size() < 3) file.servers.push_back(*address);
    } else if (key == "search" || key == "domain") {
      file.search.clear();
      for (auto word = take_word(line); !word.empty() && file.search.size() < 6; word = take_word(line)) {
        file.search.emplace_back(word);
      }
    } else if (key == "options") {
      for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
        if (!word.starts_with("ndots:")) continue;
        file.dots = static_cast<unsigned>(wire::parse_decimal(word.substr(6), 15).value_or(1));
      }
    }
  }
  if (file.servers.empty()) file.servers.push_back(Address::v4(0x7f000001));
  return file;
}

std::vector<Address> hosts_of(std::string_view file, std::string_view name) {
  std::vector<Address> found;
  while (!file.empty()) {
    auto line = take_line(file);
    const auto address = parse_address(take_word(line));
    if (!address) continue;
    for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
      const bool known = std::find(found.begin(), found.end(), *address) != found.end();
      if (wire::equal_ignoring_case(word, name) && !known && found.size() < 16) found.push_back(*address);
    }
  }
  return found;
}

std::vector<std::string> names_to_ask(const ResolverFile& file, std::string_view name) {
  if (name.ends_with('.')) return {std::string(name.substr(0, name.size() - 1))};
  std::vector<std::string> names;
  for (const auto& domain : file.search) {
    if (domain != ".") names.push_back(std::string(name) + "." + domain);
  }
  const bool first = static_cast<unsigned>(std::count(name.begin(), name.end(), '.')) >= file.dots;
  names.insert(first ? names.begin() : names.end(), std::string(name));
  return names;
}

Address embed(const Prefix& prefix, const Address& address) {
  auto bytes = prefix.network().bytes();
  std::size_t at = prefix.length / 8;
  for (std::size_t i = 0; i < 4; ++i) {
    if (at == 8) ++at;  // bits 64 to 71 are zero
    bytes[at++] = address.bytes()[i];
  }
  return Address::v6(bytes);
}

}  // namespace crypelab::client::transport
