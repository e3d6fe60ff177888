#pragma once

#include <cstdint>
#include <string>

namespace crypelab::kernel {

// enum nfproto of <linux/netfilter.h>, which does not go with the C library's headers in C++, by nft's word for it.
// Throws Failure{software} for no such word.
std::uint8_t nft_family(const std::string& name);

}  // namespace crypelab::kernel
