#pragma once

#include <gtest/gtest.h>

namespace crypelab::kernel {

// Tests that need power over networks. Who starts them without it gets it in a user namespace of the test's own, with
// the same uid: as a lab does that does not run as root.
class OwnNetwork : public ::testing::Test {
 protected:
  static void SetUpTestSuite();
};

using bridge = OwnNetwork;
using cable = OwnNetwork;
using capture = OwnNetwork;
using link = OwnNetwork;
using network_namespace = OwnNetwork;
using packet_log = OwnNetwork;
using policy_rule = OwnNetwork;
using route = OwnNetwork;
using rule_set = OwnNetwork;
using token_bucket = OwnNetwork;
using tool = OwnNetwork;

}  // namespace crypelab::kernel
