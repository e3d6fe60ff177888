#include "harness/gate/log.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace crypelab::gate {
namespace {

namespace json = boost::json;

const char* word(Decision::Verdict verdict) {
  switch (verdict) {
    case Decision::Verdict::pass:
      return "pass";
    case Decision::Verdict::drop:
      return "drop";
    case Decision::Verdict::reset:
      return "reset";
    case Decision::Verdict::pass_counted:
      return "fall-silent";
    case Decision::Verdict::closed:
      return "none";
  }
  return "";
}

// Bytes that a client chose, as text that every reader of JSON takes.
std::string printable(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (c >= ' ' && c <= '~' && c != '\\') {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace

std::string log_line(const Decision& decision) {
  json::object line{{"event", "decision"},
                    {"rule", decision.policy},
                    {"client", to_string(decision.client)},
                    {"server", to_string(decision.server)},
                    {"verdict", word(decision.verdict)},
                    {"reason", printable(decision.reason)}};
  if (decision.server_name) line["sni"] = printable(*decision.server_name);
  if (!decision.protocols.empty()) {
    json::array protocols;
    for (const auto& protocol : decision.protocols) protocols.emplace_back(printable(protocol));
    line["alpn"] = std::move(protocols);
  }
  if (decision.server_name || decision.tls13) line["tls13"] = decision.tls13;
  line["bytes"] = decision.bytes;
  line["segments"] = decision.segments;
  line["us"] = std::chrono::duration_cast<std::chrono::microseconds>(decision.took).count();
  if (!decision.beginning.empty()) {
    line["beginning"] = printable(wire::text_of(decision.beginning));
    if (const auto guess = looks_like(decision.beginning); !guess.empty()) line["looks-like"] = guess;
  }
  return json::serialize(line);
}

}  // namespace crypelab::gate
