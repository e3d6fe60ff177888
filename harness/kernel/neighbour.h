#pragma once

#include "harness/kernel/link.h"

namespace crypelab::kernel {

// An IP neighbour behind `link` that is known: nobody is asked for it (RFC 4861 section 7.2, RFC 826), and it stays
// known for as long as the interface is up. One that is there is replaced. Throws Failure naming both.
void set_neighbour(const Link& link, const Address& address, const Mac& mac);

}  // namespace crypelab::kernel
