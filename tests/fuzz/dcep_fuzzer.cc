#include "clients/reference/datachannel/dcep.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crypelab::client::datachannel;
  const auto read = parse_channel_message({data, size});
  if (!read) return 0;
  if (const auto* const channel = std::get_if<ChannelSettings>(&*read)) {
    const auto again = parse_channel_message(open_message(*channel));
    if (!again || std::get<ChannelSettings>(*again) != *channel) std::abort();
  }
  return 0;
}
