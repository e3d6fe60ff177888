#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace crypelab::faults {

using JournalValue = std::variant<bool, std::int64_t, std::string>;
using JournalField = std::pair<std::string_view, JournalValue>;

// What a server of ours saw: one JSON object a line, {"event": KIND, ...}. Empty texts are left out. Nothing is lost: a
// reader that is slow makes the server slow.
class Journal {
 public:
  // Does not own the descriptor.
  explicit Journal(int descriptor) : descriptor_(descriptor) {}
  void write(std::string_view event, std::initializer_list<JournalField> fields);

 private:
  int descriptor_;
};

// The line without its end, for whoever wants to look at it.
std::string journal_line(std::string_view event, std::initializer_list<JournalField> fields);

}  // namespace crypelab::faults
