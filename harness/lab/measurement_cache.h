#pragma once

#include "harness/blueprint/blueprint.h"
#include "harness/blueprint/declared.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace crypelab::lab {

// What takes long to measure (timers, rate, loss, path MTU) and is the same in each run of the same network, kernel and
// version: kept between runs in the user's cache folder.
class MeasurementCache {
 public:
  struct Entry {
    std::string date;  // "2026-11-22", UTC
    std::vector<blueprint::Row> rows;
  };

  static constexpr std::size_t kMostBytes = 1U << 20U;  // of an entry
  static constexpr std::size_t kMostEntries = 200;      // the oldest make room

  // `complain` hears in one sentence what is wrong with the folder or an entry: the cache helps, and never stops.
  MeasurementCache(std::filesystem::path folder, std::function<void(const std::string&)> complain);

  // Nothing when there is no entry, or a damaged one.
  std::optional<Entry> read(const std::string& key) const;
  // Replaces an entry in one step.
  void write(const std::string& key, const Entry& entry) const;

  std::filesystem::path file(const std::string& key) const { return folder_ / (key + ".json"); }

 private:
  void make_room() const;

  std::filesystem::path folder_;  // empty: there is none
  std::function<void(const std::string&)> complain_;
};

// $XDG_CACHE_HOME/crypelab, or ~/.cache/crypelab (XDG Base Directory Specification); empty where there is neither.
std::filesystem::path cache_folder();

// 64 hexadecimal digits: another for another blueprint, other questions, another kernel or another version.
std::string measurement_key(const blueprint::Blueprint& plan, const std::vector<blueprint::Declaration>& declarations,
                            const std::string& version);

// The rows of a full measurement that the quick one does not have.
std::vector<blueprint::Row> slow_rows(const std::vector<blueprint::Row>& rows,
                                      const std::vector<blueprint::Declaration>& quick);

}  // namespace crypelab::lab
