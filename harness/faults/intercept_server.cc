#include "harness/faults/intercept_server.h"

#include "harness/base/error.h"
#include "harness/faults/commands.h"
#include "harness/faults/edge.h"
#include "harness/faults/inner_bytes.h"
#include "harness/faults/journal.h"
#include "harness/faults/leaf_signer.h"
#include "harness/faults/settings_json.h"
#include "harness/faults/tunnel.h"
#include "harness/wire/client_hello.h"

#include <array>
#include <csignal>
#include <cstring>
#include <functional>
#include <optional>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/netfilter_ipv4.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

namespace crypelab::faults {
namespace {

using namespace std::chrono_literals;
using TlsStream = asio::ssl::stream<tcp::socket>;

constexpr std::size_t kChunk = 16'384;
constexpr std::size_t kMostHello = 2 * wire::ClientHelloParser::largest_hello;
constexpr int kOriginalDestination6 = 80;  // IP6T_SO_ORIGINAL_DST, whose own header is no C++

// Where the client meant to go, which the redirecting rule has remembered.
std::optional<tcp::endpoint> original_destination(tcp::socket& socket) {
  error_code error;
  const bool v6 = socket.local_endpoint(error).address().is_v6();
  if (error) return std::nullopt;
  sockaddr_in6 room{};
  socklen_t size = sizeof room;
  if (getsockopt(socket.native_handle(), v6 ? SOL_IPV6 : SOL_IP, v6 ? kOriginalDestination6 : SO_ORIGINAL_DST, &room,
                 &size) != 0) {
    return std::nullopt;
  }
  tcp::endpoint endpoint;
  endpoint.resize(size);
  std::memcpy(endpoint.data(), &room, size);
  return endpoint;
}

void reset(tcp::socket& socket) {
  error_code ignored;
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
  socket.close(ignored);
}

std::string issuer_of(const X509* certificate) {
  char name[256] = {};
  X509_NAME_get_text_by_NID(X509_get_issuer_name(certificate), NID_commonName, name, sizeof name);
  return name;
}

// RFC 7301 section 3.1, as SSL_set_alpn_protos wants it.
std::vector<unsigned char> encoded(const std::vector<std::string>& protocols) {
  std::vector<unsigned char> wire;
  for (const auto& protocol : protocols) {
    wire.push_back(static_cast<unsigned char>(protocol.size()));
    wire.insert(wire.end(), protocol.begin(), protocol.end());
  }
  return wire;
}

// Towards the client: what the server has chosen, if anything.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char*, unsigned,
                    void* chosen) {
  const auto& protocol = *static_cast<const std::string*>(chosen);
  if (protocol.empty()) return SSL_TLSEXT_ERR_NOACK;
  *out = reinterpret_cast<const unsigned char*>(protocol.data());
  *out_size = static_cast<unsigned char>(protocol.size());
  return SSL_TLSEXT_ERR_OK;
}

// A connection that was taken, and what is known of it.
struct Taken {
  tcp::socket socket;
  std::string client;
  tcp::endpoint to;
  std::string server;
  std::string sni;
  std::string arrived;  // of the client, judged and not yet passed on
};

// Bytes both ways between two TLS streams, until either side ends.
class Passage {
 public:
  using Look = std::function<void(std::string_view)>;

  // `look` sees what the client says.
  Passage(TlsStream& client, TlsStream& server, Look look)
      : client_(client), server_(server), look_(std::move(look)), done_(client.get_executor()) {
    done_.expires_at(asio::steady_timer::time_point::max());
  }

  asio::awaitable<void> run() {
    running_ = 2;
    const auto ended = [this](const std::exception_ptr& broken) {
      error_code ignored;
      client_.next_layer().cancel(ignored);
      server_.next_layer().cancel(ignored);
      if (--running_ == 0) done_.cancel();
      rethrow(broken);
    };
    asio::co_spawn(client_.get_executor(), pass(client_, server_, received, look_), ended);
    asio::co_spawn(client_.get_executor(), pass(server_, client_, sent, {}), ended);
    error_code error;
    while (running_ > 0) co_await done_.async_wait(ending(error));
    // RFC 8446 section 6.1: each hears that the other has ended, not that it was cut.
    co_await say_goodbye(client_);
    co_await say_goodbye(server_);
  }

  std::uint64_t received = 0;  // from the client
  std::uint64_t sent = 0;

 private:
  asio::awaitable<void> pass(TlsStream& from, TlsStream& to, std::uint64_t& count, Look look) {
    std::vector<char> chunk(kChunk);
    error_code error;
    // The end of the other direction cancels what this one waits for, but not what it begins afterwards.
    while (!error && running_ == 2) {
      const auto n = co_await from.async_read_some(asio::buffer(chunk), ending(error));
      if (error) break;
      count += n;
      if (look) look({chunk.data(), n});
      co_await asio::async_write(to, asio::buffer(chunk.data(), n), ending(error));
    }
  }

  static asio::awaitable<void> say_goodbye(TlsStream& stream) {
    const Alarm alarm(stream.next_layer(), 1s);
    error_code error;
    co_await stream.async_shutdown(ending(error));
    stream.next_layer().close(error);
  }

  TlsStream& client_;
  TlsStream& server_;
  Look look_;
  asio::steady_timer done_;
  int running_ = 0;
};

}  // namespace

class InterceptServer::Body {
 public:
  Body(InterceptSettings settings, int journal)
      : settings_(std::move(settings)),
        signer_(settings_.certificate, settings_.key),
        towards_servers_(asio::ssl::context::tls_client),
        journal_(journal) {
    if (settings_.trusted.empty()) {
      towards_servers_.set_verify_mode(asio::ssl::verify_none);
    } else {
      towards_servers_.load_verify_file(settings_.trusted);
      towards_servers_.set_verify_mode(asio::ssl::verify_peer);
    }
    for (const auto& endpoint : settings_.listen) acceptors_.push_back(listen_on(io_.get_executor(), endpoint));
    for (auto& acceptor : acceptors_) asio::co_spawn(io_, accept(acceptor), rethrow);
    journal_.write("ready", {{"listen", to_string(settings_.listen.front())}});
  }

  void run() { io_.run(); }

 private:
  asio::awaitable<void> accept(tcp::acceptor& acceptor) {
    for (;;) {
      error_code error;
      auto socket = co_await acceptor.async_accept(ending(error));
      if (error) {
        co_await pause(100ms);  // no descriptor for one more
        continue;
      }
      const auto peer = socket.remote_endpoint(error);
      if (error || connections_ >= kMostConnections) continue;
      const auto to = original_destination(socket);
      // Nobody is sent here but by the rule: who comes by himself would be led back to here.
      if (!to || *to == socket.local_endpoint(error)) continue;
      socket.set_option(tcp::no_delay(true), error);
      ++connections_;
      asio::co_spawn(io_, serve({std::move(socket), to_text(peer), *to, to_text(*to), "", ""}),
                     [this](const std::exception_ptr& broken) {
                       --connections_;
                       rethrow(broken);
                     });
    }
  }

  asio::awaitable<void> serve(Taken taken) {
    wire::ClientHelloParser parser;
    if (!co_await read_hello(taken, parser)) co_return;
    if (parser.state() != wire::ClientHelloParser::State::hello) {
      tell(taken, {}, "refused", parser.reason().empty() ? "a ClientHello that is too large" : parser.reason());
      reset(taken.socket);
      co_return;
    }
    const auto hello = parser.hello();
    taken.sni = hello.server_name.value_or("");
    tcp::socket server(io_);
    if (!co_await reach(taken, hello.alpn, server)) co_return;
    if (is_exempt(settings_, taken.sni)) {
      tell(taken, hello.alpn, "exempt", "its name is exempt");
      co_await pass_as_it_is(taken, server);
    } else {
      co_await open(taken, hello.alpn, std::move(server));
    }
  }

  // False when the client went away, or said nothing for too long.
  asio::awaitable<bool> read_hello(Taken& taken, wire::ClientHelloParser& parser) {
    std::array<char, 4096> chunk{};
    const Alarm alarm(taken.socket, settings_.patience);
    while (parser.state() == wire::ClientHelloParser::State::more && taken.arrived.size() < kMostHello) {
      error_code error;
      const auto n = co_await taken.socket.async_read_some(asio::buffer(chunk), ending(error));
      if (error) co_return false;
      taken.arrived.append(chunk.data(), n);
      parser.feed(wire::bytes_of({chunk.data(), n}));
    }
    co_return true;
  }

  asio::awaitable<bool> reach(Taken& taken, const std::vector<std::string>& alpn, tcp::socket& server) {
    error_code error;
    {
      const Alarm alarm(server, settings_.patience);
      server.open(taken.to.protocol(), error);
      if (!error) co_await server.async_connect(taken.to, ending(error));
    }
    if (!error) server.set_option(tcp::no_delay(true), error);
    if (!error && server.is_open()) co_return true;
    tell(taken, alpn, "refused", "the server is not reached: " + error.message());
    reset(taken.socket);
    co_return false;
  }

  asio::awaitable<void> pass_as_it_is(Taken& taken, tcp::socket& server) {
    const auto begun = clock_.elapsed();
    const auto end = co_await relay(taken.socket, server, std::move(taken.arrived), {}, CutBy::close,
                                    TunnelFate({}, std::nullopt, begun), clock_);
    tell_end(taken, end.received, end.sent, begun);
  }

  asio::awaitable<void> open(Taken& taken, const std::vector<std::string>& alpn, tcp::socket socket) {
    const auto begun = clock_.elapsed();
    TlsStream server(std::move(socket), towards_servers_);
    if (!taken.sni.empty()) {
      // SSL_set_tlsext_host_name, which is a macro with a cast of C.
      SSL_ctrl(server.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, taken.sni.data());
      SSL_set1_host(server.native_handle(), taken.sni.c_str());
    }
    const auto protocols = encoded(alpn);
    if (!protocols.empty())
      SSL_set_alpn_protos(server.native_handle(), protocols.data(), static_cast<unsigned>(protocols.size()));
    error_code error;
    {
      const Alarm alarm(server.next_layer(), settings_.patience);
      co_await server.async_handshake(TlsStream::client, ending(error));
    }
    const CertificateOwner original(SSL_get1_peer_certificate(server.native_handle()));
    if (error || !original) {
      const auto verified = SSL_get_verify_result(server.native_handle());
      tell(taken, alpn, "refused",
           verified == X509_V_OK
               ? "no TLS with the server: " + error.message()
               : fmt::format("the server's certificate: {}", X509_verify_cert_error_string(verified)));
      reset(taken.socket);
      co_return;
    }
    tell(taken, alpn, "opened", "", issuer_of(original.get()));
    const unsigned char* chosen = nullptr;
    unsigned chosen_size = 0;
    SSL_get0_alpn_selected(server.native_handle(), &chosen, &chosen_size);
    std::string protocol(reinterpret_cast<const char*>(chosen), chosen_size);

    asio::ssl::context towards_client(asio::ssl::context::tls_server);
    const auto leaf = signer_.sign_like(original.get());
    SSL_CTX_use_certificate(towards_client.native_handle(), leaf.get());
    SSL_CTX_use_PrivateKey(towards_client.native_handle(), signer_.key());
    SSL_CTX_set_alpn_select_cb(towards_client.native_handle(), choose_protocol, &protocol);
    TlsStream client(std::move(taken.socket), towards_client);
    {
      const Alarm alarm(client.next_layer(), settings_.patience);
      co_await client.async_handshake(TlsStream::server, asio::buffer(taken.arrived), ending(error));
    }
    if (error) {
      journal_.write(
          "client-refused",
          {{"client", taken.client}, {"server", taken.server}, {"sni", taken.sni}, {"reason", error.message()}});
      co_return;
    }
    InnerBytes inner;
    Passage passage(client, server, [&](std::string_view bytes) {
      if (inner.state() != InnerBytes::State::more) return;
      inner.feed(bytes);
      if (inner.state() != InnerBytes::State::more) tell_inside(taken, inner, true);
    });
    // A server may speak first, but not where only HTTP may be inside.
    if (!settings_.http_only || co_await begin_by_http(taken, inner, client, server, passage)) co_await passage.run();
    tell_end(taken, passage.received, passage.sent, begun);
  }

  // Nothing passes until it is known to be HTTP. False when the connection ends here.
  asio::awaitable<bool> begin_by_http(const Taken& taken, InnerBytes& inner, TlsStream& client, TlsStream& server,
                                      Passage& passage) {
    std::string held;
    std::vector<char> chunk(kChunk);
    error_code error;
    const Alarm alarm(client.next_layer(), settings_.patience);
    while (inner.state() == InnerBytes::State::more) {
      const auto n = co_await client.async_read_some(asio::buffer(chunk), ending(error));
      if (error) co_return false;
      held.append(chunk.data(), n);
      inner.feed({chunk.data(), n});
    }
    const bool passed = inner.state() == InnerBytes::State::http;
    tell_inside(taken, inner, passed);
    if (!passed) {
      reset(client.next_layer());
      reset(server.next_layer());
      co_return false;
    }
    passage.received += held.size();
    co_await asio::async_write(server, asio::buffer(held), ending(error));
    co_return !error;
  }

  void tell(const Taken& taken, const std::vector<std::string>& alpn, const char* verdict, const std::string& reason,
            const std::string& issuer = "") {
    journal_.write("intercepted", {{"client", taken.client},
                                   {"server", taken.server},
                                   {"sni", taken.sni},
                                   {"alpn", fmt::format("{}", fmt::join(alpn, ","))},
                                   {"verdict", verdict},
                                   {"reason", reason},
                                   {"issuer", issuer}});
  }
  void tell_inside(const Taken& taken, const InnerBytes& inner, bool passed) {
    journal_.write("inside", {{"client", taken.client},
                              {"server", taken.server},
                              {"sni", taken.sni},
                              {"what", std::string(inner.kind())},
                              {"passed", passed}});
  }
  void tell_end(const Taken& taken, std::uint64_t received, std::uint64_t sent, std::chrono::milliseconds begun) {
    journal_.write("closed", {{"client", taken.client},
                              {"server", taken.server},
                              {"received", static_cast<std::int64_t>(received)},
                              {"sent", static_cast<std::int64_t>(sent)},
                              {"milliseconds", (clock_.elapsed() - begun).count()}});
  }

  InterceptSettings settings_;
  LeafSigner signer_;
  asio::ssl::context towards_servers_;
  Journal journal_;
  Stopwatch clock_;
  std::size_t connections_ = 0;
  asio::io_context io_{1};
  std::vector<tcp::acceptor> acceptors_;
};

InterceptServer::InterceptServer(InterceptSettings settings, int journal)
    : body_(std::make_unique<Body>(std::move(settings), journal)) {}
InterceptServer::~InterceptServer() = default;
void InterceptServer::run() { body_->run(); }

int run_intercept(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1) throw Failure(Exit::usage, "usage: crypelab-faults intercept SETTINGS.json");
  if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR) throw_errno("signal");
  InterceptServer(parse_intercept(read_settings_file(arguments.front())), STDOUT_FILENO).run();
  return 0;
}

}  // namespace crypelab::faults
