#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace crypelab::scenario {

// The text of one file and where its lines begin. A byte order mark at its beginning is no part of the text.
// Positions point into it: a Source stays where it is for as long as they live.
class Source {
 public:
  Source(std::string name, std::string text);
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  const std::string& name() const { return name_; }
  const std::string& text() const { return text_; }
  std::size_t lines() const { return starts_.size(); }
  // Line `number`, counted from 1, without its line break; empty when there is no such line.
  std::string_view line(std::size_t number) const;

 private:
  std::string name_;
  std::string text_;
  std::vector<std::size_t> starts_;
};

// A place in a file: line and column count from 1, columns in characters. Line 0 means the file as a whole.
struct Position {
  const Source* source = nullptr;
  unsigned line = 0;
  unsigned column = 0;
};

// `line` and `byte` count from 0, as YAML parsers have them.
Position position_of(const Source& source, std::size_t line, std::size_t byte);

// `text` for a message: control characters and broken UTF-8 replaced, at most 60 characters, in single quotes.
std::string in_quotes(std::string_view text);
// The same without quotes and without shortening.
std::string printable(std::string_view text);

// Length in bytes (1 to 4) of the UTF-8 character (RFC 3629) that `text` begins with; 0 if it is not one.
std::size_t utf8_length(std::string_view text);

}  // namespace crypelab::scenario
