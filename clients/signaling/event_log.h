#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace crypelab::signaling {

// One JSON object a line on a descriptor: {"event": "...", "t": milliseconds since the log was made, ...}. What is
// written never holds a token or a message's content. It never blocks the server: lines wait in memory, at most
// `largest` bytes; beyond that they are counted, and {"event": "log-lost", "lines": n} says so when there is room
// again.
class EventLog {
 public:
  // Does not own the descriptor.
  explicit EventLog(int descriptor, std::size_t largest = 4U << 20U);

  // A line being written: names are words of ours, texts are names (is_name), codes or addresses, which need no
  // escaping.
  class Line {
   public:
    Line& text(std::string_view name, std::string_view value) {
      if (out_ != nullptr) fmt::format_to(std::back_inserter(*out_), R"(,"{}":"{}")", name, value);
      return *this;
    }
    Line& number(std::string_view name, std::uint64_t value) {
      if (out_ != nullptr) fmt::format_to(std::back_inserter(*out_), R"(,"{}":{})", name, value);
      return *this;
    }
    explicit Line(std::string* out) : out_(out) {}
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;
    ~Line() {
      if (out_ != nullptr) out_->append("}\n");
    }

   private:
    std::string* out_;
  };
  Line line(std::string_view event);

  bool pending() const { return !waiting_.empty(); }
  // Writes what the descriptor takes without blocking.
  void flush();
  // Writes the rest, waiting for the reader at most so long.
  void finish(std::chrono::milliseconds patience);

 private:
  int descriptor_;
  std::size_t largest_;
  bool regular_;
  bool dead_ = false;  // the reader is gone
  std::uint64_t lost_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::string waiting_;
};

}  // namespace crypelab::signaling
