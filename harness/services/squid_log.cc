#include "harness/services/log_fields.h"
#include "harness/services/squid.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace crypelab::services {
namespace {

// The schemes that a head asks for, in order: Squid writes one challenge a field (RFC 9110 section 11.7.1).
std::string schemes_of(std::string_view head) {
  constexpr std::string_view field = "proxy-authenticate: ";
  std::string schemes;
  while (!head.empty()) {
    const auto end = std::min(head.find('\n'), head.size());
    auto line = head.substr(0, end);
    head.remove_prefix(std::min(end + 1, head.size()));
    const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
    if (line.size() <= field.size() ||
        !std::equal(field.begin(), field.end(), line.begin(), [&](char a, char b) { return same(b, a); }))
      continue;
    line.remove_prefix(field.size());
    schemes += (schemes.empty() ? "" : ", ") + std::string(line.substr(0, line.find_first_of(" \r")));
  }
  return schemes;
}

void put_text(model::Event& event, const LogFields& fields, std::initializer_list<std::string_view> names) {
  for (const auto name : names) {
    if (const auto found = fields.find(name); found != fields.end())
      event.fields.emplace_back(std::string(name), found->second);
  }
}

void put_numbers(model::Event& event, const LogFields& fields, std::initializer_list<std::string_view> names) {
  for (const auto name : names) {
    const auto found = fields.find(name);
    if (found == fields.end()) continue;
    std::int64_t value = 0;
    const auto* last = found->second.data() + found->second.size();
    if (const auto [end, error] = std::from_chars(found->second.data(), last, value);
        error == std::errc{} && end == last)
      event.fields.emplace_back(std::string(name), value);
  }
}

model::Event event_of(const char* kind) {
  model::Event event;
  event.source = model::Source::proxy;
  event.kind = kind;
  return event;
}

std::optional<model::Event> access_event(const LogFields& fields) {
  const auto method = fields.find("method");
  const auto status = fields.find("status");
  if (!fields.contains("client") || !fields.contains("target") || method == fields.end() || status == fields.end())
    return std::nullopt;
  // A CONNECT that was answered with 2xx became a tunnel; Squid speaks of it when it has ended.
  auto event = event_of(method->second == "CONNECT" && status->second.starts_with('2') ? "tunnel-closed" : "answered");
  put_text(event, fields, {"client", "method", "target"});
  put_numbers(event, fields, {"status"});
  put_text(event, fields, {"outcome", "hierarchy"});
  if (const auto upstream = fields.find("upstream"); upstream != fields.end() && upstream->second != "-:-")
    event.fields.emplace_back("upstream", upstream->second);
  put_text(event, fields, {"user", "scheme"});
  if (const auto offered = fields.find("offered"); offered != fields.end()) {
    if (auto schemes = schemes_of(offered->second); !schemes.empty())
      event.fields.emplace_back("offered", std::move(schemes));
  }
  put_numbers(event, fields, {"received", "sent", "milliseconds"});
  put_text(event, fields, {"sni", "bump"});
  return event;
}

}  // namespace

std::vector<model::Event> read_squid_log(std::string_view line) {
  const auto rest_after = [&](std::string_view word) { return line.substr(word.size()); };
  if (constexpr std::string_view access = "crypelab-access "; line.starts_with(access)) {
    if (auto event = access_event(log_fields(rest_after(access)))) return {std::move(*event)};
    return {};
  }
  constexpr std::string_view request = "crypelab-request ";
  constexpr std::string_view admitted = "crypelab-admitted ";
  const bool came = line.starts_with(request);
  if (!came && !line.starts_with(admitted)) return {};
  const auto fields = log_fields(rest_after(came ? request : admitted));
  if (!fields.contains("client") || !fields.contains("method") || !fields.contains("target")) return {};
  auto event = event_of(came ? "request" : "admitted");
  put_text(event, fields, {"client", "method", "target"});
  if (came) {
    put_text(event, fields, {"scheme", "step", "agent", "host", "alpn", "proxy-connection", "upgrade"});
  } else {
    put_text(event, fields, {"user"});
  }
  return {std::move(event)};
}

}  // namespace crypelab::services
