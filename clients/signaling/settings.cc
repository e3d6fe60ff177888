#include "clients/signaling/settings.h"

#include "harness/base/units.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace crypelab::signaling {
namespace {

namespace json = boost::json;

// Reads members one by one; the first complaint stays.
class Reader {
 public:
  explicit Reader(std::string where) : where_(std::move(where)) {}

  const std::string& complaint() const { return complaint_; }
  void complain(std::string_view member, std::string_view what) {
    if (complaint_.empty()) complaint_ = fmt::format("{}{}: {}", where_, member, what);
  }

  void text(const json::key_value_pair& member, std::string& out) {
    const auto* const value = member.value().if_string();
    if (value == nullptr || value->empty()) return complain(member.key(), "a text is expected");
    out.assign(value->data(), value->size());
  }
  template <class Number>
  void count(const json::key_value_pair& member, Number& out) {
    const auto* const value = member.value().if_int64();
    if (value == nullptr || *value < 0 || *value > 1'000'000'000) return complain(member.key(), "a count is expected");
    out = static_cast<Number>(*value);
  }
  void bytes(const json::key_value_pair& member, std::size_t& out) {
    std::string value;
    text(member, value);
    const Result<ByteCount> parsed = parse_byte_count(value);
    if (!parsed) return complain(member.key(), parsed.complaint());
    out = parsed->bytes;
  }
  void time(const json::key_value_pair& member, Time& out) {
    std::string value;
    text(member, value);
    const Result<Duration> parsed = parse_duration(value);
    if (!parsed) return complain(member.key(), parsed.complaint());
    if (*parsed < Time(1)) return complain(member.key(), "at least 1ms");
    out = std::chrono::duration_cast<Time>(*parsed);
  }
  const json::object* object(const json::key_value_pair& member) {
    const auto* const value = member.value().if_object();
    if (value == nullptr) complain(member.key(), "an object is expected");
    return value;
  }
  template <class Take>
  void texts(const json::key_value_pair& member, Take take) {
    const auto* const list = member.value().if_array();
    if (list == nullptr) return complain(member.key(), "a list of texts is expected");
    for (const json::value& value : *list) {
      if (!value.is_string()) return complain(member.key(), "a list of texts is expected");
      take(std::string_view(value.get_string().data(), value.get_string().size()));
    }
  }
  void unknown(const json::key_value_pair& member) { complain(member.key(), "there is no such member"); }

 private:
  std::string where_;
  std::string complaint_;
};

std::string read_turn(const json::object& turn, IceServers& ice) {
  Reader reader("turn.");
  for (const auto& member : turn) {
    if (member.key() == "secret") {
      reader.text(member, ice.secret);
    } else if (member.key() == "urls") {
      reader.texts(member, [&](std::string_view url) { ice.urls.emplace_back(url); });
    } else if (member.key() == "lifetime") {
      Time lifetime{0};
      reader.time(member, lifetime);
      ice.lifetime = static_cast<std::uint64_t>(lifetime.count() / 1000);
    } else {
      reader.unknown(member);
    }
  }
  return reader.complaint();
}

std::string read_limits(const json::object& limits, Settings& settings) {
  Reader reader("limits.");
  for (const auto& member : limits) {
    if (member.key() == "peers") {
      reader.count(member, settings.limits.peers);
    } else if (member.key() == "message") {
      reader.bytes(member, settings.limits.message_bytes);
    } else if (member.key() == "room") {
      reader.bytes(member, settings.limits.room_bytes);
    } else if (member.key() == "rooms") {
      reader.count(member, settings.limits.rooms);
    } else if (member.key() == "total") {
      reader.bytes(member, settings.limits.total_bytes);
    } else if (member.key() == "idle") {
      reader.time(member, settings.limits.idle);
    } else if (member.key() == "connections") {
      reader.count(member, settings.connections);
    } else if (member.key() == "strangers") {
      reader.count(member, settings.strangers);
    } else {
      reader.unknown(member);
    }
  }
  return reader.complaint();
}

std::string read_token_members(const json::object& members, Tokens& tokens) {
  for (const auto& member : members) {
    const auto* const peer = member.value().if_string();
    if (peer == nullptr) return "tokens: every token stands for a peer's name";
    const Result<bool> added = tokens.add(member.key(), std::string_view(peer->data(), peer->size()));
    if (!added) return "tokens: " + added.complaint();
  }
  return {};
}

Result<json::object> read_object(std::string_view text, std::string_view what) {
  json::error_code error;
  json::value document = json::parse(json::string_view(text.data(), text.size()), error);
  if (error) return Complaint{fmt::format("{}: not JSON ({})", what, error.message())};
  if (!document.is_object()) return Complaint{fmt::format("{}: a JSON object is expected", what)};
  return std::move(document.get_object());
}

Result<bool> done(std::string complaint) {
  if (!complaint.empty()) return Complaint{std::move(complaint)};
  return true;
}

}  // namespace

Result<bool> read_tokens(std::string_view text, Tokens& tokens) {
  const Result<json::object> document = read_object(text, "tokens");
  if (!document) return Complaint{document.complaint()};
  return done(read_token_members(*document, tokens));
}

Result<bool> read_settings(std::string_view text, Settings& settings) {
  const Result<json::object> document = read_object(text, "configuration");
  if (!document) return Complaint{document.complaint()};
  Reader reader("");
  for (const auto& member : *document) {
    const json::string_view name = member.key();
    std::string inner;
    if (name == "listen") {
      reader.texts(member, [&](std::string_view one) {
        const Result<Endpoint> endpoint = parse_endpoint(one);
        if (endpoint) {
          settings.listen.push_back(*endpoint);
        } else {
          reader.complain(name, endpoint.complaint());
        }
      });
    } else if (name == "certificate") {
      reader.text(member, settings.certificate);
    } else if (name == "key") {
      reader.text(member, settings.key);
    } else if (name == "tokens") {
      if (const json::object* const tokens = reader.object(member))
        inner = read_token_members(*tokens, settings.tokens);
    } else if (name == "turn") {
      if (const json::object* const turn = reader.object(member)) inner = read_turn(*turn, settings.ice);
    } else if (name == "limits") {
      if (const json::object* const limits = reader.object(member)) inner = read_limits(*limits, settings);
    } else if (name == "patience") {
      reader.time(member, settings.patience);
    } else if (name == "ping") {
      reader.time(member, settings.ping);
    } else if (name == "log") {
      reader.count(member, settings.log);
    } else {
      reader.unknown(member);
    }
    if (!inner.empty()) return Complaint{std::move(inner)};
    if (!reader.complaint().empty()) return Complaint{reader.complaint()};
  }
  return true;
}

Result<bool> check_settings(const Settings& settings) {
  if (settings.listen.empty()) return Complaint{"no address to listen on"};
  if (settings.certificate.empty() || settings.key.empty()) return Complaint{"no certificate and key"};
  if (settings.tokens.empty()) return Complaint{"no tokens: nobody could ever come in"};
  if (settings.limits.peers == 0 || settings.limits.rooms == 0) return Complaint{"limits: no room for anybody"};
  for (const std::string& url : settings.ice.urls) {
    const bool known =
        url.starts_with("stun:") || url.starts_with("stuns:") || url.starts_with("turn:") || url.starts_with("turns:");
    if (!known) return Complaint{fmt::format("{}: a stun:, stuns:, turn: or turns: URL is expected", url)};
  }
  return true;
}

}  // namespace crypelab::signaling
