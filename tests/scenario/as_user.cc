#include "../kernel/variants.h"

#include <cstdlib>

namespace crypelab::test {
namespace {

// With CRYPELAB_AS_USER in the environment the whole of a test program runs without any privilege.
class AsUser : public ::testing::Environment {
 public:
  void SetUp() override {
    if (std::getenv("CRYPELAB_AS_USER") != nullptr) kernel::testing::become(kernel::testing::Caller::user);
  }
};

[[maybe_unused]] const auto* const added = ::testing::AddGlobalTestEnvironment(new AsUser);

}  // namespace
}  // namespace crypelab::test
