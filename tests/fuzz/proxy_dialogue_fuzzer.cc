// A hostile proxy: CONNECT and SOCKS5 dialogues come to an end, take no more bytes than came, and never show a password
// in what they report.
#include "clients/reference/proxy/connect_dialogue.h"
#include "clients/reference/proxy/ntlm_client.h"
#include "clients/reference/proxy/socks_dialogue.h"

#include <algorithm>
#include <cstdlib>

using namespace crypelab;
using namespace crypelab::client;

namespace {

class Fixed final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override {
    for (auto& one : out) one = ++last_;
  }

 private:
  std::uint8_t last_ = 0;
};

constexpr const char* password = "canary-password";

void connect(wire::Bytes bytes, std::size_t segment) {
  Fixed random;
  proxy::Login login;
  const proxy::Account account{proxy::Account::Kind::given, "alice", password};
  proxy::ConnectDialogue dialogue({"turn.test:443", {"stun.turn"}, "fuzz", {}}, account, login, random);
  const bool told = wire::text_of(bytes).find(password) != std::string_view::npos;
  unsigned requests = 0;
  while (true) {
    using Step = proxy::ConnectDialogue::Step;
    if (dialogue.step() == Step::tunnel || dialogue.step() == Step::failed) break;
    if (dialogue.step() == Step::ticket) {
      dialogue.take_ticket(std::string("dG9rZW4="));
    } else if (dialogue.step() != Step::read) {
      if (++requests > 64) std::abort();
      dialogue.request(0);
    } else if (bytes.empty()) {
      dialogue.ended();
      if (dialogue.step() == Step::reconnect) break;
    } else {
      const auto piece = bytes.first(std::min(segment, bytes.size()));
      const auto used = dialogue.take(piece);
      if (used > piece.size()) std::abort();
      // What a step leaves over belongs to the tunnel, or to nobody.
      bytes = bytes.subspan(piece.size());
    }
  }
  // The proxy's own words may be quoted, whatever they are.
  if (!told && dialogue.trouble().detail.find(password) != std::string::npos) std::abort();
}

void socks(wire::Bytes bytes) {
  const proxy::Account account{proxy::Account::Kind::given, "alice", password};
  proxy::SocksDialogue dialogue("turn.test", 443, account);
  using Step = proxy::SocksDialogue::Step;
  std::vector<std::uint8_t> pending;
  while (dialogue.step() != Step::tunnel && dialogue.step() != Step::failed) {
    if (dialogue.step() == Step::send) {
      if (dialogue.message().empty()) std::abort();
      continue;
    }
    if (bytes.empty()) {
      dialogue.ended();
      continue;
    }
    pending.push_back(bytes[0]);
    bytes = bytes.subspan(1);
    const auto used = dialogue.take(pending);
    if (used > pending.size()) std::abort();
    pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(used));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const wire::Bytes bytes(data + 2, size - 2);
  switch (data[0] % 3) {
    case 0:
      connect(bytes, 1u + data[1]);
      break;
    case 1:
      socks(bytes);
      break;
    default: {
      Fixed random;
      const auto answer = proxy::ntlm_authenticate(bytes, "OFFICE\\alice", password, 0, random);
      if (answer && answer->size() > 60'000) std::abort();
      break;
    }
  }
  return 0;
}
