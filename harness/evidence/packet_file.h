#pragma once

#include "harness/evidence/attempt.h"

#include <chrono>
#include <filesystem>
#include <string>

namespace crypelab::evidence {

// Maps the capture of an attempt and gives the attempt its packets, in order of time. Its interfaces must be those of
// the attempt. Throws Failure{data}, "FILE: at byte N: what is wrong".
void read_packets(const std::filesystem::path& file, Attempt& attempt);
// The same for a capture that is in memory already: attempt.capture. `name` stands for the file in messages.
void decode_packets(const std::string& name, Attempt& attempt);

// The comment of the capture's section that says when the lab's clock began.
std::string clock_comment(std::chrono::nanoseconds since_1970);

}  // namespace crypelab::evidence
