#pragma once

#include "harness/scenario/problem.h"
#include "harness/scenario/tree.h"

#include <string>
#include <vector>

namespace crypelab::scenario {

// One scenario of a file: the tree with one thing varied.
struct Case {
  std::string name;  // empty: the file has no cases
  Node tree;
  bool words_only = false;  // its cases are wrong: the rest is read for what else is, not for what it means
};

// What `cases:` makes of a file. Without cases it is the file itself; with cases the file itself is none of them.
std::vector<Case> expand_cases(const Node& root, Problems& problems);

}  // namespace crypelab::scenario
