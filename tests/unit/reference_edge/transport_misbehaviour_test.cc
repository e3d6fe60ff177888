// That each rule of the edge, broken on request, is broken on the wire, and kept otherwise.
#include "clients/reference/signaling/web_socket.h"
#include "clients/reference/transport/connector.h"
#include "gathering.h"
#include "harness/wire/client_hello.h"
#include "harness/wire/stun_writer.h"
#include "name_server.h"
#include "tests/unit/faults/running_proxy.h"

#include <set>

#include <boost/asio/ip/tcp.hpp>
#include <fmt/format.h>

namespace crypelab::client::transport::transport_misbehaviour_test {
namespace {

using boost::asio::ip::tcp;
using boost::asio::ip::udp;

Dialer::Settings through(const faults::RunningProxy& proxy, Misbehaviour misbehaviour = {}) {
  Dialer::Settings settings;
  settings.proxy = {.mode = proxy::Mode::fixed_servers,
                    .rules = "127.0.0.1:" + std::to_string(proxy.port()),
                    .bypass = "<-loopback>"};
  settings.account = {proxy::Account::Kind::given, "alice", "wonder:land"};
  settings.misbehaviour = misbehaviour;
  return settings;
}

Misbehaviour only(Rule rule, bool broken) { return broken ? Misbehaviour{rule} : Misbehaviour{}; }

class TransportMisbehaviour : public Gathering, public TurnRung::Listener {
 protected:
  // Rungs of a server that the test plays; they are cancelled with the fixture.
  TurnRung& rung(const std::string& uri, const Dialer::Settings& dialing, Resolver* names = nullptr) {
    dialers_.push_back(
        std::make_unique<Dialer>(edge.io.get_executor(), dialing, names ? *names : resolver, edge.random, edge));
    TurnRung::Settings settings{.uri = *parse_ice_uri(uri), .username = "alice", .credential = "wonder:land"};
    settings.misbehaviour = dialing.misbehaviour;
    rungs_.push_back(std::make_unique<TurnRung>(edge.io.get_executor(), settings, record_, *dialers_.back(),
                                                names ? *names : resolver, edge.random, *this));
    return *rungs_.back();
  }
  Problem trouble(TurnRung& one) {
    one.start();
    until([&] { return one.report().state != RungReport::State::trying; });
    return one.report().trouble.code;
  }
  // What comes to a socket of the test, from whom.
  struct Arrived {
    std::vector<std::uint8_t> bytes;
    udp::endpoint from;
    wire::StunMessage stun() const { return *wire::StunMessage::parse(bytes); }
  };
  Arrived next(udp::socket& socket) {
    Arrived arrived;
    arrived.bytes.resize(1500);
    std::optional<std::size_t> size;
    socket.async_receive_from(boost::asio::buffer(arrived.bytes), arrived.from,
                              [&](const boost::system::error_code&, std::size_t got) { size = got; });
    until([&] { return size.has_value(); });
    arrived.bytes.resize(size.value_or(0));
    return arrived;
  }
  static std::string url(const udp::socket& socket) {
    return fmt::format("turn:127.0.0.1:{}?transport=udp", socket.local_endpoint().port());
  }
  // The first bytes of the next connection, `least` or more.
  std::vector<std::uint8_t> first_bytes(tcp::acceptor& acceptor, std::size_t least) {
    std::optional<tcp::socket> connection;
    acceptor.async_accept([&](const boost::system::error_code& error, tcp::socket accepted) {
      if (!error) connection = std::move(accepted);
    });
    until([&] { return connection.has_value(); });
    std::vector<std::uint8_t> bytes(4096);
    std::size_t size = 0;
    bool reading = false;
    until([&] {
      if (!reading && size < least) {
        reading = true;
        connection->async_read_some(boost::asio::buffer(bytes.data() + size, bytes.size() - size),
                                    [&](const boost::system::error_code&, std::size_t got) {
                                      size += got;
                                      reading = false;
                                    });
      }
      return size >= least;
    });
    bytes.resize(size);
    return bytes;
  }

  void allocated(TurnRung&) override {}
  void received(TurnRung&, const turn::PeerData&) override {}
  void permission(TurnRung&, const Address&, bool) override {}
  void told(TurnRung&, const RungReport&) override {}

  const udp::endpoint anywhere{boost::asio::ip::address_v4::loopback(), 0};

 private:
  turn::ServerRecord record_{turn::AddressFamilies::both, {}};
  std::vector<std::unique_ptr<Dialer>> dialers_;
  std::vector<std::unique_ptr<TurnRung>> rungs_;
};

TEST_F(TransportMisbehaviour, w02_uses_no_relay) {
  for (const bool broken : {false, true}) {
    auto wanted = settings(every_way(), false);
    wanted.misbehaviour = only(Rule::w02, broken);
    Peer alice(*this, true, wanted, direct());
    Peer bob(*this, false, settings({}, false), direct());
    alice.begin(bob);
    bob.begin(alice);
    until([&] { return alice.ended; });
    EXPECT_EQ(alice.count(wire::IceCandidate::Type::relay) == 0, broken);
    close(alice);
  }
}

TEST_F(TransportMisbehaviour, w06_asks_for_ipv4_alone) {
  for (const bool broken : {false, true}) {
    udp::socket server(edge.io, anywhere);
    auto dialing = direct();
    dialing.misbehaviour = only(Rule::w06, broken);
    auto& one = rung(url(server), dialing);
    one.start();
    EXPECT_EQ(next(server).stun().has(wire::StunAttribute::additional_address_family), !broken);
  }
}

TEST_F(TransportMisbehaviour, w07_offers_no_tcp_candidates) {
  for (const bool broken : {false, true}) {
    auto wanted = settings({}, false);
    wanted.misbehaviour = only(Rule::w07, broken);
    Peer alice(*this, true, wanted, direct());
    Peer bob(*this, false, settings({}, false), direct());
    alice.begin(bob);
    until([&] { return alice.ended; });
    ASSERT_FALSE(alice.candidates.empty());
    EXPECT_EQ(std::any_of(alice.candidates.begin(), alice.candidates.end(),
                          [](const auto& one) { return one.transport == wire::IceCandidate::Transport::tcp; }),
              !broken);
  }
}

TEST_F(TransportMisbehaviour, w08_frames_nothing_over_ice_tcp) {
  for (const bool broken : {false, true}) {
    tcp::acceptor acceptor(edge.io, {boost::asio::ip::address_v4::loopback(), 0});
    auto wanted = settings({}, false);
    wanted.misbehaviour = only(Rule::w08, broken);
    Peer alice(*this, true, wanted, direct());
    Peer bob(*this, false, settings({}, false), direct());
    alice.begin(bob);
    alice.agent->add_remote({.foundation = "1",
                             .transport = wire::IceCandidate::Transport::tcp,
                             .priority = 7,
                             .host = "127.0.0.1",
                             .port = acceptor.local_endpoint().port(),
                             .tcp_type = wire::IceCandidate::TcpType::passive},
                            std::chrono::steady_clock::now());
    alice.arm();
    const auto bytes = first_bytes(acceptor, 40);
    // RFC 4571: the length comes first; RFC 8489 §5: of a request the first two bytes are 0 and 1.
    EXPECT_EQ(wire::load<std::uint16_t>(bytes, 0) == 1, broken);
    EXPECT_EQ(wire::load<std::uint32_t>(bytes, broken ? 4 : 6), wire::stun_magic_cookie);
  }
}

TEST_F(TransportMisbehaviour, w09_follows_no_redirection_and_s14_follows_it_as_somebody_else) {
  struct Case {
    Misbehaviour broken;
    bool follows;
    std::string user;
  };
  for (const auto& [broken, follows, user] :
       {Case{{}, true, "alice"}, Case{{Rule::s14}, true, "nobody"}, Case{{Rule::w09}, false, ""}}) {
    udp::socket first(edge.io, anywhere);
    udp::socket second(edge.io, anywhere);
    auto dialing = direct();
    dialing.misbehaviour = broken;
    auto& one = rung(url(first), dialing);
    one.start();
    const auto answer = [&](udp::socket& socket, const Arrived& to, unsigned code) {
      std::array<std::uint8_t, 512> buffer{};
      wire::StunWriter writer(buffer, wire::StunClass::error, wire::StunMethod::allocate, to.stun().transaction());
      writer.add_error(code, "as it is");
      if (code == 401) {
        writer.add_text(wire::StunAttribute::realm, "crype.test").add_text(wire::StunAttribute::nonce, "once");
      } else {
        const auto port = second.local_endpoint().port();
        writer.add_address(wire::StunAttribute::alternate_server, {Address::v4(0x7F000001), port});
      }
      socket.send_to(boost::asio::buffer(writer.bytes().data(), writer.bytes().size()), to.from);
    };
    answer(first, next(first), 300);
    if (!follows) {
      until([&] { return one.report().state == RungReport::State::failed; });
      EXPECT_EQ(second.available(), 0u);
      continue;
    }
    answer(second, next(second), 401);
    EXPECT_EQ(next(second).stun().text(wire::StunAttribute::username), user);
  }
}

TEST_F(TransportMisbehaviour, w12_connects_over_ipv4_alone_and_t08_to_the_first_address_alone) {
  tcp::acceptor v4(edge.io, {boost::asio::ip::address_v4::loopback(), 0});
  const auto port = v4.local_endpoint().port();
  const auto connects = [&](std::vector<Address> addresses, Misbehaviour broken) {
    return edge.wait(connect_any(std::move(addresses), port, std::chrono::steady_clock::now() + 3s, broken)).index() ==
           0;
  };
  const auto here = Address::v4(0x7F000001);
  const auto six = *parse_address("::1");
  EXPECT_TRUE(connects({six, here}, {}));
  EXPECT_TRUE(connects({six, here}, {Rule::w12}));
  EXPECT_FALSE(connects({six}, {Rule::w12}));
  // Nobody listens on that one, and the other is never tried.
  EXPECT_FALSE(connects({*parse_address("127.0.0.9"), here}, {Rule::t08}));
  EXPECT_TRUE(connects({*parse_address("127.0.0.9"), here}, {}));
}

TEST_F(TransportMisbehaviour, p04_loses_what_it_takes_for_a_body) {
  faults::ProxySettings odd;
  odd.tunnel.content_length = 5;
  const faults::RunningProxy proxy(odd);
  const auto to = *parse_endpoint(proxy.target());
  for (const bool broken : {false, true}) {
    auto outcome =
        edge.dial(through(proxy, only(Rule::p04, broken)), {.host = to_string(to.address), .port = to.port}, 1s);
    if (broken) {
      EXPECT_NE(result_of(outcome), "open");  // it waits for a body that never comes
      continue;
    }
    ASSERT_EQ(result_of(outcome), "open");
    EXPECT_EQ(edge.echoed(*std::get<Dialed>(outcome).stream, "whole"), "whole");
  }
}

TEST_F(TransportMisbehaviour, p09_shows_the_proxys_password_to_the_signaling_server) {
  const faults::RunningProxy proxy{faults::ProxySettings{}};
  for (const bool broken : {false, true}) {
    tcp::acceptor acceptor(edge.io, {boost::asio::ip::address_v4::loopback(), 0});
    Target target{.host = "127.0.0.1", .port = acceptor.local_endpoint().port()};
    target.purpose = Purpose::signaling;
    auto outcome = edge.dial(through(proxy, only(Rule::p09, broken)), target);
    ASSERT_EQ(result_of(outcome), "open");
    auto& dialed = std::get<Dialed>(outcome);
    signaling::WebSocket socket(edge.io.get_executor(), std::move(dialed.stream));
    const signaling::RoomAddress room{.host = target.host, .port = target.port, .path = "/r", .authority = "there"};
    auto opening = socket.open(room, "", "token", dialed.to_leak, std::chrono::steady_clock::now() + 1s);
    std::optional<bool> ended;
    boost::asio::co_spawn(edge.io, std::move(opening), [&](const std::exception_ptr&, const auto&) { ended = true; });
    const auto bytes = first_bytes(acceptor, 150);
    EXPECT_EQ(wire::text_of(bytes).find("Proxy-Authorization: Basic") != std::string_view::npos, broken);
    until([&] { return ended.has_value(); });
  }
}

TEST_F(TransportMisbehaviour, p15_answers_digest_without_count_and_client_nonce) {
  for (const bool broken : {false, true}) {
    faults::ProxySettings digest;
    digest.realm = "office";
    digest.users = {{"alice", "wonder:land"}};
    digest.challenges = {{"Digest", "MD5", ""}};
    faults::RunningProxy proxy(digest);
    const auto to = *parse_endpoint(proxy.target());
    edge.dial(through(proxy, only(Rule::p15, broken)), {.host = to_string(to.address), .port = to.port}, 1s);
    faults::Caller marker(proxy);
    marker.send("CONNECT the.end:1 HTTP/1.1\r\nHost: the.end:1\r\n\r\n");
    EXPECT_EQ(proxy.journal("the.end:1").find("\"nc\":1") == std::string::npos, broken);
  }
}

TEST_F(TransportMisbehaviour, p19_and_p20_name_in_connect_what_does_not_follow) {
  for (const auto* scheme : {"turn", "turns"}) {
    for (const bool broken : {false, true}) {
      faults::RunningProxy proxy{faults::ProxySettings{}};
      const bool tls = std::string_view(scheme) == "turns";
      const auto rule = only(tls ? Rule::p19 : Rule::p20, broken);
      auto& one = rung(fmt::format("{}:{}?transport=tcp", scheme, proxy.target()), through(proxy, rule));
      edge.phases.clear();
      one.start();
      until([&] { return !edge.phases.empty() && edge.phases.back().kind == ProxyPhase::Kind::tunnel; });
      const std::string wrong = tls ? "h2" : "webrtc";
      const auto told = proxy.journal("\"alpn\":");
      const auto at = told.find("\"alpn\":\"");
      const auto list = told.substr(at + 8, told.find('"', at + 8) - at - 8);
      EXPECT_EQ(list.find(wrong) != std::string::npos, broken) << list;
    }
  }
}

TEST_F(TransportMisbehaviour, p23_gives_up_where_its_own_dns_knows_nothing) {
  NameServer names(edge.io, {}, 1ms);
  Resolver ignorant(edge.io.get_executor(), names.settings());
  for (const bool broken : {false, true}) {
    faults::RunningProxy proxy{faults::ProxySettings{}};
    auto& one = rung("turn:nowhere.crype.test:443?transport=tcp", through(proxy, only(Rule::p23, broken)), &ignorant);
    EXPECT_EQ(trouble(one) == Problem::dns_failed, broken) << one.report().trouble.detail;
  }
}

TEST_F(TransportMisbehaviour, p26_answers_no_challenge_for_turn) {
  for (const bool broken : {false, true}) {
    faults::ProxySettings basic;
    basic.realm = "office";
    basic.users = {{"alice", "wonder:land"}};
    basic.challenges = {{"Basic", "", ""}};
    const faults::RunningProxy proxy(basic);
    const auto to = *parse_endpoint(proxy.target());
    const Target target{.host = to_string(to.address), .port = to.port};
    EXPECT_EQ(result_of(edge.dial(through(proxy, only(Rule::p26, broken)), target)) == "open", !broken);
  }
}

TEST_F(TransportMisbehaviour, t03_offers_no_forward_secrecy) {
  for (const bool broken : {false, true}) {
    tcp::acceptor acceptor(edge.io, {boost::asio::ip::address_v4::loopback(), 0});
    auto dialing = direct();
    dialing.misbehaviour = only(Rule::t03, broken);
    auto& one = rung(fmt::format("turns:127.0.0.1:{}", acceptor.local_endpoint().port()), dialing);
    one.start();
    wire::ClientHelloParser parser;
    parser.feed(first_bytes(acceptor, 100));
    ASSERT_EQ(parser.state(), wire::ClientHelloParser::State::hello);
    // TLS 1.3 has nothing else; of TLS 1.2 ECDHE is 0xc0xx.
    const auto& suites = parser.hello().cipher_suites;
    const bool secret = parser.hello().offers_version(0x0304) ||
                        std::any_of(suites.begin(), suites.end(), [](auto suite) { return suite >> 8 == 0xc0; });
    EXPECT_EQ(secret, !broken);
  }
}

TEST_F(TransportMisbehaviour, t07_asks_for_aaaa_after_a_has_been_answered) {
  for (const bool broken : {false, true}) {
    NameServer names(edge.io, {}, std::nullopt);
    auto wanted = names.settings();
    wanted.misbehaviour = only(Rule::t07, broken);
    Resolver one(edge.io.get_executor(), wanted);
    edge.wait(one.resolve("nowhere.crype.test", std::chrono::steady_clock::now() + 200ms));
    const std::set<wire::DnsType> asked(names.asked().begin(), names.asked().end());
    EXPECT_TRUE(asked.contains(wire::DnsType::a));
    EXPECT_EQ(asked.contains(wire::DnsType::aaaa), !broken);
  }
}

TEST_F(TransportMisbehaviour, u27_tries_one_way_after_another) {
  for (const bool broken : {false, true}) {
    udp::socket silent(edge.io, anywhere);
    auto wanted = settings({url(silent), "turn:127.0.0.1:9?transport=tcp"}, true);
    wanted.misbehaviour = only(Rule::u27, broken);
    Peer alice(*this, true, wanted, direct());
    Peer bob(*this, false, settings({}, true), direct());
    alice.begin(bob);
    next(silent);
    next(silent);  // asked again: that takes longer than the head start
    EXPECT_EQ(alice.gatherer->reports().size(), broken ? 1u : 2u);
    close(alice);
  }
}

TEST_F(TransportMisbehaviour, g01_opens_signaling_beside_the_proxy) {
  const faults::RunningProxy proxy{faults::ProxySettings{}};
  const auto to = *parse_endpoint(proxy.target());
  for (const bool broken : {false, true}) {
    Target target{.host = to_string(to.address), .port = to.port};
    target.purpose = Purpose::signaling;
    auto outcome = edge.dial(through(proxy, only(Rule::g01, broken)), target);
    ASSERT_EQ(result_of(outcome), "open");
    EXPECT_EQ(std::get<Dialed>(outcome).via.kind == proxy::Server::Kind::direct, broken);
  }
}

}  // namespace
}  // namespace crypelab::client::transport::transport_misbehaviour_test
