#include "harness/wire/ice_candidate.h"

#include "harness/wire/text.h"

#include <array>

#include <fmt/format.h>

namespace crypelab::wire {
namespace {

constexpr std::array<std::string_view, 2> transports{"udp", "tcp"};
constexpr std::array<std::string_view, 4> types{"host", "srflx", "prflx", "relay"};
constexpr std::array<std::string_view, 3> tcp_types{"active", "passive", "so"};

constexpr std::size_t longest_candidate = 1024;
constexpr std::size_t most_extensions = 32;

template <class Enum, std::size_t size>
std::optional<Enum> find(const std::array<std::string_view, size>& names, std::string_view name) {
  for (std::size_t i = 0; i < size; ++i) {
    if (equal_ignoring_case(names[i], name)) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

bool is_visible(std::string_view text) {
  return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) { return is_control(c) || c == ' '; });
}

bool is_host(std::string_view text) {
  return text.size() <= 255 && is_visible(text) && std::all_of(text.begin(), text.end(), [](char c) {
           return is_alpha(c) || is_digit(c) || c == '.' || c == '-' || c == ':' || c == '_' || c == '%';
         });
}

}  // namespace

std::string_view name_of(IceCandidate::Transport transport) { return transports[static_cast<std::size_t>(transport)]; }
std::string_view name_of(IceCandidate::Type type) { return types[static_cast<std::size_t>(type)]; }
std::string_view name_of(IceCandidate::TcpType type) { return tcp_types[static_cast<std::size_t>(type)]; }

bool is_ice_text(std::string_view text, std::size_t least, std::size_t most) {
  return text.size() >= least && text.size() <= most && std::all_of(text.begin(), text.end(), [](char c) {
           return is_alpha(c) || is_digit(c) || c == '+' || c == '/';
         });
}

std::optional<Endpoint> IceCandidate::endpoint() const {
  const auto address = parse_address(host);
  if (!address) return std::nullopt;
  return Endpoint{*address, port};
}

Result<IceCandidate> parse_candidate(std::string_view text) {
  constexpr std::string_view attribute = "a=";
  constexpr std::string_view name = "candidate:";
  if (text.starts_with(attribute)) text.remove_prefix(attribute.size());
  if (text.size() > longest_candidate || !text.starts_with(name)) return Complaint{"not a candidate attribute"};
  text.remove_prefix(name.size());

  IceCandidate candidate;
  candidate.foundation = take_until(text, ' ');
  const auto component = parse_decimal(take_until(text, ' '), 256);
  const auto transport = find<IceCandidate::Transport>(transports, take_until(text, ' '));
  const auto priority = parse_decimal(take_until(text, ' '), 0xFFFFFFFF);
  candidate.host = take_until(text, ' ');
  const auto port = parse_decimal(take_until(text, ' '), 0xFFFF);
  const bool typed = take_until(text, ' ') == "typ";
  const auto type = find<IceCandidate::Type>(types, take_until(text, ' '));
  // libwebrtc's foundations are numbers, those of others words: 1 to 32 characters of the ICE alphabet; some put more
  // in.
  if (!is_visible(candidate.foundation) || candidate.foundation.size() > 64)
    return Complaint{"a candidate without foundation"};
  if (!component || *component == 0) return Complaint{"a candidate's component is a number from 1 to 256"};
  if (!transport) return Complaint{"a candidate's transport is neither udp nor tcp"};
  if (!priority) return Complaint{"a candidate's priority is a number of 32 bits"};
  if (!is_host(candidate.host)) return Complaint{"a candidate's address is neither an address nor a name"};
  if (!port) return Complaint{"a candidate's port is a number of 16 bits"};
  if (!typed || !type) return Complaint{"a candidate's type is not known"};
  candidate.component = static_cast<unsigned>(*component);
  candidate.transport = *transport;
  candidate.priority = static_cast<std::uint32_t>(*priority);
  candidate.port = static_cast<std::uint16_t>(*port);
  candidate.type = *type;

  while (!text.empty()) {
    const auto key = take_until(text, ' ');
    if (key.empty()) continue;  // a space too many, as some write
    const auto value = take_until(text, ' ');
    if (!is_visible(key) || !is_visible(value)) return Complaint{"a candidate's extension is a name and a value"};
    if (key == "raddr") {
      if (!is_host(value)) return Complaint{"a candidate's related address is neither an address nor a name"};
      candidate.related_host = std::string(value);
    } else if (key == "rport") {
      const auto number = parse_decimal(value, 0xFFFF);
      if (!number) return Complaint{"a candidate's related port is a number of 16 bits"};
      candidate.related_port = static_cast<std::uint16_t>(*number);
    } else if (key == "tcptype") {
      candidate.tcp_type = find<IceCandidate::TcpType>(tcp_types, value);
      if (!candidate.tcp_type) return Complaint{"a candidate's tcptype is not known"};
    } else if (candidate.extensions.size() == most_extensions) {
      return Complaint{"a candidate with too many extensions"};
    } else {
      candidate.extensions.emplace_back(key, value);
    }
  }
  if (candidate.transport == IceCandidate::Transport::tcp && !candidate.tcp_type) {
    return Complaint{"a TCP candidate without tcptype"};  // RFC 6544 §4.5: MUST
  }
  return candidate;
}

std::string to_text(const IceCandidate& c) {
  std::string text = fmt::format("candidate:{} {} {} {} {} {} typ {}", c.foundation, c.component, name_of(c.transport),
                                 c.priority, c.host, c.port, name_of(c.type));
  if (c.related_host) text += fmt::format(" raddr {}", *c.related_host);
  if (c.related_port) text += fmt::format(" rport {}", *c.related_port);
  if (c.tcp_type) text += fmt::format(" tcptype {}", name_of(*c.tcp_type));
  for (const auto& [key, value] : c.extensions) text += fmt::format(" {} {}", key, value);
  return text;
}

}  // namespace crypelab::wire
