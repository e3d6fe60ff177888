#pragma once

#include "clients/reference/proxy/helper_process.h"
#include "harness/base/address.h"
#include "harness/base/result.h"

#include <memory>
#include <string>
#include <vector>

namespace crypelab::client::proxy {

// A proxy auto-config script, fetched and evaluated in a process of its own (libcurl, libpacparser). All URLs are tried
// in their order until one gives a script that can be parsed; http, https, file and data, of at most 1 MB.
class Pac {
 public:
  // `own` is what myIpAddress() gives. `trust`: PEM file for https, empty for the machine's own.
  Pac(boost::asio::any_io_executor executor, std::vector<std::string> urls, std::string trust, Address own);

  // Fetches and parses. A complaint says why there is no script.
  transport::Awaitable<Result<bool>> load(Time deadline);
  // FindProxyForURL, after `load`, one at a time. A script that throws or takes too long is a complaint; after the
  // latter there is no script any more.
  transport::Awaitable<Result<std::string>> find(std::string url, std::string host, Time deadline);
  bool alive() const { return process_.alive(); }

 private:
  HelperProcess process_;
};

}  // namespace crypelab::client::proxy
