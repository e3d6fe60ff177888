#include "harness/faults/journal.h"

#include "harness/base/error.h"

#include <algorithm>
#include <cerrno>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <poll.h>
#include <unistd.h>

namespace crypelab::faults {
namespace {

constexpr std::size_t kLongestText = 1024;

// A serializer refuses what is not UTF-8 and a client may send anything: other octets become question marks.
std::string readable(std::string_view text) {
  std::string out(text.substr(0, kLongestText));
  std::ranges::replace_if(
      out, [](char c) { return c < ' ' || c == 0x7f; }, '?');
  return out;
}

}  // namespace

std::string journal_line(std::string_view event, std::initializer_list<JournalField> fields) {
  boost::json::object line;
  line["event"] = event;
  for (const auto& [name, value] : fields) {
    if (const auto* text = std::get_if<std::string>(&value)) {
      if (!text->empty()) line[name] = readable(*text);
    } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
      line[name] = *number;
    } else {
      line[name] = std::get<bool>(value);
    }
  }
  return boost::json::serialize(line);
}

void Journal::write(std::string_view event, std::initializer_list<JournalField> fields) {
  const std::string line = journal_line(event, fields) + "\n";
  std::string_view left = line;
  while (!left.empty()) {
    const auto n = ::write(descriptor_, left.data(), left.size());
    if (n > 0) {
      left.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      pollfd writable{descriptor_, POLLOUT, 0};
      poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      throw_errno("write to the journal");
    }
  }
}

}  // namespace crypelab::faults
