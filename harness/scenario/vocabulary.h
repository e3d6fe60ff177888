#pragma once

#include "harness/model/scenario.h"

#include <array>
#include <span>
#include <string_view>
#include <vector>

// Every word of the language, once. scenarios/README.md and scenarios/schema.json say the same; a test compares them.
namespace crypelab::scenario {

using Words = std::span<const std::string_view>;

// A word that stands for a value.
template <class T>
struct Word {
  std::string_view name;
  T value;
};

template <std::size_t N>
using WordList = std::array<std::string_view, N>;

inline constexpr WordList<15> kScenarioWords{"scenario",  "title", "proves", "references", "tier",
                                             "signaling", "turn",  "turn-a", "turn-b",     "sites",
                                             "clients",   "work",  "expect", "steps",      "cases"};
inline constexpr WordList<3> kSignalingWords{"program", "certificate", "key"};
inline constexpr WordList<7> kTurnWords{"credentials", "credential-life", "state", "quota",
                                        "nonce-life",  "certificate",     "key"};
inline constexpr WordList<9> kTurnServerWords{"state", "quota",  "nonce-life", "alternate", "certificate",
                                              "key",   "script", "algorithms", "segment"};
inline constexpr WordList<8> kTurnRuleWords{"on", "skip", "times", "answer", "to", "lifetime", "delay", "with"};
inline constexpr WordList<15> kSiteWords{"subnet",    "uplink", "nat",    "carrier",        "egress",
                                         "isolation", "dns",    "nat64",  "proxy",          "proxies",
                                         "pac",       "socks",  "portal", "tls-inspection", "tls-relay"};
inline constexpr WordList<5> kPacWords{"file", "script", "wpad", "delay", "state"};
inline constexpr WordList<4> kPortalWords{"tls", "dns", "release", "close"};
inline constexpr WordList<5> kTlsInspectionWords{"ports", "authority", "exempt", "inside", "private-authorities"};
inline constexpr WordList<2> kTlsRelayWords{"ports", "sni"};
inline constexpr WordList<3> kSocksWords{"port", "users", "connect-ports"};
inline constexpr WordList<8> kUplinkWords{"delay", "jitter", "rate", "loss", "mtu", "too-big", "up", "down"};
inline constexpr WordList<4> kDirectionWords{"delay", "jitter", "rate", "loss"};
inline constexpr WordList<4> kLossWords{"share", "seed", "burst", "packets"};
inline constexpr WordList<7> kNatWords{"mapping", "filtering", "hairpin", "ports", "udp-timer", "tcp-timer", "rebind"};
inline constexpr WordList<1> kCarrierWords{"nat"};
inline constexpr WordList<10> kActionWords{"allow",  "drop", "reject",   "reset",     "accept-then-drop",
                                           "police", "lose", "tls-only", "http-only", "web-only"};
inline constexpr WordList<5> kMatchWords{"protocol", "ports", "to", "domains", "payload"};
inline constexpr WordList<3> kDnsWords{"answers", "delay", "aaaa"};
inline constexpr WordList<2> kNat64Words{"prefix", "dns64"};
inline constexpr WordList<11> kClientWords{"site",   "sites",           "routes", "ticket",    "app",  "proxy",
                                           "policy", "non-proxied-udp", "turn",   "misbehave", "agent"};
inline constexpr WordList<7> kProxyUseWords{"mode", "rules", "bypass", "pac", "credentials", "username", "password"};
inline constexpr WordList<3> kWorkWords{"echo", "throughput", "hold"};
inline constexpr WordList<3> kEchoWords{"count", "interval", "size"};
inline constexpr WordList<4> kThroughputWords{"time", "direction", "delivery", "size"};
inline constexpr WordList<3> kHoldWords{"time", "traffic", "max-gap"};
inline constexpr WordList<12> kExpectWords{"connected",  "not-connected", "path",       "stays-connected",
                                           "no-bypass",  "attempted",     "unanswered", "echo",
                                           "throughput", "reports",       "tunnels",    "allocations"};
inline constexpr WordList<1> kConnectedWords{"within"};
inline constexpr WordList<3> kPathWords{"client", "class", "proxy"};
inline constexpr WordList<2> kStaysWords{"for", "gap"};
inline constexpr WordList<1> kBypassWords{"site"};
inline constexpr WordList<2> kAttemptWords{"site", "match"};
inline constexpr WordList<2> kEchoBoundWords{"lost", "rtt"};
inline constexpr WordList<1> kThroughputBoundWords{"at-least"};
inline constexpr WordList<3> kReportWords{"client", "code", "within"};
inline constexpr WordList<3> kTunnelWords{"site", "at-least", "at-most"};
inline constexpr WordList<2> kAllocationWords{"left", "within"};
inline constexpr WordList<17> kProxyWords{
    "names",           "port", "auth",     "users", "nonce-life", "connect-ports", "allow", "deny",  "ip-literals",
    "max-connections", "idle", "lifetime", "tls",   "inspect",    "transparent",   "via",   "faults"};
inline constexpr WordList<21> kFaultWords{
    "schemes",        "algorithms",   "domain",   "challenge-fields", "sign-in",        "login",
    "refusal-closes", "refusal-body", "session",  "tunnel-status",    "content-length", "transfer-encoding",
    "answer",         "cut-after",    "cut-idle", "cut-bytes",        "cut-by",         "segment",
    "batch",          "down-from",    "down-for"};
inline constexpr WordList<2> kProxyTlsWords{"certificate", "key"};
inline constexpr WordList<3> kInspectWords{"authority", "exempt", "upgrade"};
inline constexpr WordList<2> kAgentWords{"port", "via"};
inline constexpr WordList<2> kRouteWords{"to", "via"};
inline constexpr WordList<10> kStepWords{"at",   "site",    "client", "egress", "uplink",
                                         "link", "address", "record", "to",     "restart"};
// In a case, beside the path of what it varies.
inline constexpr WordList<3> kCaseWords{"title", "proves", "expect"};

// What stands beside the action in an egress rule.
inline constexpr std::string_view kRejectWith = "with";
inline constexpr std::string_view kAcceptAfter = "after";
inline constexpr std::string_view kPoliceRate = "rate";
inline constexpr std::string_view kLoseLoss = "loss";
inline constexpr WordList<4> kFirstBytesWords{"sni", "alpn", "otherwise", "after"};
inline constexpr std::string_view kSniRequired = "required";

inline constexpr std::array<Word<model::Tier>, 3> kTiers{
    {{"quick", model::Tier::quick}, {"nightly", model::Tier::nightly}, {"soak", model::Tier::soak}}};
inline constexpr std::array<Word<bool>, 2> kTooBig{{{"sent", true}, {"dropped", false}}};
inline constexpr std::array<Word<model::Dependence>, 3> kDependences{
    {{"endpoint-independent", model::Dependence::endpoint_independent},
     {"address", model::Dependence::address},
     {"address-and-port", model::Dependence::address_and_port}}};
inline constexpr std::array<Word<model::PortAssignment>, 3> kPortAssignments{
    {{"preserve", model::PortAssignment::preserve},
     {"random", model::PortAssignment::random},
     {"sequential", model::PortAssignment::sequential}}};
inline constexpr std::array<Word<model::Protocol>, 3> kProtocols{
    {{"udp", model::Protocol::udp}, {"tcp", model::Protocol::tcp}, {"icmp", model::Protocol::icmp}}};
inline constexpr std::array<Word<model::Payload>, 1> kPayloads{{{"stun", model::Payload::stun}}};
inline constexpr std::array<Word<model::FirstBytes::Otherwise>, 2> kOtherwise{
    {{"drop", model::FirstBytes::Otherwise::drop}, {"reset", model::FirstBytes::Otherwise::reset}}};
inline constexpr std::array<Word<model::Unreachable>, 4> kUnreachables{
    {{"admin-prohibited", model::Unreachable::admin_prohibited},
     {"port", model::Unreachable::port},
     {"host", model::Unreachable::host},
     {"network", model::Unreachable::network}}};
inline constexpr std::array<Word<model::Answers>, 3> kAnswers{{{"normal", model::Answers::normal},
                                                               {"internal-only", model::Answers::internal_only},
                                                               {"servfail", model::Answers::servfail}}};
inline constexpr std::array<Word<model::Aaaa>, 4> kAaaa{{{"normal", model::Aaaa::normal},
                                                         {"servfail", model::Aaaa::servfail},
                                                         {"silent", model::Aaaa::silent},
                                                         {"nxdomain", model::Aaaa::nxdomain}}};
inline constexpr std::array<Word<model::Carrier>, 2> kCarriers{
    {{"up", model::Carrier::up}, {"down", model::Carrier::down}}};

inline constexpr std::array<Word<model::AuthScheme>, 4> kAuthSchemes{{{"basic", model::AuthScheme::basic},
                                                                      {"digest", model::AuthScheme::digest},
                                                                      {"ntlm", model::AuthScheme::ntlm},
                                                                      {"negotiate", model::AuthScheme::negotiate}}};
inline constexpr std::array<Word<bool>, 2> kIpLiterals{{{"allowed", true}, {"denied", false}}};
inline constexpr std::array<Word<bool>, 2> kInspectionAuthorities{{{"trusted", true}, {"untrusted", false}}};
inline constexpr std::array<Word<bool>, 2> kChallengeFields{{{"many", false}, {"one", true}}};
inline constexpr std::array<Word<model::SignIn>, 4> kSignIns{{{"challenge", model::SignIn::challenge},
                                                              {"redirect-302", model::SignIn::redirect_302},
                                                              {"redirect-307", model::SignIn::redirect_307},
                                                              {"page", model::SignIn::page}}};
inline constexpr std::array<Word<model::CutBy>, 3> kCuts{
    {{"close", model::CutBy::close}, {"reset", model::CutBy::reset}, {"silence", model::CutBy::silence}}};
inline constexpr std::array<Word<unsigned>, 5> kAnswersOfProxy{
    {{"403", 403}, {"502", 502}, {"503", 503}, {"504", 504}, {"nothing", 0}}};
inline constexpr std::array<Word<model::Portal::Tls>, 2> kPortalTls{
    {{"foreign-certificate", model::Portal::Tls::foreign_certificate}, {"reset", model::Portal::Tls::reset}}};
inline constexpr std::array<Word<bool>, 2> kPortalDns{{{"untouched", false}, {"hijacked", true}}};
inline constexpr std::array<Word<model::TlsInspection::Inside>, 2> kInsides{
    {{"anything", model::TlsInspection::Inside::anything}, {"http", model::TlsInspection::Inside::http}}};
inline constexpr std::array<Word<bool>, 2> kPrivateAuthorities{{{"refused", false}, {"accepted", true}}};
inline constexpr std::array<Word<bool>, 2> kUpgrade{{{"passed", false}, {"stripped", true}}};

inline constexpr std::array<Word<model::TurnCredentials>, 2> kTurnCredentials{
    {{"time-limited", model::TurnCredentials::time_limited}, {"long-term", model::TurnCredentials::long_term}}};
inline constexpr std::array<Word<model::ServerState>, 3> kServerStates{
    {{"up", model::ServerState::up}, {"stopped", model::ServerState::stopped}, {"silent", model::ServerState::silent}}};
inline constexpr std::array<Word<model::ServerCertificate>, 5> kServerCertificates{
    {{"valid", model::ServerCertificate::valid},
     {"untrusted", model::ServerCertificate::untrusted},
     {"expired", model::ServerCertificate::expired},
     {"not-yet-valid", model::ServerCertificate::not_yet_valid},
     {"wrong-name", model::ServerCertificate::wrong_name}}};
inline constexpr std::array<Word<model::ServerKey>, 2> kServerKeys{
    {{"ecdsa", model::ServerKey::ecdsa}, {"rsa", model::ServerKey::rsa}}};
inline constexpr std::array<Word<model::TurnOccasion>, 7> kTurnOccasions{
    {{"any", model::TurnOccasion::any},
     {"binding", model::TurnOccasion::binding},
     {"allocate", model::TurnOccasion::allocate},
     {"refresh", model::TurnOccasion::refresh},
     {"delete", model::TurnOccasion::remove},
     {"create-permission", model::TurnOccasion::create_permission},
     {"channel-bind", model::TurnOccasion::channel_bind}}};
inline constexpr std::array<Word<model::TurnFault>, 6> kTurnFaults{
    {{"bad-integrity", model::TurnFault::bad_integrity},
     {"no-integrity", model::TurnFault::no_integrity},
     {"unknown-required", model::TurnFault::unknown_required},
     {"unknown-optional", model::TurnFault::unknown_optional},
     {"other-family", model::TurnFault::other_family},
     {"uninvited-data", model::TurnFault::uninvited_data}}};
inline constexpr std::array<Word<model::TurnAlgorithms>, 3> kTurnAlgorithms{
    {{"md5", model::TurnAlgorithms::md5},
     {"sha-256", model::TurnAlgorithms::sha256},
     {"bid-down", model::TurnAlgorithms::bid_down}}};
inline constexpr std::array<Word<bool>, 1> kNoAnswer{{{"nothing", true}}};
inline constexpr std::array<Word<bool>, 1> kNewAddress{{{"new", true}}};

inline constexpr std::array<Word<model::App>, 7> kApps{{{"browser", model::App::browser},
                                                        {"desktop", model::App::desktop},
                                                        {"desktop-unconfigured", model::App::desktop_unconfigured},
                                                        {"desktop-split", model::App::desktop_split},
                                                        {"mobile-system", model::App::mobile_system},
                                                        {"mobile-native", model::App::mobile_native},
                                                        {"mobile-custom", model::App::mobile_custom}}};
// Electron's own words.
inline constexpr std::array<Word<model::ProxyMode>, 5> kProxyModes{{{"direct", model::ProxyMode::direct},
                                                                    {"auto_detect", model::ProxyMode::auto_detect},
                                                                    {"pac_script", model::ProxyMode::pac_script},
                                                                    {"fixed_servers", model::ProxyMode::fixed_servers},
                                                                    {"system", model::ProxyMode::system}}};
inline constexpr std::array<Word<model::ProxyCredentials>, 3> kProxyCredentials{
    {{"given", model::ProxyCredentials::given},
     {"ambient", model::ProxyCredentials::ambient},
     {"prompt", model::ProxyCredentials::prompt}}};
inline constexpr std::array<Word<model::IcePolicy>, 2> kIcePolicies{
    {{"all", model::IcePolicy::all}, {"relay", model::IcePolicy::relay}}};
inline constexpr std::array<Word<model::RelayTransport>, 3> kRelayTransports{
    {{"udp", model::RelayTransport::udp}, {"tcp", model::RelayTransport::tcp}, {"tls", model::RelayTransport::tls}}};
inline constexpr std::string_view kNoRelays = "none";
inline constexpr std::array<Word<model::Flow>, 3> kFlows{
    {{"send", model::Flow::send}, {"receive", model::Flow::receive}, {"both", model::Flow::both}}};
inline constexpr std::array<Word<model::Delivery>, 2> kDeliveries{
    {{"ordered", model::Delivery::ordered}, {"unordered-unreliable", model::Delivery::unordered_unreliable}}};
inline constexpr std::array<Word<model::Traffic>, 3> kTraffic{
    {{"silent", model::Traffic::silent}, {"audio", model::Traffic::audio}, {"video", model::Traffic::video}}};
inline constexpr std::array<Word<model::PathClass>, 5> kPathClasses{{{"direct", model::PathClass::direct},
                                                                     {"srflx", model::PathClass::srflx},
                                                                     {"relay-udp", model::PathClass::relay_udp},
                                                                     {"relay-tcp", model::PathClass::relay_tcp},
                                                                     {"relay-tls", model::PathClass::relay_tls}}};

// All of them: keys and words that stand for values, each once, sorted.
std::vector<std::string_view> vocabulary();

}  // namespace crypelab::scenario
