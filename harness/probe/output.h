#pragma once

#include <string>
#include <string_view>

namespace crypelab::probe {

// Lines on standard output, in one write for as many as there are.
class Output {
 public:
  void line(std::string_view text) {
    buffer_.append(text);
    buffer_.push_back('\n');
  }
  // False when nobody reads any more. Waits for a slow reader.
  bool flush();

 private:
  std::string buffer_;
};

}  // namespace crypelab::probe
