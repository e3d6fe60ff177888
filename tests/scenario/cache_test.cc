#include "words.h"

#include <algorithm>
#include <cstdlib>

#include <gtest/gtest.h>

namespace crypelab::test::cache_test {
namespace {

// A network of which a full measurement has more to say than a quick one.
constexpr const char* kTimed = R"(
scenario: test/timed
title: A NAT that forgets
proves: the measurement notices
sites:
  office:
    nat: { mapping: endpoint-independent, filtering: address-and-port, udp-timer: 1s }
clients:
  alice: { site: office }
)";

// `crypelab measure` with a cache folder of the test's own.
class Cache {
 public:
  Cache() {
    char name[] = "/tmp/crypelab-cache-XXXXXX";
    if (mkdtemp(name) != nullptr) folder_ = name;
  }
  ~Cache() { shell("rm -rf " + folder_); }
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;
  Finished measure(const std::string& file, const std::string& options) const {
    return shell("XDG_CACHE_HOME=" + folder_ + " " + one_word(kProgram) + " measure " + options + " " + file);
  }
  void damage() const { shell("for f in " + folder_ + "/crypelab/*; do echo '{' > $f; done"); }

 private:
  std::string folder_;
};

bool is_cached(const Finished& measured) { return measured.out.find("cached, measured 20") != std::string::npos; }

TEST(Cache, what_takes_long_is_measured_once_and_then_said_to_be_cached) {
  const Cache cache;
  const ScenarioFile scenario(kTimed);
  const auto first = cache.measure(scenario.path(), "--cached");
  EXPECT_EQ(first.status, 0) << first.out << first.err;
  EXPECT_FALSE(is_cached(first)) << first.out;
  const auto second = cache.measure(scenario.path(), "--cached");
  EXPECT_EQ(second.status, 0) << second.out << second.err;
  EXPECT_TRUE(is_cached(second)) << second.out;
  EXPECT_LT(second.took * 2, first.took);
  EXPECT_EQ(std::ranges::count(first.out, '\n'), std::ranges::count(second.out, '\n')) << first.out << second.out;
  EXPECT_FALSE(is_cached(cache.measure(scenario.path(), ""))) << "without the option everything is measured";
}

TEST(Cache, another_network_or_a_damaged_entry_is_measured_again) {
  const Cache cache;
  const ScenarioFile scenario(kTimed);
  EXPECT_EQ(cache.measure(scenario.path(), "").status, 0);  // fills it, too
  EXPECT_TRUE(is_cached(cache.measure(scenario.path(), "--cached")));
  std::string text = kTimed;
  text.replace(text.find("udp-timer: 1s"), 13, "udp-timer: 2s");
  const ScenarioFile other(text);
  EXPECT_FALSE(is_cached(cache.measure(other.path(), "--cached")));
  cache.damage();
  const auto damaged = cache.measure(scenario.path(), "--cached");
  EXPECT_EQ(damaged.status, 0);
  EXPECT_FALSE(is_cached(damaged)) << damaged.out;
  EXPECT_NE(damaged.err.find("damaged"), std::string::npos) << damaged.err;
  EXPECT_TRUE(is_cached(cache.measure(scenario.path(), "--cached")));
}

}  // namespace
}  // namespace crypelab::test::cache_test
