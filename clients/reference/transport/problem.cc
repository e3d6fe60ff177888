#include "clients/reference/transport/problem.h"

#include <array>

namespace crypelab::client::transport {
namespace {

constexpr std::array<std::string_view, problem_count> names{
    "PROXY_AUTH_REQUIRED", "PROXY_AUTH_FAILED",   "PROXY_AUTH_UNSUPPORTED", "PROXY_CONNECT_DENIED",
    "PROXY_UNREACHABLE",   "PROXY_TLS_UNTRUSTED", "TURN_TLS_UNTRUSTED",     "TURN_TLS_BLOCKED",
    "TURN_AUTH_FAILED",    "TURN_QUOTA",          "TURN_UNREACHABLE",       "DNS_FAILED",
    "SIG_BLOCKED",         "SIG_TLS_UNTRUSTED",   "CAPTIVE_PORTAL",         "ICE_NO_PATH"};

}  // namespace

std::string_view name_of(Problem problem) { return names[static_cast<std::size_t>(problem)]; }

}  // namespace crypelab::client::transport
