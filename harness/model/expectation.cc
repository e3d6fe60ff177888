#include "harness/model/expectation.h"

namespace crypelab::model {

const std::vector<std::string>& problem_codes() {
  static const std::vector<std::string> codes{
      "PROXY_AUTH_REQUIRED", "PROXY_AUTH_FAILED",   "PROXY_AUTH_UNSUPPORTED", "PROXY_CONNECT_DENIED",
      "PROXY_UNREACHABLE",   "PROXY_TLS_UNTRUSTED", "TURN_TLS_UNTRUSTED",     "TURN_TLS_BLOCKED",
      "TURN_AUTH_FAILED",    "TURN_QUOTA",          "TURN_UNREACHABLE",       "DNS_FAILED",
      "SIG_BLOCKED",         "SIG_TLS_UNTRUSTED",   "CAPTIVE_PORTAL",         "ICE_NO_PATH"};
  return codes;
}

}  // namespace crypelab::model
