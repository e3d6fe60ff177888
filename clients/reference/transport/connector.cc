#include "clients/reference/transport/connector.h"

#include "clients/reference/transport/race.h"
#include "clients/reference/transport/tcp_stream.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::client::transport {

using boost::asio::ip::tcp;

namespace {

constexpr Duration between_attempts = 250ms;  // RFC 8305 §5

using Seen = std::vector<std::string>;

Awaitable<std::optional<std::unique_ptr<Stream>>> attempt(Endpoint to, std::shared_ptr<Seen> seen, std::size_t index) {
  tcp::socket socket(co_await boost::asio::this_coro::executor);
  const auto [error] = co_await socket.async_connect(tcp_endpoint(to), use);
  if (error) {
    (*seen)[index] = error.message();
    co_return std::nullopt;
  }
  co_return std::make_unique<TcpStream>(std::move(socket));
}

}  // namespace

std::vector<Address> interlaced(std::vector<Address> addresses) {
  std::vector<Address> six;
  std::vector<Address> four;
  for (const auto& address : addresses) (address.is_v6() ? six : four).push_back(address);
  std::vector<Address> out;
  for (std::size_t i = 0; i < std::max(six.size(), four.size()); ++i) {
    if (i < six.size()) out.push_back(six[i]);
    if (i < four.size()) out.push_back(four[i]);
  }
  return out;
}

Awaitable<std::variant<std::unique_ptr<Stream>, std::string>> connect_any(std::vector<Address> addresses,
                                                                          std::uint16_t port, Time deadline,
                                                                          Misbehaviour misbehaviour) {
  addresses = interlaced(std::move(addresses));
  if (misbehaviour.breaks(Rule::w12)) std::erase_if(addresses, [](const Address& one) { return one.is_v6(); });
  if (misbehaviour.breaks(Rule::t08) && addresses.size() > 1) addresses.resize(1);
  const auto seen = std::make_shared<Seen>(addresses.size(), "no answer");
  Attempts<std::unique_ptr<Stream>> attempts;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const Endpoint to{addresses[i], port};
    attempts.push_back([to, seen, i] { return attempt(to, seen, i); });
  }
  const auto executor = co_await boost::asio::this_coro::executor;
  const Duration apart = misbehaviour.breaks(Rule::t07) ? Duration(1h) : between_attempts;
  auto stream = co_await race<std::unique_ptr<Stream>>(executor, std::move(attempts), apart, deadline);
  if (stream) co_return std::move(*stream);
  std::string text;
  for (std::size_t i = 0; i < addresses.size() && i < 8; ++i) {
    text += fmt::format("{}{}: {}", i == 0 ? "" : "; ", to_string(Endpoint{addresses[i], port}), (*seen)[i]);
  }
  co_return text.empty() ? std::string("no address to connect to") : text;
}

}  // namespace crypelab::client::transport
