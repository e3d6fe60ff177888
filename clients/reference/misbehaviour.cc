#include "clients/reference/misbehaviour.h"

#include <algorithm>
#include <array>

namespace crypelab::client {
namespace {

constexpr std::array<BrokenRule, rule_count> rules{{
    {Rule::no_bypass, "no-bypass", "connects to TURN servers beside the proxy"},
    {Rule::w02, "W-02", "uses no relay"},
    {Rule::w03, "W-03", "tries no TURN over TCP"},
    {Rule::w04, "W-04", "tries no TURN over TLS"},
    {Rule::w06, "W-06", "asks for relayed addresses of IPv4 alone"},
    {Rule::w07, "W-07", "offers no TCP candidates"},
    {Rule::w08, "W-08", "sends packets over ICE-TCP without their length"},
    {Rule::w09, "W-09", "follows no redirection of a TURN server"},
    {Rule::w10, "W-10", "asks proxies for tunnels without an ALPN field"},
    {Rule::w11, "W-11", "answers no challenge of a proxy"},
    {Rule::w12, "W-12", "uses IPv4 alone"},
    {Rule::p01, "P-01", "asks for tunnels without naming a port"},
    {Rule::p02, "P-02", "asks for tunnels with a whole URL"},
    {Rule::p03, "P-03", "takes only 200 for a tunnel"},
    {Rule::p04, "P-04", "takes what comes first in a tunnel for a body, if the answer told a length"},
    {Rule::p05, "P-05", "goes on as if the tunnel stood when it was refused"},
    {Rule::p07, "P-07", "chooses the weakest scheme that a proxy offers"},
    {Rule::p08, "P-08", "gives up when a proxy offers a scheme that it does not know"},
    {Rule::p09, "P-09", "sends the proxy's credentials to the server, too"},
    {Rule::p12, "P-12", "answers Digest for the URI '/'"},
    {Rule::p13, "P-13", "takes an unknown Digest algorithm for MD5"},
    {Rule::p14, "P-14", "takes a stale nonce for refused credentials"},
    {Rule::p15, "P-15", "answers Digest without cnonce, nc and qop"},
    {Rule::p17, "P-17", "chooses the weakest Digest algorithm that a proxy offers"},
    {Rule::p18, "P-18", "encodes every octet of the ALPN field"},
    {Rule::p19, "P-19", "names protocols in the ALPN field that its ClientHello does not"},
    {Rule::p20, "P-20", "names several protocols in the ALPN field of a tunnel without TLS"},
    {Rule::p22, "P-22", "asks for tunnels by address"},
    {Rule::p23, "P-23", "asks for no tunnel to a name that its own DNS does not know"},
    {Rule::p24, "P-24", "repeats credentials that a proxy refused, up to 20 times"},
    {Rule::p26, "P-26", "answers no challenge of a proxy for TURN"},
    {Rule::t01, "T-01", "accepts any certificate"},
    {Rule::t02, "T-02", "accepts a certificate with any name"},
    {Rule::t03, "T-03", "offers no forward secrecy"},
    {Rule::t04, "T-04", "takes a stuns URI with an address"},
    {Rule::t05, "T-05", "speaks plain TURN where the URI wants TLS"},
    {Rule::t06, "T-06", "does not name the server in its ClientHello"},
    {Rule::t07, "T-07", "asks for AAAA when A has been answered, and tries addresses one after another"},
    {Rule::t08, "T-08", "tries only the first address of a name"},
    {Rule::s01, "S-01", "retransmits STUN over UDP every 100 ms without backing off"},
    {Rule::s02, "S-02", "retransmits STUN over TCP and TLS"},
    {Rule::s05, "S-05", "waits for the timeout although the connection is gone"},
    {Rule::s06, "S-06", "fails on an unknown comprehension-optional attribute"},
    {Rule::s07, "S-07", "takes a success with an unknown comprehension-required attribute for a success"},
    {Rule::s08, "S-08", "repeats a request without end while the server answers 5xx"},
    {Rule::s09, "S-09", "repeats the same credentials although the server refused them, up to 20 times"},
    {Rule::s10, "S-10", "answers 438 with the old nonce, up to 20 times"},
    {Rule::s11, "S-11", "sends credentials although the list of password algorithms was taken away"},
    {Rule::s12, "S-12", "uses MESSAGE-INTEGRITY (SHA-1, MD5 key) although SHA-256 was agreed on"},
    {Rule::s13, "S-13", "believes answers without looking at their integrity"},
    {Rule::s14, "S-14", "asks the server that it was redirected to with another user name"},
    {Rule::s15, "S-15", "follows every redirection, also to a server just asked"},
    {Rule::u01, "U-01", "allocates without REQUESTED-TRANSPORT"},
    {Rule::u02, "U-02", "sends REQUESTED- and ADDITIONAL-ADDRESS-FAMILY together"},
    {Rule::u03, "U-03", "prefers relays over TLS to those over UDP"},
    {Rule::u05, "U-05", "believes in 600 s of lifetime whatever the server granted"},
    {Rule::u07, "U-07", "goes on asking a server that refuses its credentials"},
    {Rule::u08, "U-08", "repeats a request that was forbidden"},
    {Rule::u09, "U-09", "repeats on the same port after 437"},
    {Rule::u10, "U-10", "repeats an address family that was refused"},
    {Rule::u11, "U-11", "repeats 1 s after its quota was reached"},
    {Rule::u12, "U-12", "repeats 1 s after the server had no capacity"},
    {Rule::u13, "U-13", "never refreshes its allocation"},
    {Rule::u14, "U-14", "leaves without deleting its allocation"},
    {Rule::u15, "U-15", "takes 437 to a deletion for a failure and repeats it, up to 20 times"},
    {Rule::u16, "U-16", "goes on using an allocation that the server does not know"},
    {Rule::u17, "U-17", "changes its user name between requests of one allocation"},
    {Rule::u18, "U-18", "never renews permissions"},
    {Rule::u19, "U-19", "asks for a permission without naming the peer"},
    {Rule::u20, "U-20", "sends before there is a permission"},
    {Rule::u21, "U-21", "takes data from peers without permission"},
    {Rule::u22, "U-22", "binds channel number 0x5000"},
    {Rule::u23, "U-23", "uses one channel number for all peers"},
    {Rule::u24, "U-24", "does not pad ChannelData on a stream"},
    {Rule::u26, "U-26", "goes on after 400 to ChannelBind"},
    {Rule::u27, "U-27", "tries the ways to a TURN server one after another"},
    {Rule::i01, "I-01", "offers loopback, site-local and v4-mapped addresses"},
    {Rule::i04, "I-04", "lets server-reflexive bindings die"},
    {Rule::i05, "I-05", "gives all its candidates the same priority"},
    {Rule::i06, "I-06", "uses the password 'passwordpasswordpassword'"},
    {Rule::i07, "I-07", "keeps 100 times as many pairs as it should"},
    {Rule::i08, "I-08", "sends checks without PRIORITY and role"},
    {Rule::i09, "I-09", "sends relayed checks without permission"},
    {Rule::i10, "I-10", "sends checks without FINGERPRINT"},
    {Rule::i11, "I-11", "keeps its role after 487"},
    {Rule::i12, "I-12", "takes responses from any address"},
    {Rule::i13, "I-13", "does not heed hard ICMP errors"},
    {Rule::i14, "I-14", "sends no triggered checks and learns no peer-reflexive candidates"},
    {Rule::i15, "I-15", "nominates a second pair after the first"},
    {Rule::i16, "I-16", "keeps its password in a restart"},
    {Rule::i17, "I-17", "sends no keepalives"},
    {Rule::i18, "I-18", "sends data on every valid pair"},
    {Rule::i19, "I-19", "sends all checks at once"},
    {Rule::i20, "I-20", "retransmits checks after 100 ms"},
    {Rule::i21, "I-21", "fails as soon as all pairs failed"},
    {Rule::i22, "I-22", "ignores candidates that come after checks began"},
    {Rule::i23, "I-23", "goes on sending after consent is lost"},
    {Rule::i24, "I-24", "asks for consent every 20 s and always with the same transaction id"},
    {Rule::i25, "I-25", "asks for no consent over TCP"},
    {Rule::i26, "I-26", "restarts with the same credentials after consent was lost"},
    {Rule::i27, "I-27", "takes the end of a connection for a revocation of consent"},
    {Rule::i28, "I-28", "offers active candidates with their port and without tcptype"},
    {Rule::g01, "G-01", "opens its signaling connection beside the proxy"},
    {Rule::claims_connected, "claims-connected",
     "says that it is connected before it is, with a proof of its own making"},
    {Rule::unclear_error, "unclear-error", "does not say why it fails"},
}};

static_assert([] {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (rules[i].rule != static_cast<Rule>(i)) return false;
  }
  return true;
}());

}  // namespace

std::span<const BrokenRule> broken_rules() { return rules; }

Result<Misbehaviour> Misbehaviour::parse(std::span<const std::string> ids) {
  Misbehaviour result;
  for (const auto& id : ids) {
    const auto found = std::find_if(rules.begin(), rules.end(), [&](const BrokenRule& r) { return r.id == id; });
    if (found == rules.end()) return Complaint{"'" + id + "' is no misbehaviour of this client"};
    result.add(found->rule);
  }
  return result;
}

}  // namespace crypelab::client
