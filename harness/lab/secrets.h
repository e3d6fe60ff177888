#pragma once

#include <map>
#include <string>

namespace crypelab::lab {

// The passwords and tokens of one lab: each is made when its name is first asked for, at random, and gone with the lab.
// In texts of a blueprint "{secret:NAME}" stands for one.
class Secrets {
 public:
  // 32 hexadecimal digits.
  const std::string& of(const std::string& name);
  // `text` with every "{secret:NAME}" replaced.
  std::string put_into(const std::string& text);
  // All that exist, by name: whoever writes evidence takes them out of it.
  const std::map<std::string, std::string>& all() const { return secrets_; }

 private:
  std::map<std::string, std::string> secrets_;
};

// A name and a password that a TURN server takes (draft-uberti-behave-turn-rest-00, section 2.2): the name holds the
// time of expiry in seconds since 1970, the password is made of it with the server's secret.
struct TurnLogin {
  std::string user;
  std::string password;
};
TurnLogin time_limited_login(const std::string& secret, const std::string& user, long long expires);

}  // namespace crypelab::lab
