#include "clients/reference/signaling/link.h"

#include <boost/json/parse.hpp>

namespace crypelab::client::signaling {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& object, const char* name) {
  const auto* const value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

}  // namespace

Result<std::vector<transport::IceServer>> parse_ice_servers(std::string_view text) {
  if (text.size() > largest_message) return Complaint{"too large"};
  json::error_code error;
  json::parse_options options;
  options.max_depth = 5;
  const auto document = json::parse({text.data(), text.size()}, error, {}, options);
  if (error || !document.is_array() || document.get_array().size() > 32) return Complaint{"no list of servers"};
  std::vector<transport::IceServer> servers;
  for (const auto& one : document.get_array()) {
    if (!one.is_object()) return Complaint{"a server that is no object"};
    const auto& object = one.get_object();
    transport::IceServer server{.username = text_of(object, "username"), .credential = text_of(object, "credential")};
    const auto* const urls = object.if_contains("urls");
    if (urls == nullptr || !urls->is_array()) return Complaint{"a server without URLs"};
    for (const auto& url : urls->get_array()) {
      if (!url.is_string()) return Complaint{"a URL that is no string"};
      const auto uri = transport::parse_ice_uri({url.get_string().data(), url.get_string().size()});
      if (uri) server.urls.push_back(*uri);  // others may know what this client does not
    }
    servers.push_back(std::move(server));
  }
  return servers;
}

}  // namespace crypelab::client::signaling
