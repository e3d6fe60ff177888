#include "harness/faults/proxy_desk.h"

#include <cstdlib>

// Whatever a client sends, a decision is made, and nobody is let in without the password.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crypelab;
  static const auto settings = [] {
    faults::ProxySettings made;
    made.realm = "OFFICE.TEST";
    made.users = {{"alice", "a password that no fuzzer finds"}};
    made.challenges = {{"Foo", "", ""}, {"Digest", "SHA-9", ""}, {"Digest", "SHA-256", "/"}, {"basic", "", ""}};
    made.nonce_life = std::chrono::seconds(20);
    made.session = std::chrono::seconds(120);
    return made;
  }();
  faults::ProxyDesk desk(settings, "seal");
  wire::Bytes left(data, size);
  for (int requests = 0; requests < 4 && !left.empty(); ++requests) {
    wire::HttpRequestParser parser;
    left = left.subspan(parser.feed(left));
    if (parser.state() != wire::HttpState::head) break;
    const auto decision = desk.decide(parser.head(), "10.0.0.1", std::chrono::seconds(requests));
    if (decision.kind != faults::Decision::Kind::answer) std::abort();
    wire::HttpResponseParser answer;
    answer.feed(wire::bytes_of(decision.text));
    if (answer.state() != wire::HttpState::head) std::abort();
  }
  return 0;
}
