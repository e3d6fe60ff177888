#include "harness/faults/request_log.h"

#include "harness/faults/commands.h"
#include "harness/wire/text.h"

#include <algorithm>
#include <array>
#include <iostream>

#include <fmt/format.h>
#include <unistd.h>

namespace crypelab::faults {
namespace {

constexpr std::size_t kFields = 13;
constexpr std::size_t kSecret = 7;
constexpr std::size_t kLongestField = 400;  // escaped: a record stays below PIPE_BUF (4096) and is written in one piece
constexpr std::size_t kLongestQuestion = 1U << 20U;  // Squid's heads are at most 64 kB

struct Credentials {
  std::string scheme;  // in small letters; empty for none
  std::string step;
};

Credentials credentials_of(std::string_view escaped) {
  if (escaped == "-" || escaped.empty()) return {};
  const auto gap = std::min({escaped.find("%20"), escaped.find(' '), escaped.size()});
  Credentials found{std::string(escaped.substr(0, gap)), ""};
  std::ranges::transform(found.scheme, found.scheme.begin(), wire::lower);
  // A scheme is a token (RFC 9110 section 11.1): anything else could be the secret itself.
  const auto token = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  if (!std::ranges::all_of(found.scheme, token) || found.scheme.size() > 20 || gap == escaped.size()) {
    return {"unreadable", ""};
  }
  // "NTLMSSP\0", and the number of the message behind it, in Base64.
  if (const auto at = escaped.find("TlRMTVNTUAA"); at != std::string_view::npos && at + 11 < escaped.size()) {
    const char number = escaped[at + 11];
    found.step = number == 'B' ? "1" : number == 'D' ? "3" : "";
  }
  return found;
}

}  // namespace

RequestRecord answer_request(std::string_view question) {
  std::array<std::string_view, kFields> fields;
  std::size_t count = 0;
  while (!question.empty() && count < kFields) {
    const auto end = std::min(question.find(' '), question.size());
    fields.at(count) = question.substr(0, end).substr(0, count == kSecret ? std::string_view::npos : kLongestField);
    ++count;
    question.remove_prefix(std::min(end + 1, question.size()));
  }
  const auto& [id, what, address, port, method, target, user, secret, agent, host, alpn, connection, upgrade] = fields;
  RequestRecord out;
  if (count < kFields) {
    out.reply = fmt::format("{} BH message=\"a question of {} fields\"\n", id.empty() ? "0" : id, count);
    return out;
  }
  const auto [scheme, step] = credentials_of(secret);
  out.reply = fmt::format("{} OK log={}\n", id, scheme.empty() ? "-" : scheme);
  if (what == "admitted") {
    out.record = fmt::format("crypelab-admitted client={}:{} method={} target={} user={}\n", address, port, method,
                             target, user);
  } else {
    out.record = fmt::format(
        "crypelab-request client={}:{} method={} target={} scheme={} step={} agent={} host={} alpn={} "
        "proxy-connection={} upgrade={}\n",
        address, port, method, target, scheme.empty() ? "-" : scheme, step.empty() ? "-" : step, agent, host, alpn,
        connection, upgrade);
  }
  return out;
}

int run_request_log(const std::vector<std::string>&) {
  for (std::string line; std::getline(std::cin, line);) {
    if (line.size() > kLongestQuestion) return 1;
    const auto [reply, record] = answer_request(line);
    // The record first: what the lab reads of a request comes before what happens because of it. Squid hands its own
    // standard error on to its helpers.
    if (!record.empty() && write(STDERR_FILENO, record.data(), record.size()) < 0) return 1;
    std::cout << reply << std::flush;
  }
  return 0;
}

}  // namespace crypelab::faults
