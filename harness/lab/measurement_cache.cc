#include "harness/lab/measurement_cache.h"

#include "harness/base/descriptor.h"
#include "harness/blueprint/print.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include <boost/json.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace crypelab::lab {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

std::string text_of(const MeasurementCache::Entry& entry) {
  json::array rows;
  for (const auto& row : entry.rows) {
    rows.push_back({{"site", row.site},
                    {"client", row.client},
                    {"what", row.what},
                    {"declared", row.declared},
                    {"measured", row.measured},
                    {"agrees", row.agrees},
                    {"note", row.note}});
  }
  return json::serialize(json::object{{"date", entry.date}, {"rows", rows}}) + "\n";
}

// Throws std::exception for what is not an entry.
MeasurementCache::Entry entry_of(const std::string& text) {
  const auto value = json::parse(text);
  const auto word = [](const json::value& from, const char* name) { return std::string(from.at(name).as_string()); };
  MeasurementCache::Entry entry{word(value, "date"), {}};
  for (const auto& row : value.at("rows").as_array()) {
    entry.rows.push_back({word(row, "site"), word(row, "client"), word(row, "what"), word(row, "declared"),
                          word(row, "measured"), row.at("agrees").as_bool(), word(row, "note")});
  }
  return entry;
}

bool write_all(int file, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const auto wrote = ::write(file, text.data() + done, text.size() - done);
    if (wrote < 0) return false;
    done += static_cast<std::size_t>(wrote);
  }
  return true;
}

}  // namespace

MeasurementCache::MeasurementCache(fs::path folder, std::function<void(const std::string&)> complain)
    : folder_(std::move(folder)), complain_(std::move(complain)) {}

std::optional<MeasurementCache::Entry> MeasurementCache::read(const std::string& key) const {
  std::error_code error;
  if (folder_.empty() || !fs::is_regular_file(file(key), error)) return std::nullopt;
  try {
    std::ifstream stream(file(key), std::ios::binary);
    std::string text(kMostBytes + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    if (text.size() <= kMostBytes) return entry_of(text);
  } catch (const std::exception&) {
  }
  complain_(fmt::format("{} is damaged; measuring again", file(key).string()));
  return std::nullopt;
}

void MeasurementCache::write(const std::string& key, const Entry& entry) const {
  if (folder_.empty()) return;
  const auto text = text_of(entry);
  if (text.size() > kMostBytes) return;
  std::error_code error;
  fs::create_directories(folder_, error);
  make_room();
  std::string temporary = (folder_ / ".new-XXXXXX").string();
  const Descriptor made(::mkostemp(temporary.data(), O_CLOEXEC));
  if (made && write_all(made.get(), text) && ::rename(temporary.c_str(), file(key).c_str()) == 0) return;
  complain_(fmt::format("the measurement is not kept in {}: {}", folder_.string(), std::strerror(errno)));
  if (made) ::unlink(temporary.c_str());
}

void MeasurementCache::make_room() const {
  std::error_code error;
  std::vector<std::pair<fs::file_time_type, fs::path>> entries;
  for (const auto& each : fs::directory_iterator(folder_, error)) {
    const auto time = each.last_write_time(error);
    if (!error) entries.emplace_back(time, each.path());
  }
  if (entries.size() < kMostEntries) return;
  std::ranges::sort(entries);
  entries.resize(entries.size() - kMostEntries + 1);
  for (const auto& [time, path] : entries) fs::remove(path, error);
}

fs::path cache_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && fs::path(cache).is_absolute()) return fs::path(cache) / "crypelab";
  const char* home = std::getenv("HOME");
  if (home != nullptr && fs::path(home).is_absolute()) return fs::path(home) / ".cache/crypelab";
  return {};
}

std::string measurement_key(const blueprint::Blueprint& plan, const std::vector<blueprint::Declaration>& declarations,
                            const std::string& version) {
  utsname kernel{};
  ::uname(&kernel);
  std::string text = fmt::format("{}\n{} {}\n{}{}", version, kernel.release, kernel.version, blueprint::as_text(plan),
                                 blueprint::as_rules(plan));
  for (const auto& declaration : declarations) text += declaration.client + " " + declaration.what + "\n";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr);
  std::string key;
  for (unsigned i = 0; i < size; ++i) key += fmt::format("{:02x}", digest[i]);
  return key;
}

std::vector<blueprint::Row> slow_rows(const std::vector<blueprint::Row>& rows,
                                      const std::vector<blueprint::Declaration>& quick) {
  std::vector<blueprint::Row> slow;
  std::ranges::copy_if(rows, std::back_inserter(slow), [&](const blueprint::Row& row) {
    return std::ranges::none_of(quick,
                                [&](const auto& each) { return each.client == row.client && each.what == row.what; });
  });
  return slow;
}

}  // namespace crypelab::lab
