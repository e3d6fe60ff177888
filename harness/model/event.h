#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace crypelab::model {

// Who saw it. What the client says is one source among others, and the only one that is never believed alone.
enum class Source { lab, client, proxy, turn, signaling, dns, gate, web, rule, measurement };

using Value = std::variant<bool, std::int64_t, double, std::string>;

// One thing that was seen while a lab ran, on the lab's clock.
struct Event {
  std::chrono::nanoseconds at{0};  // since the lab was up; what happened before is negative
  Source source = Source::lab;
  std::string where;  // the program, host or client that it comes from: "office.proxy", "alice", "turn-a"
  std::string kind;   // a word of that source: "connect", "allocation", "query"
  std::vector<std::pair<std::string, Value>> fields;  // in the order in which they were put
  bool operator==(const Event&) const = default;
};

// The field of that name, or nullptr.
const Value* find_field(const Event& event, std::string_view name);
// Its text, or empty when it is absent or not text.
std::string_view text_field(const Event& event, std::string_view name);

std::string_view to_string(Source source);

}  // namespace crypelab::model
