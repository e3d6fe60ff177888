#include "harness/lab/measurement_cache.h"

#include <fstream>

#include <gtest/gtest.h>

namespace crypelab::lab::measurement_cache_test {
namespace {

namespace fs = std::filesystem;

class MeasurementCacheTest : public testing::Test {
 protected:
  ~MeasurementCacheTest() override { fs::remove_all(folder_); }

  fs::path folder_ = fs::path(testing::TempDir()) /
                     ("crypelab-cache-" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
  std::string complaints_;
  MeasurementCache cache_{folder_ / "deep/crypelab", [this](const std::string& text) { complaints_ += text; }};
  const MeasurementCache::Entry entry_{"2026-11-22",
                                       {{"office", "alice", "rate", "10mbit", "9.8mbit", true, "within 15 %"},
                                        {"office", "alice", "loss \"up\"", "1%", "1.1%", true, ""}}};
};

TEST_F(MeasurementCacheTest, what_was_written_is_read) {
  EXPECT_FALSE(cache_.read("a"));
  cache_.write("a", entry_);
  const auto read = cache_.read("a");
  ASSERT_TRUE(read) << complaints_;
  EXPECT_EQ(read->date, entry_.date);
  ASSERT_EQ(read->rows.size(), 2U);
  EXPECT_EQ(read->rows[0].measured, "9.8mbit");
  EXPECT_EQ(read->rows[0].note, "within 15 %");
  EXPECT_EQ(read->rows[1].what, "loss \"up\"");
  EXPECT_FALSE(cache_.read("b"));
  EXPECT_EQ(complaints_, "");
}

TEST_F(MeasurementCacheTest, a_damaged_entry_is_none_and_is_named) {
  cache_.write("a", entry_);
  const std::string half = "{\"date\": \"2026-11-22\", \"rows\": [{\"site\"";
  for (const std::string& text : {std::string(), half, std::string("[]"), std::string("{\"date\":1,\"rows\":[]}"),
                                  std::string(2 * MeasurementCache::kMostBytes, ' ')}) {
    complaints_.clear();
    std::ofstream(cache_.file("a"), std::ios::trunc) << text;
    EXPECT_FALSE(cache_.read("a")) << text.substr(0, 40);
    EXPECT_NE(complaints_.find("damaged"), std::string::npos) << text.substr(0, 40);
    EXPECT_NE(complaints_.find(cache_.file("a").string()), std::string::npos);
  }
}

TEST_F(MeasurementCacheTest, the_oldest_entries_make_room) {
  for (std::size_t i = 0; i < MeasurementCache::kMostEntries + 5; ++i) {
    cache_.write(std::to_string(i), entry_);
    fs::last_write_time(cache_.file(std::to_string(i)), fs::file_time_type(std::chrono::seconds(i)));
  }
  EXPECT_EQ(static_cast<std::size_t>(
                std::distance(fs::directory_iterator(folder_ / "deep/crypelab"), fs::directory_iterator())),
            MeasurementCache::kMostEntries);
  EXPECT_FALSE(cache_.read("0"));
  EXPECT_TRUE(cache_.read(std::to_string(MeasurementCache::kMostEntries + 4)));
}

TEST_F(MeasurementCacheTest, a_folder_that_cannot_be_made_is_a_complaint_and_no_more) {
  fs::create_directories(folder_);
  std::ofstream(folder_ / "deep") << "a file";
  cache_.write("a", entry_);
  EXPECT_NE(complaints_, "");
  EXPECT_FALSE(cache_.read("a"));
}

TEST(MeasurementKey, is_another_one_for_another_network_other_questions_and_another_version) {
  blueprint::Blueprint plan;
  plan.scenario = "a";
  plan.hosts.push_back({.name = "alice"});
  const auto key = measurement_key(plan, {}, "1");
  EXPECT_EQ(key.size(), 64U);
  EXPECT_EQ(key, measurement_key(plan, {}, "1"));
  EXPECT_NE(key, measurement_key(plan, {}, "2"));
  EXPECT_NE(key, measurement_key(plan, {{.site = "office", .client = "alice", .what = "rate"}}, "1"));
  plan.hosts[0].rule_set = "table inet x {}";
  EXPECT_NE(key, measurement_key(plan, {}, "1"));
}

}  // namespace
}  // namespace crypelab::lab::measurement_cache_test
