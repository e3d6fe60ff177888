#pragma once

#include "harness/services/process.h"

#include <optional>
#include <string>
#include <vector>

namespace crypelab::lab {

// One thing that labs need of the machine, and what was found.
struct Finding {
  enum class State {
    there,
    missing,  // and nothing runs without it
    limited,  // some scenarios cannot run without it
  };
  std::string what;  // "nft"
  State state = State::there;
  std::string detail;  // "nftables v1.0.6", or why it counts as missing
  std::string remedy;  // the exact line that installs or allows it; empty when it is there
};

// Looks at everything: kernel, privileges, programs; tries what can only be tried, in a lab of its own. Changes
// nothing.
std::vector<Finding> examine_machine();

// The path of a program: `name` in PATH or in the system's folders (/usr/sbin is not in every user's PATH).
std::optional<std::string> find_program(const std::string& name);

// What to say of a service whose program is not there: how to install it, or that the scenario names it.
std::string missing_program(const services::Process& plan);

// The folder of this program, where its companions (crypelab-probe and the like) lie, too.
std::string own_folder();

}  // namespace crypelab::lab
