// What the reference client reads from its peer and from the signaling server.
#include "clients/reference/call/control.h"
#include "clients/reference/measure/test_message.h"
#include "clients/reference/signaling/address.h"
#include "clients/reference/signaling/link.h"
#include "clients/reference/signaling/message.h"

#include <algorithm>
#include <array>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crypelab::client;
  if (size == 0) return 0;
  const std::string_view text(static_cast<const char*>(static_cast<const void*>(data + 1)), size - 1);
  switch (data[0] % 5) {
    case 0:
      if (const auto control = call::parse_control(text)) {
        if (!call::parse_control(call::to_text(*control))) std::abort();
      }
      break;
    case 1:
      if (const auto message = signaling::parse_message(text)) {
        if (!signaling::parse_message(signaling::to_text(*message))) std::abort();
      }
      break;
    case 2:
      if (const auto polled = signaling::parse_polled(text); !polled && polled.complaint().empty()) std::abort();
      break;
    case 3:
      if (const auto servers = signaling::parse_ice_servers(text); servers && servers->size() > 32) std::abort();
      if (const auto room = signaling::parse_room_address(text); room && room->host.empty()) std::abort();
      break;
    default:
      if (const auto header = measure::TestHeader::parse({data + 1, size - 1})) {
        std::array<std::uint8_t, measure::TestHeader::size> out{};
        header->write(out);
        if (!std::equal(out.begin(), out.end(), data + 1)) std::abort();
      }
  }
  return 0;
}
