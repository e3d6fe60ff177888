#pragma once

#include "clients/reference/event/reporter.h"
#include "clients/reference/job/job.h"
#include "clients/reference/random.h"
#include "clients/reference/transport/stream.h"

#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

namespace crypelab::client::load {

// The task `relay-load`: each session is two allocations on one TURN server that send to each other, so that every
// message goes through the relay twice as fast as it takes them: no more than a window is under way. One thread, no
// ICE, DTLS or SCTP.
class RelayLoad {
 public:
  RelayLoad(boost::asio::any_io_executor executor, const job::Job& job, unsigned sessions, event::Reporter reporter,
            Random& random);
  ~RelayLoad();

  // The exit status.
  transport::Awaitable<int> run();
  void stop();

 private:
  class Body;
  std::shared_ptr<Body> body_;
};

}  // namespace crypelab::client::load
