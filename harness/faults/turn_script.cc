#include "harness/faults/turn_script.h"

#include "harness/base/error.h"
#include "harness/faults/settings_json.h"

#include <algorithm>
#include <array>
#include <utility>

namespace crypelab::faults {
namespace {

constexpr std::array<std::pair<std::string_view, TurnOccasion>, 7> kOccasions{
    {{"any", TurnOccasion::any},
     {"binding", TurnOccasion::binding},
     {"allocate", TurnOccasion::allocate},
     {"refresh", TurnOccasion::refresh},
     {"delete", TurnOccasion::remove},
     {"create-permission", TurnOccasion::create_permission},
     {"channel-bind", TurnOccasion::channel_bind}}};
constexpr std::array<std::pair<std::string_view, TurnAlgorithms>, 3> kAlgorithms{
    {{"md5", TurnAlgorithms::md5}, {"sha-256", TurnAlgorithms::sha256}, {"bid-down", TurnAlgorithms::bid_down}}};

template <class Value, std::size_t Size>
void read_word(SettingsReader& reader, std::string_view key,
               const std::array<std::pair<std::string_view, Value>, Size>& words, std::string_view wanted,
               Value& value) {
  const auto text = reader.text(key);
  if (text.empty()) return;
  const auto word = std::ranges::find(words, text, &std::pair<std::string_view, Value>::first);
  if (word == words.end()) reader.complain(key, wanted);
  value = word->second;
}

std::optional<unsigned> count(SettingsReader& reader, std::string_view key, std::int64_t most) {
  const auto number = reader.number(key, most);
  if (!number) return std::nullopt;
  return static_cast<unsigned>(*number);
}

TurnRule rule_of(const boost::json::value& value) {
  if (!value.is_object()) throw Failure(Exit::data, "settings: turn.rules must be a list of objects");
  SettingsReader reader(value.get_object(), "rules");
  TurnRule rule;
  read_word(reader, "on", kOccasions, "a kind of request", rule.on);
  rule.skip = count(reader, "skip", 1'000'000).value_or(0);
  rule.times = count(reader, "times", 1'000'000);
  auto& act = rule.act;
  act.error = count(reader, "error", 699).value_or(0);
  if (act.error != 0 && act.error < 300) reader.complain("error", "a code from 300 to 699");
  act.silent = reader.flag("silent");
  act.lifetime = count(reader, "lifetime", 1'000'000);
  act.alternate = reader.endpoints("alternate");
  act.alternate_tls = reader.endpoints("alternate_tls");
  if (act.error == 300 && act.alternate.empty()) reader.complain("alternate", "there beside the error 300");
  act.delay = reader.time("delay_ms").value_or(Millis(0));
  act.bad_integrity = reader.flag("bad_integrity");
  act.no_integrity = reader.flag("no_integrity");
  act.unknown_required = reader.flag("unknown_required");
  act.unknown_optional = reader.flag("unknown_optional");
  act.other_family = reader.flag("other_family");
  act.uninvited = reader.flag("uninvited");
  reader.finish();
  return rule;
}

}  // namespace

TurnSettings parse_turn_settings(std::string_view json) {
  const auto object = parse_settings_object(json);
  SettingsReader reader(object, "turn");
  TurnSettings settings;
  settings.udp = reader.endpoints("udp");
  settings.tcp = reader.endpoints("tcp");
  settings.tls = reader.endpoints("tls");
  settings.certificate = reader.text("certificate");
  settings.key = reader.text("key");
  for (const auto& value : reader.list("relays")) {
    const auto address = value.is_string() ? parse_address(std::string(value.get_string())) : Complaint{""};
    if (!address) reader.complain("relays", "a list of addresses");
    settings.relays.push_back(*address);
  }
  settings.realm = reader.text("realm");
  if (settings.realm.empty()) reader.complain("realm", "there");
  if (const auto* users = reader.object("users")) {
    for (const auto& user : *users) {
      if (!user.value().is_string()) reader.complain("users", "names with their passwords");
      settings.users.emplace(user.key(), std::string(user.value().get_string()));
    }
  }
  settings.secret = reader.text("secret");
  read_word(reader, "algorithms", kAlgorithms, "md5, sha-256 or bid-down", settings.algorithms);
  if (const auto life = reader.time("nonce_life_ms")) settings.nonce_life = *life;
  settings.segment = count(reader, "segment", 65'535).value_or(0);
  for (const auto& rule : reader.list("rules")) settings.rules.push_back(rule_of(rule));
  reader.finish();
  return settings;
}

TurnAct TurnScript::act(TurnOccasion occasion) {
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const auto& rule = rules_[i];
    if (rule.on != TurnOccasion::any && rule.on != occasion) continue;
    const auto number = met_[i]++;
    if (number < rule.skip) continue;
    if (!rule.times || number < std::uint64_t{rule.skip} + *rule.times) return rule.act;
  }
  return {};
}

}  // namespace crypelab::faults
