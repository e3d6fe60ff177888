#pragma once

#include "clients/reference/time.h"
#include "clients/reference/transport/stream.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>

namespace crypelab::client::proxy {

// A process of this program's own, for code that can block or never end: a PAC script, a Kerberos library that asks a
// KDC. It is killed with the object, or when an answer does not come in time, and may use 10 s of CPU time and 512 MB.
class HelperProcess {
 public:
  // `answer` runs in the process, once for each question: one line in, one line out, of at most 64 kB. An exception
  // ends the process. Throws Failure when there can be no process.
  HelperProcess(boost::asio::any_io_executor executor, std::function<std::string(const std::string&)> answer);
  ~HelperProcess();

  // One question at a time. Nothing when the process died or the deadline passed; then it is dead.
  transport::Awaitable<std::optional<std::string>> ask(std::string question, Time deadline);
  bool alive() const;

 private:
  class Body;
  std::shared_ptr<Body> body_;
};

}  // namespace crypelab::client::proxy
