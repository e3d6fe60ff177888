#pragma once

#include "clients/reference/proxy/login.h"
#include "clients/reference/random.h"
#include "clients/reference/transport/problem.h"
#include "harness/wire/http_auth.h"
#include "harness/wire/http_head.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace crypelab::client::proxy {

// Asking one HTTP proxy for one tunnel (RFC 9110 §9.3.6), with authentication: Basic, Digest, NTLM, Negotiate. Neither
// clock nor socket.
class ConnectDialogue {
 public:
  struct Settings {
    std::string target;                  // host:port
    std::vector<std::string> protocols;  // for the ALPN field (RFC 7639); none: no such field
    std::string agent = "crypelab";
    Misbehaviour misbehaviour;
  };
  enum class Step {
    send,       // `request`, on the same connection
    reconnect,  // the same on a new one
    ticket,     // give `take_ticket` one for HTTP at the proxy
    read,       // more bytes are wanted
    tunnel,     // it stands; bytes that were not taken belong to it
    failed,     // `trouble`
  };
  // The login is the proxy's, and outlives this; so does the generator.
  ConnectDialogue(Settings settings, const Account& account, Login& login, Random& random);

  Step step() const { return step_; }
  // The next request; afterwards the step is `read`. At `ticket` none.
  std::string request(std::uint64_t file_time);
  // What came. How many bytes were used up: all of them, unless the step becomes `tunnel`.
  std::size_t take(wire::Bytes arrived);
  // The connection ended. Whether that is a failure depends on where the dialogue stands.
  void ended();
  // A Negotiate token (RFC 4559), or why there is none.
  void take_ticket(Result<std::string> token);

  const transport::Trouble& trouble() const { return trouble_; }
  unsigned status() const { return status_; }            // of the last answer
  const std::string& scheme() const { return scheme_; }  // last chosen, in lower case; empty: none
  // How many 407 came, and whether another came since the last call.
  bool challenged() { return std::exchange(news_, false); }
  // Whether credentials were shown that nobody had asked for in this dialogue.
  bool unasked() const { return unasked_; }

 private:
  void fail(transport::Problem problem, std::string detail);
  void judge();
  void judge_challenge();
  void choose(const std::vector<wire::HttpAuth>& challenges);
  std::optional<std::string> credentials(std::uint64_t file_time);
  void skip_body(wire::Bytes& arrived);
  void after_body();
  bool refused(Scheme scheme) const;

  Settings settings_;
  const Account& account_;
  Login& login_;
  Random& random_;
  Step step_ = Step::send;
  std::optional<wire::HttpResponseParser> parser_;
  std::optional<Chosen> using_;
  std::vector<std::uint8_t> ntlm_challenge_;
  bool ntlm_begun_ = false;
  std::string ticket_;
  unsigned shown_ = 0;  // how often credentials were shown and refused
  unsigned stale_ = 0;
  unsigned answers_ = 0;
  bool sent_credentials_ = false;
  bool unasked_ = false;
  bool news_ = false;
  // The body of a refusal, which ends before the connection can be used again.
  enum class Body { none, length, chunked, until_end } body_ = Body::none;
  std::uint64_t left_ = 0;
  std::string chunk_line_;
  bool in_chunk_ = false;
  bool last_chunk_ = false;
  std::uint64_t skipped_ = 0;
  bool closes_ = false;

  std::string nonce_in_use_;
  transport::Trouble trouble_;
  unsigned status_ = 0;
  std::string scheme_;
};

}  // namespace crypelab::client::proxy
