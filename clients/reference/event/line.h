#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace crypelab::client::event {

// One JSON object on one line, in the making. Texts that are no UTF-8 are mended with U+FFFD, and cut after 4 KiB, so
// that no peer's words can make a line that is none.
class Line {
 public:
  static constexpr std::size_t longest_text = 4'096;

  // `secrets` are replaced wherever they stand in a text; they outlive the line.
  explicit Line(const std::vector<std::string>& secrets) : secrets_(secrets) {}

  Line& text(std::string_view name, std::string_view value);
  Line& integer(std::string_view name, std::int64_t value);
  // With three digits behind the point.
  Line& decimal(std::string_view name, double value);
  Line& truth(std::string_view name, bool value);
  Line& list(std::string_view name, const std::vector<std::string>& values);
  // What follows up to `close` is inside an object of that name.
  Line& open(std::string_view name);
  Line& close();

  // The whole, with its line break.
  std::string finish() &&;

 private:
  void begin(std::string_view name);
  void quote(std::string_view value);

  const std::vector<std::string>& secrets_;
  std::string out_ = "{";
};

}  // namespace crypelab::client::event
