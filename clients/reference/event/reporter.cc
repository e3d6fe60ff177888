#include "clients/reference/event/reporter.h"

#include <cerrno>
#include <string>

#include <poll.h>
#include <unistd.h>

namespace crypelab::client::event {
namespace {

std::string_view name_of_relay(ice::RelayedOver over) {
  switch (over) {
    case ice::RelayedOver::udp:
      return "udp";
    case ice::RelayedOver::tcp:
      return "tcp";
    case ice::RelayedOver::tls:
      return "tls";
    case ice::RelayedOver::none:
      break;
  }
  return "";
}

double milliseconds(Duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

// The members of the W3C's RTCIceCandidateStats.
void describe(Line& line, const wire::IceCandidate& candidate, ice::RelayedOver over) {
  line.text("candidateType", wire::name_of(candidate.type))
      .text("protocol", wire::name_of(candidate.transport))
      .text("address", candidate.host)
      .integer("port", candidate.port)
      .integer("priority", candidate.priority)
      .text("foundation", candidate.foundation);
  if (over != ice::RelayedOver::none) line.text("relayProtocol", name_of_relay(over));
  if (candidate.tcp_type) line.text("tcpType", wire::name_of(*candidate.tcp_type));
  if (candidate.related_host) line.text("relatedAddress", *candidate.related_host);
  if (candidate.related_port) line.integer("relatedPort", *candidate.related_port);
}

}  // namespace

Reporter::Reporter(int fd, Time start, std::vector<std::string> secrets)
    : fd_(fd), start_(start), secrets_(std::move(secrets)) {}

Reporter Reporter::for_session(unsigned number) const {
  Reporter one = *this;
  one.session_ = number;
  return one;
}

Line Reporter::begin(std::string_view name) const {
  Line line(secrets_);
  line.text("event", name)
      .decimal("t", milliseconds(std::chrono::duration_cast<Duration>(Time::clock::now() - start_)));
  if (session_) line.integer("session", *session_);
  return line;
}

void Reporter::write(Line line) const {
  const std::string text = std::move(line).finish();
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto n = ::write(fd_, rest.data(), rest.size());
    if (n > 0) {
      rest.remove_prefix(static_cast<std::size_t>(n));
    } else if (n < 0 && errno == EAGAIN) {
      pollfd ready{fd_, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (n < 0 && errno != EINTR) {
      return;  // nobody reads any more
    }
  }
}

void Reporter::hello(std::string_view version, const std::vector<std::string>& features) const {
  other("hello",
        [&](Line& line) { line.text("name", "crypelab-client").text("version", version).list("features", features); });
}

void Reporter::proxy(std::string_view phase, std::string_view target, unsigned status, std::string_view scheme) const {
  other("proxy", [&](Line& line) {
    line.text("phase", phase).text("target", target);
    if (status != 0) line.integer("status", status);
    if (!scheme.empty()) line.text("scheme", scheme);
  });
}

void Reporter::signaling(std::string_view state, std::string_view via) const {
  other("signaling", [&](Line& line) { line.text("state", state).text("via", via); });
}

void Reporter::candidate(std::string_view side, const wire::IceCandidate& candidate, ice::RelayedOver over) const {
  other("candidate", [&](Line& line) {
    line.text("side", side)
        .text("type", wire::name_of(candidate.type))
        .text("protocol", wire::name_of(candidate.transport));
    if (over != ice::RelayedOver::none) line.text("relay_protocol", name_of_relay(over));
    if (candidate.tcp_type) line.text("tcp_type", wire::name_of(*candidate.tcp_type));
    line.text("address", candidate.host).integer("port", candidate.port);
  });
}

void Reporter::selected(const ice::PathInfo& path) const {
  other("selected", [&](Line& line) {
    line.open("local");
    describe(line, path.local, path.over);
    line.close().open("remote");
    describe(line, path.remote, ice::RelayedOver::none);
    line.close().decimal("rtt_ms", milliseconds(path.rtt));
  });
}

void Reporter::connected(std::string_view peer_proof) const {
  other("connected", [&](Line& line) { line.text("peer_proof", peer_proof); });
}

void Reporter::breakdown(const Breakdown& breakdown) const {
  other("breakdown", [&](Line& line) {
    const auto part = [&](std::string_view name, const std::optional<Duration>& value) {
      if (value) line.decimal(name, milliseconds(*value));
    };
    line.open("ms");
    part("proxy", breakdown.proxy);
    part("tls", breakdown.tls);
    part("signaling", breakdown.signaling);
    part("gathering", breakdown.gathering);
    part("offer", breakdown.offer);
    part("checks", breakdown.checks);
    part("dtls", breakdown.dtls);
    part("sctp", breakdown.sctp);
    part("total", breakdown.total);
    line.close();
  });
}

void Reporter::echo(std::uint64_t sent, std::uint64_t received, const RoundTrips& rtt) const {
  other("echo", [&](Line& line) {
    line.integer("sent", static_cast<std::int64_t>(sent)).integer("received", static_cast<std::int64_t>(received));
    line.open("rtt_ms");
    if (received > 0) {
      line.decimal("min", rtt.min).decimal("p50", rtt.p50).decimal("p95", rtt.p95).decimal("p99", rtt.p99);
      line.decimal("max", rtt.max);
    }
    line.close();
  });
}

void Reporter::throughput(const Throughput& result) const {
  other("throughput", [&](Line& line) {
    const auto count = [&](std::string_view name, std::uint64_t value) {
      line.integer(name, static_cast<std::int64_t>(value));
    };
    line.text("direction", result.direction);
    count("bytes", result.bytes);
    line.decimal("seconds", result.seconds).decimal("goodput_bps", result.goodput_bps);
    count("sent", result.sent);
    count("received", result.received);
    count("lost", result.lost);
    count("reordered", result.reordered);
    count("duplicated", result.duplicated);
  });
}

void Reporter::gap(Time begin, Duration length, std::string_view recovered_by) const {
  other("gap", [&](Line& line) {
    line.decimal("start", milliseconds(std::chrono::duration_cast<Duration>(begin - start_)))
        .decimal("ms", milliseconds(length))
        .text("recovered_by", recovered_by);
  });
}

void Reporter::problem(transport::Problem code, std::string_view detail, bool fatal) const {
  other("problem", [&](Line& line) { line.text("code", transport::name_of(code)).text("detail", detail).truth("fatal", fatal); });
}

void Reporter::closed(std::string_view reason) const {
  other("closed", [&](Line& line) { line.text("reason", reason); });
}

}  // namespace crypelab::client::event
