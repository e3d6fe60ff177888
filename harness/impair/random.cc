#include "harness/impair/random.h"

namespace crypelab::impair {
namespace {

std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;

}  // namespace

std::uint64_t random_at(std::uint64_t seed, Purpose purpose, std::uint64_t index) {
  const std::uint64_t stream = mix(seed + kGolden * (static_cast<std::uint64_t>(purpose) + 1));
  return mix(stream + kGolden * (index + 1));
}

bool falls_within(std::uint64_t random, Ratio share) {
  return (((random >> 32) * 1'000'000) >> 32) < share.parts_per_million;
}

std::uint64_t derive_seed(std::uint64_t seed, std::string_view link, std::string_view direction) {
  std::uint64_t hash = 0xcbf29ce484222325 ^ mix(seed + kGolden);  // FNV-1a
  for (const std::string_view part : {link, std::string_view("\n", 1), direction}) {
    for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return mix(hash);
}

}  // namespace crypelab::impair
