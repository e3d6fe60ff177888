#pragma once

#include "clients/reference/proxy/server.h"

#include <string>
#include <string_view>
#include <vector>

namespace crypelab::client::proxy {

// The list of one setting: tried from the left, each one when those before it are not there.
using Servers = std::vector<Server>;

// `proxyRules` of session.setProxy(): "proxy:3128", "http=a:80,b:80;https=c;socks=d", "https://p,direct://". Without a
// scheme in front a list is for everything, and must stand alone.
class Rules {
 public:
  static Result<Rules> parse(std::string_view text);
  static Rules of(Servers everything);

  // `scheme` is that of the URL: "https", "wss" ... For WebSockets the lists for socks, https and http, the first one
  // that is there (RFC 6455 §4.1). Empty: go directly.
  const Servers& servers(std::string_view scheme) const;
  // Of a machine's environment: a list for one scheme.
  void set(std::string_view scheme, Servers servers);

 private:
  Servers everything_;
  Servers http_;
  Servers https_;
  Servers ftp_;
  Servers socks_;
};

}  // namespace crypelab::client::proxy
