#pragma once

#include "harness/scenario/source.h"

#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace crypelab::scenario {

// One complaint about a scenario, complete without the file: what is wrong, where, and what to do about it.
struct Problem {
  std::string file;
  unsigned line = 0;  // from 1; 0: the file as a whole
  unsigned column = 0;
  std::string message;
  std::string hint;     // may be empty
  std::string excerpt;  // the offending line
  bool operator==(const Problem&) const = default;
};

// "file:line:column: message", the offending line, a caret, and the hint; ends with a line break.
std::string to_string(const Problem& problem);

// Gathers complaints; the same one at the same place is kept once, and of a thousand the first hundred.
class Problems {
 public:
  void add(const Position& at, std::string message, std::string hint = "");
  // Said with each hint from now on: "case 'x'".
  void set_context(std::string context) { context_ = std::move(context); }
  bool empty() const { return problems_.empty(); }
  // How often something was complained about, repetitions included.
  std::size_t complaints() const { return complaints_; }
  // By place: the file that was named first, then line and column.
  std::vector<Problem> sorted() const;

 private:
  std::vector<Problem> problems_;
  std::set<std::tuple<std::string, unsigned, unsigned, std::string>> seen_;
  std::string context_;
  std::size_t complaints_ = 0;
  std::size_t dropped_ = 0;
};

}  // namespace crypelab::scenario
