#pragma once

#include "clients/reference/event/line.h"
#include "clients/reference/ice/agent.h"
#include "clients/reference/time.h"
#include "clients/reference/transport/problem.h"
#include "harness/base/units.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crypelab::client::event {

// Round trips, in milliseconds.
struct RoundTrips {
  double min = 0;
  double p50 = 0;
  double p95 = 0;
  double p99 = 0;
  double max = 0;
};
struct Throughput {
  std::string_view direction;
  std::uint64_t bytes = 0;
  double seconds = 0;
  double goodput_bps = 0;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t lost = 0;
  std::uint64_t reordered = 0;
  std::uint64_t duplicated = 0;
};
// Where the time to connect went; what did not happen is absent.
struct Breakdown {
  std::optional<Duration> proxy, tls, signaling, gathering, offer, checks, dtls, sctp, total;
};

// The events that clients/CONTRACT.md lists: each one line of JSON on one descriptor, written at once. Time is counted
// from `start`. No secret of the job gets through.
class Reporter {
 public:
  Reporter(int fd, Time start, std::vector<std::string> secrets);

  // Of several sessions in one process, which one the events that follow are about.
  Reporter for_session(unsigned number) const;
  void add_secret(std::string secret) { secrets_.push_back(std::move(secret)); }
  Time start() const { return start_; }

  void hello(std::string_view version, const std::vector<std::string>& features) const;
  void proxy(std::string_view phase, std::string_view target, unsigned status, std::string_view scheme) const;
  void signaling(std::string_view state, std::string_view via) const;
  void candidate(std::string_view side, const wire::IceCandidate& candidate, ice::RelayedOver over) const;
  void selected(const ice::PathInfo& path) const;
  void connected(std::string_view peer_proof) const;
  void breakdown(const Breakdown& breakdown) const;
  void echo(std::uint64_t sent, std::uint64_t received, const RoundTrips& rtt) const;
  void throughput(const Throughput& result) const;
  void gap(Time begin, Duration length, std::string_view recovered_by) const;
  void problem(transport::Problem code, std::string_view detail, bool fatal) const;
  void closed(std::string_view reason) const;
  // Anything more: fields by `fill`.
  template <class Fill>
  void other(std::string_view name, Fill fill) const {
    Line line = begin(name);
    fill(line);
    write(std::move(line));
  }

 private:
  Line begin(std::string_view name) const;
  void write(Line line) const;

  int fd_;
  Time start_;
  std::vector<std::string> secrets_;
  std::optional<unsigned> session_;
};

}  // namespace crypelab::client::event
