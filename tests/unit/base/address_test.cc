#include "harness/base/address.h"

#include "harness/base/socket_address.h"

#include <gtest/gtest.h>

namespace crypelab::address_test {
namespace {

TEST(Address, text_and_value_agree_in_both_families) {
  EXPECT_EQ(to_string(*parse_address("203.0.113.7")), "203.0.113.7");
  EXPECT_EQ(to_string(*parse_address("2001:db8:0::1")), "2001:db8::1");
  EXPECT_FALSE(parse_address("203.0.113"));
  EXPECT_FALSE(parse_address("203.0.113.256"));
  EXPECT_FALSE(parse_address(std::string_view("10.0.0.1\0x", 10)));
  EXPECT_EQ(parse_address("10.0.0.1")->v4_host_order(), 0x0a000001u);
}

TEST(Address, counting_carries_over_octets) {
  EXPECT_EQ(to_string(parse_address("10.0.0.255")->plus(1)), "10.0.1.0");
  EXPECT_EQ(to_string(parse_address("2001:db8::ffff")->plus(2)), "2001:db8::1:1");
}

TEST(Prefix, contains_and_overlaps_follow_the_length) {
  const auto net = *parse_prefix("10.20.0.0/20");
  EXPECT_TRUE(net.contains(*parse_address("10.20.15.255")));
  EXPECT_FALSE(net.contains(*parse_address("10.20.16.0")));
  EXPECT_FALSE(net.contains(*parse_address("2001:db8::1")));
  EXPECT_TRUE(net.overlaps(*parse_prefix("10.0.0.0/8")));
  EXPECT_FALSE(net.overlaps(*parse_prefix("10.21.0.0/16")));
  EXPECT_EQ(to_string(parse_prefix("10.20.3.4/20")->network()), "10.20.0.0");
  EXPECT_EQ(to_string(parse_prefix("2001:db8:1:2::3/48")->network()), "2001:db8:1::");
  EXPECT_FALSE(parse_prefix("10.0.0.0"));
  EXPECT_FALSE(parse_prefix("10.0.0.0/33"));
}

TEST(Endpoint, brackets_belong_to_version_six_only) {
  EXPECT_EQ(to_string(*parse_endpoint("[2001:db8::1]:53")), "[2001:db8::1]:53");
  EXPECT_FALSE(parse_endpoint("2001:db8::1:53"));
  EXPECT_FALSE(parse_endpoint("[10.0.0.1]:53"));
  EXPECT_FALSE(parse_endpoint("10.0.0.1:65536"));
}

TEST(SocketAddress, an_endpoint_survives_the_way_through_the_kernels_form) {
  for (const char* text : {"203.0.113.7:3478", "[2001:db8::1]:443"}) {
    EXPECT_EQ(to_string(SocketAddress(*parse_endpoint(text)).endpoint()), text);
  }
  EXPECT_EQ(to_string(SocketAddress(*parse_endpoint("[::ffff:10.0.0.1]:53")).endpoint()), "10.0.0.1:53");
}

}  // namespace
}  // namespace crypelab::address_test
