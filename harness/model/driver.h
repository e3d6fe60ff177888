#pragma once

#include <map>
#include <string>
#include <vector>

namespace crypelab::model {

// A program that takes the part of a client (clients/CONTRACT.md).
struct Driver {
  std::string name;                  // as it was asked for
  std::vector<std::string> command;  // a path, or a name to be found on the client's host, and arguments
  std::map<std::string, std::string> environment;
  std::map<std::string, std::string> secrets;  // environment, too; their values never stand in evidence
  std::string folder;                          // of the machine outside, that it may read; or empty
  bool reference = false;                      // the client that comes with the program
  bool operator==(const Driver&) const = default;
};

}  // namespace crypelab::model
