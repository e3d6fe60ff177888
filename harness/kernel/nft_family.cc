#include "harness/kernel/nft_family.h"

#include "harness/base/error.h"

#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace crypelab::kernel {

std::uint8_t nft_family(const std::string& name) {
  constexpr std::array<std::pair<std::string_view, std::uint8_t>, 6> families{
      {{"inet", 1}, {"ip", 2}, {"arp", 3}, {"netdev", 5}, {"bridge", 7}, {"ip6", 10}}};
  for (const auto& [known, number] : families) {
    if (name == known) return number;
  }
  throw Failure(Exit::software, fmt::format("{} is not a family of nftables", name));
}

}  // namespace crypelab::kernel
