#include "clients/reference/ice/credentials.h"

#include "harness/wire/ice_candidate.h"

namespace crypelab::client::ice {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

template <std::size_t size>
std::string characters(Random& random) {
  std::string text;
  for (const auto byte : random.bytes<size>()) text += alphabet[byte % alphabet.size()];
  return text;
}

}  // namespace

Credentials Credentials::fresh(Random& random, const Misbehaviour& misbehaviour) {
  Credentials made{characters<8>(random), characters<24>(random)};
  if (misbehaviour.breaks(Rule::i06)) made.password = "passwordpasswordpassword";
  return made;
}

bool Credentials::valid() const { return wire::is_ice_text(ufrag, 4, 256) && wire::is_ice_text(password, 22, 256); }

}  // namespace crypelab::client::ice
