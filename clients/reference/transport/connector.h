#pragma once

#include "clients/reference/misbehaviour.h"
#include "clients/reference/time.h"
#include "clients/reference/transport/stream.h"

#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace crypelab::client::transport {

// Connects to one of these addresses, the families in turn from IPv6 on, a quarter of a second apart (RFC 8305 §4, §5).
// Otherwise says of each address what was seen.
Awaitable<std::variant<std::unique_ptr<Stream>, std::string>> connect_any(std::vector<Address> addresses,
                                                                          std::uint16_t port, Time deadline,
                                                                          Misbehaviour misbehaviour);

// In the order in which they are tried.
std::vector<Address> interlaced(std::vector<Address> addresses);

}  // namespace crypelab::client::transport
