#pragma once

#include "harness/evidence/redaction.h"
#include "harness/model/event.h"

#include <string>

namespace crypelab::evidence {

// One event as one line of JSON, with its line break: {"at": seconds, "source": "proxy", "where": "office.proxy",
// "kind": "request", "client": ...}. The event's own fields follow those four, in their order. Secrets are taken out of
// every text; bytes that are no UTF-8 become U+FFFD.
std::string event_line(const model::Event& event, const Redaction& redaction);

}  // namespace crypelab::evidence
