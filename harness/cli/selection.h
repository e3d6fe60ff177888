#pragma once

#include "harness/model/scenario.h"

#include <string>
#include <vector>

namespace crypelab::cli {

// The folder of the scenarios that come with the program: ./scenarios, or beside the installed program, or beside the
// sources that it was built from; empty if there is none.
std::string scenario_folder();

// Every scenario of these files and folders (folders are searched through, *.yaml, without sites/), in order of name.
// Throws Failure{data} with every complaint, Failure{usage} when a path does not exist or nothing matches.
std::vector<model::Scenario> select(const std::vector<std::string>& paths);

// Whether the file comes with the program.
bool comes_with_program(const std::string& file);

// The one scenario that `name` means: a file that holds one, or the name of one that comes with the program.
// Throws as select() does; for an unknown name it says which is near.
model::Scenario select_one(const std::string& name);

}  // namespace crypelab::cli
