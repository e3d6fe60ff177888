#pragma once

#include "harness/evidence/attempt.h"
#include "harness/evidence/redaction.h"

#include <functional>
#include <string_view>

namespace crypelab::evidence {

// What evidence.json holds of an attempt: all but the packets. A JSON document, and for line tools one event a line:
// the first line holds everything known before, the last one everything known after. Secrets are taken out of every
// text; bytes that are no UTF-8 become U+FFFD. `write` is given piece after piece.
void encode(const Attempt& attempt, const Redaction& redaction, const std::function<void(std::string_view)>& write);

}  // namespace crypelab::evidence
