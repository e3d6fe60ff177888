#include "edge.h"

#include <array>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace crypelab::client::transport {

Edge::Edge() : resolver(io.get_executor(), {"/dev/null", "/dev/null", 1, {}}) {}

DialOutcome Edge::dial(Dialer::Settings settings, Target target, Duration time) {
  Dialer dialer(io.get_executor(), std::move(settings), resolver, random, *this);
  return wait(dialer.dial(std::move(target), std::chrono::steady_clock::now() + time));
}

std::string Edge::echoed(Stream& stream, const std::string& text) {
  EXPECT_TRUE(stream.write(wire::bytes_of(text)));
  std::string got;
  std::array<std::uint8_t, 4096> chunk{};
  while (got.size() < text.size()) {
    const auto read = wait(stream.read_some(chunk));
    if (read.error) break;
    got += wire::text_of(wire::Bytes(chunk).first(read.size));
  }
  return got;
}

std::string Edge::phase_text() const {
  std::string text;
  for (const auto& phase : phases) {
    if (!text.empty()) text += ' ';
    switch (phase.kind) {
      case ProxyPhase::Kind::connect:
        text += "connect";
        break;
      case ProxyPhase::Kind::challenge:
        text += fmt::format("challenge:{}:{}", phase.status, phase.scheme);
        break;
      case ProxyPhase::Kind::tunnel:
        text += fmt::format("tunnel:{}:{}", phase.status, phase.scheme);
        break;
    }
  }
  return text;
}

std::string result_of(const DialOutcome& outcome) {
  if (const auto* failure = std::get_if<DialFailure>(&outcome)) return std::string(name_of(failure->trouble.code));
  return "open";
}

const DialFailure& failure_of(const DialOutcome& outcome) { return std::get<DialFailure>(outcome); }

}  // namespace crypelab::client::transport
