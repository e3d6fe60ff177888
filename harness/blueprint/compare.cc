#include "harness/blueprint/declared.h"
#include "harness/model/describe.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crypelab::blueprint {
namespace {

using measure::Answer;
using measure::Outcome;
using namespace std::chrono_literals;

template <class Value>
std::string join_words(const std::vector<Value>& values) {
  std::string text;
  for (const auto value : values) text += (text.empty() ? "" : " or ") + std::string(measure::word(value));
  return text;
}

template <class Value>
bool has(const std::vector<Value>& values, const Value& value) {
  return std::ranges::find(values, value) != values.end();
}

std::string milliseconds(Duration duration) {
  return fmt::format("{:.1f}ms", static_cast<double>(duration.count()) / 1000);
}

bool within(double measured, double declared, double share, double absolute) {
  return std::abs(measured - declared) <= std::max(declared * share, absolute);
}

std::string describe_loss(const model::Loss& loss) {
  const auto text = model::describe(loss);
  return text.empty() || std::holds_alternative<std::monostate>(loss) ? "none" : text;
}

// The lost packets are those of the list, but for an offset: what was sent before the train has taken numbers as well.
bool fits_list(const std::vector<std::uint32_t>& list, const measure::Counted& counted) {
  std::vector<std::uint32_t> sorted = list;
  std::ranges::sort(sorted);
  const std::uint32_t last = sorted.empty() ? 0 : sorted.back();
  for (std::uint32_t offset = 0; offset <= last; ++offset) {
    std::vector<std::uint32_t> expected;
    for (const auto number : sorted) {
      if (number > offset && number - offset <= counted.sent) expected.push_back(number - offset);
    }
    if (expected == counted.lost) return true;
  }
  return false;
}

bool fits(const model::Loss& loss, const measure::Counted& counted) {
  const double sent = counted.sent;
  const double lost = static_cast<double>(counted.lost.size());
  const auto near = [&](double share, double spread) {
    return std::abs(lost - sent * share) <= 4 * std::sqrt(sent * share * (1 - share) * spread) + 1;
  };
  if (const auto* list = std::get_if<model::PacketListLoss>(&loss)) return fits_list(list->packets, counted);
  if (const auto* random = std::get_if<model::RandomLoss>(&loss)) return near(random->share.parts_per_million / 1e6, 1);
  if (const auto* burst = std::get_if<model::BurstLoss>(&loss)) {
    return near(burst->share.parts_per_million / 1e6, 2.0 * burst->mean_length);
  }
  return lost <= std::max(1.0, sent * 0.002);
}

// Judges one answer: fills in what was declared and measured, whether they agree, and why not.
struct Judge {
  const Declaration& declaration;
  const Measured& measured;
  const Answer& answer;
  Row& row;

  template <class Found>
  const Found* found() const {
    return std::get_if<Found>(&answer.finding);
  }
  bool no_answer() const {
    row.measured = "nothing of the kind that was asked for";
    return false;
  }

  bool operator()(const ExpectReach& expected) const {
    row.declared = join_words(expected.any_of);
    const auto* got = found<measure::Reached>();
    if (got == nullptr) return no_answer();
    row.measured = fmt::format("{} in {}", measure::word(got->outcome), milliseconds(answer.elapsed));
    if (got->icmp_from) row.measured += " from " + to_string(*got->icmp_from);
    if (!has(expected.any_of, got->outcome)) return false;
    const auto* ask = std::get_if<measure::Reach>(&declaration.question.ask);
    const bool silent = got->outcome == Outcome::silent || got->outcome == Outcome::accepted;
    if (!silent || ask == nullptr) return true;
    if (has(measured.far_side, ask->token)) {
      row.note = "it reached the far side: only the way back is silent";
      return false;
    }
    if (!declaration.counter) return true;
    const auto counted = measured.counted.find(*declaration.counter);
    if (counted == measured.counted.end() || counted->second == 0) {
      row.note = fmt::format("counter {} of {} did not move: something else swallows it", declaration.counter->name,
                             declaration.counter->host);
      return false;
    }
    row.note = fmt::format("counter {} of {}: {} packets", declaration.counter->name, declaration.counter->host,
                           counted->second);
    return true;
  }

  bool operator()(const ExpectPassage& expected) const {
    row.declared = "then silent after";
    if (expected.bytes) row.declared += " " + to_string(*expected.bytes);
    if (expected.time) row.declared += " " + to_string(*expected.time);
    const auto* got = found<measure::Passed>();
    if (got == nullptr) return no_answer();
    row.measured = fmt::format("{}, {} after {} and {}", measure::word(got->outcome),
                               got->ended ? "silent" : "still passing", to_string(got->bytes), milliseconds(got->time));
    if (!got->ended) return false;
    const auto bytes = static_cast<double>(got->bytes.bytes);
    const auto time = static_cast<double>(got->time.count());
    row.note = "within 15 % or five packets or 200 ms, whichever is more; the first limit ends it";
    const bool by_bytes =
        expected.bytes && within(bytes, static_cast<double>(expected.bytes->bytes), 0.15, 5 * 2 * 1228.0);
    const bool by_time = expected.time && within(time, static_cast<double>(expected.time->count()), 0.15, 200'000);
    return by_bytes || by_time;
  }

  bool operator()(const ExpectMapping& expected) const {
    row.declared = expected.nat ? std::string(measure::word(expected.mapping)) : "no NAT";
    if (expected.ports) row.declared += fmt::format(", ports {}", measure::word(*expected.ports));
    if (expected.external) row.declared += ", as " + to_string(*expected.external);
    const auto* got = found<measure::Mapped>();
    if (got == nullptr) return no_answer();
    if (!got->nat) {
      row.measured = "no answer";
      return false;
    }
    row.measured = !*got->nat ? "no NAT" : got->mapping ? std::string(measure::word(*got->mapping)) : "unknown";
    if (*got->nat && got->ports) row.measured += fmt::format(", ports {}", measure::word(*got->ports));
    if (*got->nat && got->external) row.measured += ", as " + to_string(got->external->address);
    if (*got->nat != expected.nat) return false;
    if (!expected.nat) return true;
    return got->mapping == expected.mapping && (!expected.ports || got->ports == expected.ports) &&
           (!expected.external || got->external->address == *expected.external);
  }

  bool operator()(const ExpectFiltering& expected) const {
    row.declared = measure::word(expected.filtering);
    const auto* got = found<measure::Filtered>();
    if (got == nullptr) return no_answer();
    row.measured = got->filtering ? std::string(measure::word(*got->filtering)) : "no answer";
    return got->filtering == expected.filtering;
  }

  bool operator()(const ExpectHairpin& expected) const {
    row.declared = expected.hairpin ? "yes" : "no";
    const auto* got = found<measure::Hairpinned>();
    if (got == nullptr) return no_answer();
    row.measured = !got->hairpin ? "no answer" : *got->hairpin ? "yes" : "no";
    return got->hairpin == expected.hairpin;
  }

  bool operator()(const ExpectLifetime& expected) const {
    row.declared = to_string(expected.timer);
    const auto* got = found<measure::Lived>();
    if (got == nullptr) return no_answer();
    row.measured = fmt::format("alive after {}, dead after {}", got->alive ? to_string(*got->alive) : "no silence",
                               got->dead ? to_string(*got->dead) : "none");
    if (!got->answered) return false;
    const Duration slack = std::max<Duration>(300ms, expected.timer / 20);
    if (got->alive && *got->alive > expected.timer + slack) return false;
    if (got->dead) return *got->dead + slack >= expected.timer;
    row.note = fmt::format("silences up to {} were tried", to_string(expected.asked_up_to));
    return got->alive && expected.timer + slack >= expected.asked_up_to;
  }

  bool operator()(const ExpectTrain& expected) const {
    const Duration delay = expected.up.delay + expected.down.delay;
    const Duration jitter = expected.up.jitter + expected.down.jitter;
    row.declared = fmt::format("round trip {}, loss up {}, down {}", milliseconds(delay),
                               describe_loss(expected.up.loss), describe_loss(expected.down.loss));
    const auto* got = found<measure::Trained>();
    if (got == nullptr) return no_answer();
    if (!got->complete) {
      row.measured = "not complete";
      return false;
    }
    row.measured = fmt::format("round trip {} to {}, lost up {} of {}, down {} of {}", milliseconds(got->rtt_min),
                               milliseconds(got->rtt_p50), got->up.lost.size(), got->up.sent, got->down.lost.size(),
                               got->down.sent);
    std::vector<std::string> wrong;
    const Duration allowed = std::max<Duration>(3ms, delay / 10) + jitter;
    if (got->rtt_min + jitter + 1ms < delay || got->rtt_min > delay + allowed) wrong.emplace_back("delay");
    if (!fits(expected.up.loss, got->up)) wrong.emplace_back("loss up");
    if (!fits(expected.down.loss, got->down)) wrong.emplace_back("loss down");
    if (!wrong.empty()) row.note = fmt::format("{} differs", fmt::join(wrong, ", "));
    return wrong.empty();
  }

  bool operator()(const ExpectRate& expected) const {
    row.declared = to_string(expected.rate);
    const auto* got = found<measure::Rated>();
    if (got == nullptr) return no_answer();
    row.measured = fmt::format("{:.2f}mbit on the wire, {:.2f}mbit of payload",
                               static_cast<double>(got->wire.bits_per_second) / 1e6,
                               static_cast<double>(got->goodput.bits_per_second) / 1e6);
    return got->complete && within(static_cast<double>(got->wire.bits_per_second),
                                   static_cast<double>(expected.rate.bits_per_second), 0.15, 0);
  }

  bool operator()(const ExpectMtu& expected) const {
    row.declared = fmt::format("{}{}", expected.mtu, expected.too_big ? "" : ", ICMP too big withheld");
    const auto* got = found<measure::PathMtuFound>();
    if (got == nullptr) return no_answer();
    row.measured = got->mtu ? std::to_string(*got->mtu) : "unknown";
    if (got->too_big) row.measured += fmt::format(", ICMP too big said {}", got->reported.value_or(0));
    if (got->mtu != expected.mtu) return false;
    if (expected.mtu >= 1500 || got->too_big == expected.too_big) return true;
    row.note = got->too_big ? "ICMP too big came" : "no ICMP too big came: a black hole";
    return false;
  }

  bool operator()(const ExpectDns& expected) const {
    const auto texts = [](const std::vector<Address>& addresses) {
      std::vector<std::string> list;
      for (const auto& address : addresses) list.push_back(to_string(address));
      std::ranges::sort(list);
      return fmt::format("{}", fmt::join(list, " "));
    };
    const auto of = [&](std::string text, const std::vector<Address>& addresses) {
      return addresses.empty() ? text : texts(addresses);
    };
    row.declared = of(join_words(expected.any_of), expected.addresses);
    if (expected.nat64) row.declared = "translation prefix " + to_string(*expected.nat64);
    const auto* got = found<measure::Resolved>();
    if (got == nullptr) return no_answer();
    row.measured = of(std::string(measure::word(got->outcome)), got->addresses);
    if (expected.nat64) row.measured = got->nat64 ? "translation prefix " + to_string(*got->nat64) : row.measured;
    if (!has(expected.any_of, got->outcome)) return false;
    if (!expected.addresses.empty() && texts(expected.addresses) != texts(got->addresses)) return false;
    if (expected.nat64 && got->nat64 != expected.nat64) return false;
    if (answer.elapsed + 2ms >= expected.delay) return true;
    row.note = "the answer came before its declared delay";
    return false;
  }

  bool operator()(const ExpectChallenge& expected) const {
    const auto said = [](std::uint32_t status, const std::vector<std::string>& schemes) {
      return schemes.empty() ? std::to_string(status) : fmt::format("{} {}", status, fmt::join(schemes, ", "));
    };
    row.declared =
        expected.status == 0 ? "neither asked for credentials nor refused" : said(expected.status, expected.schemes);
    const auto* got = found<measure::Challenged>();
    if (got == nullptr) return no_answer();
    row.measured = got->status == 0 ? std::string(measure::word(got->outcome)) : said(got->status, got->schemes);
    if (expected.status == 0) return got->status != 0 && got->status != 407 && got->status != 403;
    return got->status == expected.status && got->schemes == expected.schemes;
  }
};

Row judge(const Declaration& declaration, const Measured& measured) {
  Row row{declaration.site, declaration.client, declaration.what, "", "", false, ""};
  static const Answer nothing{"", Duration(0), measure::Resolved{}};
  const auto client = measured.answers.find(declaration.client);
  const Answer* answer = nullptr;
  if (client != measured.answers.end()) {
    const auto found = client->second.find(declaration.question.id);
    if (found != client->second.end()) answer = &found->second;
  }
  row.agrees =
      std::visit(Judge{declaration, measured, answer != nullptr ? *answer : nothing, row}, declaration.expected);
  if (answer == nullptr) {
    row.agrees = false;
    row.measured = "not answered";
    row.note = "the measuring program did not answer";
  }
  return row;
}

}  // namespace

std::vector<Row> compare(const std::vector<Declaration>& declarations, const Measured& measured) {
  std::vector<Row> rows;
  rows.reserve(declarations.size());
  for (const auto& declaration : declarations) rows.push_back(judge(declaration, measured));
  return rows;
}

}  // namespace crypelab::blueprint
