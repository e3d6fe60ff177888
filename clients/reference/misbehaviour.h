#pragma once

#include "harness/base/result.h"

#include <bitset>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace crypelab::client {

// The rules that the reference client breaks on request, so that every check of the harness can be shown to fail. Named
// after the requirement; what breaking it means: `broken_rules`. Each is asked for at the one place that decides.
enum class Rule : std::uint8_t {
  no_bypass,
  w02,
  w03,
  w04,
  w06,
  w07,
  w08,
  w09,
  w10,
  w11,
  w12,
  p01,
  p02,
  p03,
  p04,
  p05,
  p07,
  p08,
  p09,
  p12,
  p13,
  p14,
  p15,
  p17,
  p18,
  p19,
  p20,
  p22,
  p23,
  p24,
  p26,
  t01,
  t02,
  t03,
  t04,
  t05,
  t06,
  t07,
  t08,
  s01,
  s02,
  s05,
  s06,
  s07,
  s08,
  s09,
  s10,
  s11,
  s12,
  s13,
  s14,
  s15,
  u01,
  u02,
  u03,
  u05,
  u07,
  u08,
  u09,
  u10,
  u11,
  u12,
  u13,
  u14,
  u15,
  u16,
  u17,
  u18,
  u19,
  u20,
  u21,
  u22,
  u23,
  u24,
  u26,
  u27,
  i01,
  i04,
  i05,
  i06,
  i07,
  i08,
  i09,
  i10,
  i11,
  i12,
  i13,
  i14,
  i15,
  i16,
  i17,
  i18,
  i19,
  i20,
  i21,
  i22,
  i23,
  i24,
  i25,
  i26,
  i27,
  i28,
  g01,
  claims_connected,
  unclear_error,
};
inline constexpr std::size_t rule_count = static_cast<std::size_t>(Rule::unclear_error) + 1;

struct BrokenRule {
  Rule rule{};
  std::string_view id;      // "U-14"; "no-bypass" is the check of that name
  std::string_view effect;  // what the client then does
};
// All of them, in the order of the enumeration.
std::span<const BrokenRule> broken_rules();

// Which rules to break; none unless said.
class Misbehaviour {
 public:
  Misbehaviour() = default;
  Misbehaviour(std::initializer_list<Rule> rules) {
    for (const Rule rule : rules) add(rule);
  }
  // Complains about the first id that is not among `broken_rules`.
  static Result<Misbehaviour> parse(std::span<const std::string> ids);

  void add(Rule rule) { rules_.set(static_cast<std::size_t>(rule)); }
  bool breaks(Rule rule) const { return rules_.test(static_cast<std::size_t>(rule)); }

 private:
  std::bitset<rule_count> rules_;
};

}  // namespace crypelab::client
