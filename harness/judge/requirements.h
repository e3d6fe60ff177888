#pragma once

#include "harness/judge/connection.h"

#include <span>
#include <string_view>

// The rules of the CRYPE profile that packets can show to be broken. Each has a misbehaviour of the reference client of
// the same name, which breaks it.
namespace crypelab::judge {

enum class Level {
  must,    // broken: fail
  should,  // broken: non-strict
  info,    // told, and nothing follows from it: its source was not read again
};

struct Requirement {
  std::string_view id;      // "U-14"
  std::string_view source;  // "RFC 8656 section 12.5"
  Level level;
  std::string_view what;
  bool by_absence = false;  // broken by what was not seen: where packets were not whole, nothing follows
};

// All that are looked at.
std::span<const Requirement> requirements();

// Those that a client broke, each once a client, with the first place where it did.
std::vector<model::Verdict> judge_requirements(const Scene& scene, const Connection& connection);

// What the files of rules report to.
class Breaches {
 public:
  // `whole`: Scene::packets_are_whole().
  Breaches(std::string client, bool whole) : client_(std::move(client)), whole_(whole) {}
  void add(std::string_view id, Moment at, std::string reason);
  std::vector<model::Verdict> take() { return std::move(verdicts_); }

 private:
  std::string client_;
  bool whole_;
  std::vector<model::Verdict> verdicts_;
};

void look_at_proxy(const Scene& scene, const ClientView& view, Breaches& breaches);
void look_at_turn(const Scene& scene, const ClientView& view, Breaches& breaches);
void look_at_ice(const Scene& scene, const ClientView& view, Breaches& breaches);

}  // namespace crypelab::judge
