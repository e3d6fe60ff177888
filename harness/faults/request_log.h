#pragma once

#include <string>
#include <string_view>

// Squid writes its log when a request has ended, and a tunnel may last for hours. This helper (an external ACL that
// always says yes) is asked about every request, before and after it has been let through, and tells the lab.
namespace crypelab::faults {

struct RequestRecord {
  std::string reply;   // for Squid, with its line break
  std::string record;  // for the lab: "crypelab-request key=value ...", with its line break; or empty
};

// One question: "ID WHAT ADDRESS PORT METHOD TARGET USER CREDENTIALS AGENT HOST ALPN PROXY-CONNECTION UPGRADE", each
// escaped as in RFC 3986 section 2.1, "-" for nothing. Of the credentials only the scheme is told, and of NTLM which of
// its messages it is (MS-NLMP section 2.2.1).
RequestRecord answer_request(std::string_view question);

}  // namespace crypelab::faults
