// What the judge reads out of saved captures against a decoder that nobody here wrote: wire/ is shared with the
// reference client, and what both misread would pass everywhere else.
#include "harness/evidence/attempt_reader.h"
#include "harness/judge/flow.h"
#include "harness/wire/digest.h"
#include "tshark.h"

#include <filesystem>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace crypelab::judge {
namespace {

namespace fs = std::filesystem;
// The same packet is captured in several places, which tshark takes for repetitions.
using Lines = std::set<std::string>;

// A line for each packet that the filter lets through: the fields, separated by '|', each by its first occurrence.
Lines lines_of(const fs::path& capture, const std::string& filter, std::initializer_list<const char*> names) {
  std::string arguments = fmt::format("-Y '{}' -E occurrence=f", filter);
  for (const char* name : names) arguments += std::string(" -e ") + name;
  Lines lines;
  std::istringstream text(tshark(capture, arguments));
  for (std::string line; std::getline(text, line);) lines.insert(line);
  return lines;
}

// RFC 8489 section 5: where a message's type has its class.
unsigned bits_of(wire::StunClass message_class) {
  switch (message_class) {
    case wire::StunClass::request:
      return 0x0000;
    case wire::StunClass::indication:
      return 0x0001;
    case wire::StunClass::success:
      return 0x0010;
    case wire::StunClass::error:
      return 0x0011;
  }
  return 0;
}

class SavedCaptures : public testing::TestWithParam<fs::path> {
 protected:
  SavedCaptures() : flows_(decode_flows(evidence::read_attempt(GetParam()))) {}
  fs::path capture() const { return GetParam() / "packets.pcapng"; }
  std::vector<Flow> flows_;
};

TEST_P(SavedCaptures, stun_over_udp_is_the_same_to_both) {
  Lines ours;
  for (const auto& flow : flows_) {
    EXPECT_FALSE(flow.unread);
    for (const auto& note : flow.stun) {
      if (flow.tcp() || note.nested || note.message_class == wire::StunClass::indication) continue;
      ours.insert(fmt::format("{:#06x}|{:#06x}|{}|{}", static_cast<unsigned>(note.method), bits_of(note.message_class),
                              wire::lower_hex(note.transaction), note.lifetime ? std::to_string(*note.lifetime) : ""));
    }
  }
  EXPECT_GT(ours.size(), 20U);
  EXPECT_EQ(ours, lines_of(capture(), "udp && stun.id && !icmp && stun.type.class != 0x0001",
                           {"stun.type.method", "stun.type.class", "stun.id", "stun.att.lifetime"}));
}

TEST_P(SavedCaptures, tunnels_and_names_in_client_hellos_are_the_same_to_both) {
  Lines targets;
  Lines names;
  for (const auto& flow : flows_) {
    for (const auto& note : flow.connects) {
      if (note.method == "CONNECT") targets.insert(note.target);
    }
    if (flow.tls && flow.tls->hello) names.insert(flow.tls->hello->server_name.value_or(""));
  }
  EXPECT_FALSE(names.empty());
  EXPECT_EQ(targets, lines_of(capture(), "http.request.method == \"CONNECT\"", {"http.request.uri"}));
  EXPECT_EQ(names, lines_of(capture(), "tls.handshake.type == 1", {"tls.handshake.extensions_server_name"}));
}

std::vector<fs::path> saved() {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(CRYPELAB_SOURCE "/fixtures/evidence")) folders.push_back(entry);
  return folders;
}

INSTANTIATE_TEST_SUITE_P(Evidence, SavedCaptures, testing::ValuesIn(saved()), [](const auto& folder) {
  auto name = folder.param.filename().string();
  for (auto& letter : name) letter = letter == '-' ? '_' : letter;
  return name;
});

}  // namespace
}  // namespace crypelab::judge
