#include "clients/reference/signaling/address.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace crypelab::client::signaling {

Result<RoomAddress> parse_room_address(std::string_view url) {
  const auto parsed = boost::urls::parse_uri({url.data(), url.size()});
  if (!parsed) return Complaint{"is no URL"};
  const auto view = parsed.value();
  const std::string scheme(view.scheme().data(), view.scheme().size());
  if (scheme != "wss" && scheme != "https") return Complaint{"must begin with wss: or https:"};
  if (view.has_userinfo() || view.has_fragment() || view.has_query()) {
    return Complaint{"must have no user, query or fragment"};
  }
  RoomAddress address;
  const auto host = view.encoded_host_address();
  address.host.assign(host.data(), host.size());
  if (address.host.empty()) return Complaint{"has no host"};
  if (view.has_port()) {
    address.port = view.port_number();
    if (address.port == 0) return Complaint{"has no port to connect to"};
  }
  const auto path = view.encoded_path();
  address.path.assign(path.data(), path.size());
  while (address.path.ends_with('/')) address.path.pop_back();
  const auto named = view.encoded_host();
  address.authority.assign(named.data(), named.size());
  if (address.port != 443) address.authority += ":" + std::to_string(address.port);
  return address;
}

}  // namespace crypelab::client::signaling
