#pragma once

#include <string_view>

namespace crypelab::cli {

// Writes to standard output and makes sure that it arrived. Throws Failure{io} where it did not: a full disk.
void put(std::string_view text);

}  // namespace crypelab::cli
