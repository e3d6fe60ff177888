#include "harness/base/error.h"
#include "harness/faults/proxy_server.h"
#include "harness/faults/turn_server.h"

#include <array>
#include <chrono>
#include <csignal>
#include <future>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

// A server of ours whose journal nobody reads any more cannot do its work: it must end, not go on in silence.
namespace crypelab::faults::broken_server_test {
namespace {

using boost::asio::ip::tcp;

const Endpoint kAnyPort{Address::v4(0x7f000001), 0};

// A pipe whose reader goes away.
class LostReader {
 public:
  LostReader() {
    std::signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(pipe2(ends_.data(), O_CLOEXEC), 0);
  }
  ~LostReader() { close(ends_[1]); }
  LostReader(const LostReader&) = delete;
  LostReader& operator=(const LostReader&) = delete;
  int writing() const { return ends_[1]; }
  void lose() const { close(ends_[0]); }

 private:
  std::array<int, 2> ends_{};
};

// Whether run() throws a Failure soon after a client has said that.
template <class Server>
bool breaks(Server& server, std::string_view said) {
  boost::asio::io_context io;
  tcp::socket client(io);
  auto running = std::async(std::launch::async, [&server] {
    try {
      server.run();
      return false;
    } catch (const Failure&) {
      return true;
    }
  });
  client.connect({boost::asio::ip::address_v4::loopback(), server.endpoints().back().port});
  boost::system::error_code gone;
  boost::asio::write(client, boost::asio::buffer(said), gone);
  if (running.wait_for(std::chrono::seconds(10)) != std::future_status::ready) server.stop();
  return running.get();
}

TEST(BrokenServer, a_proxy_that_cannot_write_its_journal_ends) {
  const LostReader reader;
  ProxySettings settings;
  settings.listen = {kAnyPort};
  ProxyServer server(settings, reader.writing());
  reader.lose();
  EXPECT_TRUE(breaks(server, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
}

TEST(BrokenServer, a_turn_server_that_cannot_write_its_journal_ends) {
  const LostReader reader;
  TurnSettings settings;
  settings.tcp = {kAnyPort};
  settings.realm = "crype.test";
  TurnServer server(settings, reader.writing());
  reader.lose();
  EXPECT_TRUE(breaks(server, "?"));
}

}  // namespace
}  // namespace crypelab::faults::broken_server_test
