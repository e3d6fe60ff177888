#include "harness/faults/proxy_settings.h"

#include "harness/base/error.h"
#include "harness/faults/settings_json.h"

#include <algorithm>
#include <array>

namespace crypelab::faults {
namespace {

constexpr std::int64_t kLargestBody = 1 << 20;
constexpr std::int64_t kLargestCount = 1LL << 40;

template <class Value, std::size_t N>
Value word(SettingsReader& reader, std::string_view key, const std::array<std::pair<std::string_view, Value>, N>& words,
           std::string_view wanted) {
  const auto text = reader.text(key);
  if (text.empty()) return words.front().second;
  const auto found = std::ranges::find(words, text, [](const auto& each) { return each.first; });
  if (found == words.end()) reader.complain(key, wanted);
  return found->second;
}

OfferedChallenge challenge_of(const boost::json::value& value) {
  if (!value.is_object()) throw Failure(Exit::data, "settings: a challenge must be an object");
  SettingsReader reader(value.get_object(), "challenge");
  OfferedChallenge challenge{reader.text("scheme"), reader.text("algorithm"), reader.text("domain")};
  if (challenge.scheme.empty()) reader.complain("scheme", "a text");
  reader.finish();
  return challenge;
}

void read_refusal(SettingsReader& reader, ProxySettings& settings) {
  constexpr std::array<std::pair<std::string_view, Refusal>, 4> kRefusals{{{"challenge", Refusal::challenge},
                                                                           {"302", Refusal::redirect_302},
                                                                           {"307", Refusal::redirect_307},
                                                                           {"page", Refusal::page}}};
  settings.refusal = word(reader, "refusal", kRefusals, "challenge, 302, 307 or page");
  settings.login = reader.text("login");
  settings.close_refused = reader.flag("close_refused");
  settings.refusal_body = static_cast<std::size_t>(reader.number("refusal_body", kLargestBody).value_or(0));
}

void read_tunnel(const boost::json::object& object, TunnelAnswer& tunnel) {
  SettingsReader reader(object, "tunnel");
  tunnel.status = static_cast<unsigned>(reader.number("status", 299).value_or(200));
  if (tunnel.status < 200) reader.complain("status", "a number from 200 to 299");
  tunnel.content_length = reader.number("content_length", kLargestCount);
  tunnel.transfer_encoding = reader.text("transfer_encoding");
  reader.finish();
}

void read_cut(const boost::json::object& object, Cut& cut) {
  constexpr std::array<std::pair<std::string_view, CutBy>, 3> kWays{
      {{"close", CutBy::close}, {"reset", CutBy::reset}, {"silence", CutBy::silence}}};
  SettingsReader reader(object, "cut");
  cut.after = reader.time("after_ms");
  cut.bytes = reader.number("bytes", kLargestCount);
  cut.idle = reader.time("idle_ms");
  cut.by = word(reader, "by", kWays, "close, reset or silence");
  reader.finish();
}

void read_pace(const boost::json::object& object, Pace& pace) {
  SettingsReader reader(object, "pace");
  pace.segment = static_cast<std::size_t>(reader.number("segment", 65'535).value_or(0));
  pace.batch = reader.time("batch_ms").value_or(Millis(0));
  reader.finish();
}

void read_ports(SettingsReader& reader, ProxySettings& settings) {
  for (const auto& value : reader.list("connect_ports")) {
    const auto* range = value.if_array();
    const auto port = [&](std::size_t i) -> std::uint16_t {
      const auto* number = range != nullptr && range->size() == 2 ? (*range)[i].if_int64() : nullptr;
      if (number == nullptr || *number < 1 || *number > 65'535)
        reader.complain("connect_ports", "[[first, last], ...]");
      return static_cast<std::uint16_t>(*number);
    };
    settings.connect_ports.emplace_back(port(0), port(1));
  }
}

}  // namespace

ProxySettings parse_proxy_settings(std::string_view json) {
  const auto object = parse_settings_object(json);
  SettingsReader reader(object, "proxy");
  ProxySettings settings;
  settings.listen = reader.endpoints("listen");
  if (settings.listen.empty()) reader.complain("listen", "a list of endpoints");
  settings.realm = reader.text("realm");
  if (const auto* users = reader.object("users")) {
    for (const auto& user : *users) {
      if (!user.value().is_string()) reader.complain("users", "names with their passwords");
      settings.users.emplace(user.key(), std::string(user.value().get_string()));
    }
  }
  for (const auto& value : reader.list("challenges")) settings.challenges.push_back(challenge_of(value));
  settings.one_field = reader.flag("one_field");
  read_refusal(reader, settings);
  settings.nonce_life = reader.time("nonce_life_ms");
  settings.session = reader.time("session_ms");
  read_ports(reader, settings);
  if (const auto* tunnel = reader.object("tunnel")) read_tunnel(*tunnel, settings.tunnel);
  if (const auto status = reader.number("answer", 599)) settings.answer = static_cast<unsigned>(*status);
  if (const auto* cut = reader.object("cut")) read_cut(*cut, settings.cut);
  if (const auto* pace = reader.object("pace")) read_pace(*pace, settings.pace);
  if (const auto* down = reader.object("down")) {
    SettingsReader times(*down, "down");
    settings.down = Downtime{times.time("from_ms").value_or(Millis(0)), times.time("lasting_ms")};
    times.finish();
  }
  reader.finish();
  return settings;
}

}  // namespace crypelab::faults
