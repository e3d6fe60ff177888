#include "clients/reference/random.h"

#include "harness/base/error.h"
#include "harness/wire/bytes.h"

#include <openssl/rand.h>

namespace crypelab::client {

std::uint64_t Random::number() { return wire::load<std::uint64_t>(bytes<8>(), 0); }

void SecureRandom::fill(std::span<std::uint8_t> out) {
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) {
    throw Failure(Exit::os, "the machine gives no random numbers");
  }
}

}  // namespace crypelab::client
