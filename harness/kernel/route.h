#pragma once

#include "harness/base/address.h"
#include "harness/kernel/network_namespace.h"

#include <cstdint>
#include <optional>
#include <string>

namespace crypelab::kernel {

inline constexpr std::uint32_t kMainTable = 254;  // RT_TABLE_MAIN

// A route of one namespace: `to` by way of `via`, out of `device`, or nowhere. 0.0.0.0/0 and ::/0 are the default
// routes.
struct Route {
  Prefix to;
  std::optional<Address> via = std::nullopt;
  std::string device{};  // may be empty where `via` says it
  bool onlink = false;   // `via` is reached on `device` although no address says so
  bool blackhole = false;
  std::uint32_t metric = 0;  // 0: the kernel's default (IPv4 0, IPv6 1024)
  std::uint32_t table = kMainTable;
  std::optional<Address> source = std::nullopt;  // preferred source address
};

// What chooses a routing table; fields that are absent match everything. Lower priorities are asked first.
struct PolicyRule {
  Family family = Family::v4;
  std::uint32_t priority = 0;
  std::uint32_t table = kMainTable;
  std::optional<Prefix> from = std::nullopt;
  std::optional<Prefix> to = std::nullopt;
  std::optional<std::uint32_t> mark = std::nullopt;
  std::string incoming{};                            // interface
  std::optional<std::uint32_t> user = std::nullopt;  // uid of the sending process
};

// All throw Failure naming the route or rule. Adding one that is there is an error; replace() sets the route to the
// same destination, metric and table, whether or not there is one.
void add(const NetworkNamespace& in, const Route& route);
void replace(const NetworkNamespace& in, const Route& route);
void remove(const NetworkNamespace& in, const Route& route);
void add(const NetworkNamespace& in, const PolicyRule& rule);
void remove(const NetworkNamespace& in, const PolicyRule& rule);

std::string to_string(const Route& route);
std::string to_string(const PolicyRule& rule);

}  // namespace crypelab::kernel
