#include "harness/base/measure.h"

namespace crypelab::measure {

template <>
const Words<Transport>& words() {
  static const Words<Transport> list{{Transport::udp, "udp"}, {Transport::tcp, "tcp"}};
  return list;
}

template <>
const Words<Way>& words() {
  static const Words<Way> list{{Way::up, "up"}, {Way::down, "down"}};
  return list;
}

template <>
const Words<Opening>& words() {
  static const Words<Opening> list{{Opening::stun, "stun"}, {Opening::tls, "tls"}, {Opening::http, "http"}};
  return list;
}

template <>
const Words<Dependence>& words() {
  static const Words<Dependence> list{{Dependence::endpoint_independent, "endpoint-independent"},
                                      {Dependence::address, "address"},
                                      {Dependence::address_and_port, "address-and-port"}};
  return list;
}

template <>
const Words<PortChoice>& words() {
  static const Words<PortChoice> list{
      {PortChoice::preserved, "preserve"}, {PortChoice::sequential, "sequential"}, {PortChoice::random, "random"}};
  return list;
}

template <>
const Words<Outcome>& words() {
  static const Words<Outcome> list{{Outcome::answered, "answered"},
                                   {Outcome::refused, "refused"},
                                   {Outcome::accepted, "accepted-then-silent"},
                                   {Outcome::reset, "reset"},
                                   {Outcome::closed, "closed"},
                                   {Outcome::admin_prohibited, "admin-prohibited"},
                                   {Outcome::port_unreachable, "port-unreachable"},
                                   {Outcome::host_unreachable, "host-unreachable"},
                                   {Outcome::network_unreachable, "network-unreachable"},
                                   {Outcome::no_route, "no-route"},
                                   {Outcome::silent, "silent"}};
  return list;
}

template <>
const Words<DnsOutcome>& words() {
  static const Words<DnsOutcome> list{{DnsOutcome::addresses, "addresses"}, {DnsOutcome::empty, "empty"},
                                      {DnsOutcome::nxdomain, "nxdomain"},   {DnsOutcome::servfail, "servfail"},
                                      {DnsOutcome::refused, "refused"},     {DnsOutcome::other, "other"},
                                      {DnsOutcome::malformed, "malformed"}, {DnsOutcome::unreachable, "unreachable"},
                                      {DnsOutcome::silent, "silent"}};
  return list;
}

template <>
const Words<RecordType>& words() {
  static const Words<RecordType> list{{RecordType::a, "a"}, {RecordType::aaaa, "aaaa"}};
  return list;
}

}  // namespace crypelab::measure
