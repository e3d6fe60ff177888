#pragma once

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

namespace crypelab {

// What tshark prints of a capture: a line for each packet, its fields separated by '|'.
inline std::string tshark(const std::filesystem::path& capture, const std::string& arguments) {
  const std::string command = std::string(TSHARK) + " -n -r '" + capture.string() + "' -T fields -E separator='|' " +
                              arguments + " 2>/dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::string output;
  std::array<char, 4096> part{};
  while (const std::size_t size = std::fread(part.data(), 1, part.size(), pipe.get())) output.append(part.data(), size);
  return output;
}

}  // namespace crypelab
