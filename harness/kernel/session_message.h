#pragma once

#include "harness/base/result.h"
#include "harness/kernel/program.h"

#include <string>
#include <string_view>
#include <vector>

namespace crypelab::kernel {

// What somebody in front of a lab asks for: a program in one of its hosts.
struct SessionRequest {
  std::string host;  // empty: the first
  bool privileged = false;
  std::vector<std::string> arguments;  // empty: a shell
  bool terminal = false;               // give it a terminal; otherwise three descriptors come along
  std::string terminal_type;           // TERM
  unsigned short rows = 24;
  unsigned short columns = 80;

  bool operator==(const SessionRequest&) const = default;
};

// As one message of at most 64 KiB; the text of a request may hold any byte but zero.
std::string encode(const SessionRequest& request);
Result<SessionRequest> decode_session_request(std::string_view bytes);

// What the lab says to whoever asked.
struct SessionNews {
  enum class Kind : char {
    refused = 'R',
    terminal = 'T',
    stopped = 'S',
    ended = 'E'
  };  // `terminal` brings its master descriptor
  Kind kind = Kind::ended;
  ProgramStatus status;  // of `ended`
  int exit = 0;          // Exit, of `refused`
  std::string text;      // of `refused`
};
std::string encode(const SessionNews& news);
Result<SessionNews> decode_session_news(std::string_view bytes);

}  // namespace crypelab::kernel
