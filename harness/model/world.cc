#include "harness/model/world.h"

#include "harness/base/error.h"

#include <algorithm>

namespace crypelab::model {
namespace {

Address address(const char* text) { return *parse_address(text); }

std::vector<Address> both(const char* four, const char* six) { return {address(four), address(six)}; }

}  // namespace

const std::vector<WorldHost>& world_hosts() {
  static const std::vector<WorldHost> hosts{
      {"dns", both("192.0.2.53", "2001:db8:53::53")},
      {"signal", both("203.0.113.10", "2001:db8:113::10")},
      {"turn-a",
       {address("203.0.113.20"), address("203.0.113.21"), address("203.0.113.22"), address("2001:db8:113::20"),
        address("2001:db8:113::21"), address("2001:db8:113::22")}},
      {"turn-b",
       {address("198.51.100.20"), address("198.51.100.21"), address("198.51.100.22"), address("2001:db8:100::20"),
        address("2001:db8:100::21"), address("2001:db8:100::22")}},
      {"web", both("203.0.113.80", "2001:db8:113::80")},
      // Two addresses of each family: RFC 5780 tells mapping and filtering apart by asking from both.
      {"reflector",
       {address("198.51.100.90"), address("198.51.100.91"), address("2001:db8:100::90"), address("2001:db8:100::91")}},
  };
  return hosts;
}

const std::vector<WorldName>& world_names() {
  static const std::vector<WorldName> names{
      {"signal.crype.test", both("203.0.113.10", "2001:db8:113::10")},
      {"turn.crype.test", both("203.0.113.20", "2001:db8:113::20")},
      {"turn443.crype.test", both("203.0.113.21", "2001:db8:113::21")},
      {"turns.crype.test", both("203.0.113.22", "2001:db8:113::22")},
      {"turn-b.crype.test", both("198.51.100.20", "2001:db8:100::20")},
      {"turn443-b.crype.test", both("198.51.100.21", "2001:db8:100::21")},
      {"turns-b.crype.test", both("198.51.100.22", "2001:db8:100::22")},
      {"www.crype.test", both("203.0.113.80", "2001:db8:113::80")},
      {"reflector.crype.test", both("198.51.100.90", "2001:db8:100::90")},
  };
  return names;
}

const WorldHost& world_host(const std::string& name) {
  const auto found = std::ranges::find(world_hosts(), name, &WorldHost::name);
  if (found == world_hosts().end()) throw Failure(Exit::software, "the standard world has no host '" + name + "'");
  return *found;
}

const WorldName* find_world_name(const std::string& name) {
  const auto found = std::ranges::find(world_names(), name, &WorldName::name);
  return found == world_names().end() ? nullptr : &*found;
}

const std::vector<Prefix>& world_ranges() {
  static const std::vector<Prefix> ranges{
      *parse_prefix("192.0.2.0/24"),      *parse_prefix("198.51.100.0/24"),   *parse_prefix("203.0.113.0/24"),
      *parse_prefix("198.18.0.0/16"),     *parse_prefix("100.64.0.0/10"),     *parse_prefix("2001:db8:53::/48"),
      *parse_prefix("2001:db8:100::/48"), *parse_prefix("2001:db8:113::/48"), *parse_prefix("2001:db8:ffff::/48"),
  };
  return ranges;
}

Address site_public_v4(unsigned index, unsigned generation) {
  return address("198.18.0.0").plus(std::uint64_t{index} * 64 + 2 + generation);
}

Prefix site_transit_v4(unsigned index) { return {address("198.18.0.0").plus(std::uint64_t{index} * 64), 26}; }

Prefix site_transit_v6(unsigned index) {
  auto bytes = address("2001:db8:ffff::").bytes();
  bytes[6] = static_cast<std::uint8_t>(index >> 8);
  bytes[7] = static_cast<std::uint8_t>(index);
  return {Address::v6(bytes), 64};
}

Prefix nat64_pool() { return {address("100.127.0.0"), 16}; }

Prefix site_carrier_v4(unsigned index) { return {address("100.64.0.0").plus(std::uint64_t{index} * 256), 24}; }

Prefix site_default_subnet_v4(unsigned index, bool behind_nat) {
  return {address(behind_nat ? "192.168.0.0" : "198.19.0.0").plus(std::uint64_t{index % 255 + 1} * 256), 24};
}

}  // namespace crypelab::model
