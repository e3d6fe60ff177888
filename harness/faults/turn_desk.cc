#include "harness/faults/turn_desk.h"

#include "harness/faults/turn_answer.h"
#include "harness/wire/stun_credentials.h"
#include "harness/wire/turn_frame.h"

#include <algorithm>
#include <array>
#include <span>

#include <fmt/format.h>

namespace crypelab::faults {
namespace {

using namespace std::chrono_literals;
using wire::Bytes;
using wire::StunAttribute;
using wire::StunClass;
using wire::StunMethod;

constexpr std::size_t kMostAllocations = 1000;
constexpr std::size_t kMostUnknown = 16;       // attributes that an answer names
constexpr std::size_t kMostPeers = 1000;       // permissions of an allocation, and channels
constexpr std::uint32_t kUsualLifetime = 600;  // RFC 8656 section 3.2
constexpr std::uint32_t kLongestLifetime = 3600;
constexpr Millis kPermission = 300s;  // RFC 8656 section 9
constexpr Millis kChannel = 600s;     // RFC 8656 section 12
// What an uninvited Data indication comes from, and says.
constexpr std::string_view kUninvited = "nobody asked for this";

constexpr std::array<StunAttribute, 17> kUnderstood{StunAttribute::username,
                                                    StunAttribute::message_integrity,
                                                    StunAttribute::channel_number,
                                                    StunAttribute::lifetime,
                                                    StunAttribute::xor_peer_address,
                                                    StunAttribute::data,
                                                    StunAttribute::realm,
                                                    StunAttribute::nonce,
                                                    StunAttribute::requested_address_family,
                                                    StunAttribute::requested_transport,
                                                    StunAttribute::message_integrity_sha256,
                                                    StunAttribute::password_algorithm,
                                                    StunAttribute::userhash,
                                                    StunAttribute::priority,
                                                    StunAttribute::use_candidate,
                                                    StunAttribute::even_port,
                                                    StunAttribute::dont_fragment};

TurnOccasion occasion_of(const wire::StunMessage& request) {
  switch (request.method()) {
    case StunMethod::binding:
      return TurnOccasion::binding;
    case StunMethod::allocate:
      return TurnOccasion::allocate;
    case StunMethod::refresh:
      return request.number32(StunAttribute::lifetime) == 0U ? TurnOccasion::remove : TurnOccasion::refresh;
    case StunMethod::create_permission:
      return TurnOccasion::create_permission;
    case StunMethod::channel_bind:
      return TurnOccasion::channel_bind;
    default:
      return TurnOccasion::any;
  }
}

std::string_view text_of(TurnPath::Transport transport) {
  switch (transport) {
    case TurnPath::Transport::udp:
      return "udp";
    case TurnPath::Transport::tcp:
      return "tcp";
    case TurnPath::Transport::tls:
      return "tls";
  }
  return "";
}

Family family_of(const Endpoint& endpoint) { return endpoint.address.is_v4() ? Family::v4 : Family::v6; }
Family other(Family family) { return family == Family::v4 ? Family::v6 : Family::v4; }

}  // namespace

TurnDesk::TurnDesk(const TurnSettings& settings, TurnEdge& edge, Journal& journal, std::string secret,
                   std::chrono::seconds unix_start)
    : settings_(&settings),
      edge_(&edge),
      journal_(&journal),
      guard_(settings, secret, unix_start),
      secret_(std::move(secret)),
      script_(settings.rules) {}

void TurnDesk::from_client(const TurnPath& path, Bytes bytes, Millis now) {
  expire(now);
  if (wire::looks_like_channel_data(bytes)) {
    const auto data = wire::parse_channel_data(bytes);
    const auto allocation = allocations_.find(path);
    if (!data || allocation == allocations_.end()) return;
    const auto channel = allocation->second.channels.find(data->channel);
    if (channel != allocation->second.channels.end()) relay_to_peer(path, channel->second.first, data->payload, now);
    return;
  }
  const auto message = wire::StunMessage::parse(bytes);
  if (!message || wire::check_fingerprint(*message) == wire::StunCheck::invalid) return;
  if (message->is(StunMethod::send, StunClass::indication)) {
    const auto peer = message->address(StunAttribute::xor_peer_address);
    const auto data = message->find(StunAttribute::data);
    if (peer && data) relay_to_peer(path, *peer, *data, now);
    return;
  }
  if (message->message_class() == StunClass::request) request(path, *message, now);
}

void TurnDesk::request(const TurnPath& path, const wire::StunMessage& message, Millis now) {
  const bool binding = message.method() == StunMethod::binding;
  std::optional<TurnAsker> asker;
  if (!binding) {
    const auto checked = guard_.authenticate(message, now);
    if (const auto* code = std::get_if<unsigned>(&checked)) return refuse(path, message, *code, nullptr, {}, now);
    asker = std::get<TurnAsker>(checked);
  }
  const auto act = script_.act(occasion_of(message));
  if (act.silent) return report(path, message, asker ? asker->user : "", 0, true);
  if (act.error != 0) return refuse(path, message, act.error, asker ? &*asker : nullptr, act, now);
  if (!binding) return proceed(path, message, *asker, act, now);
  TurnAnswer answer(StunClass::success, message);
  answer.writer.add_address(StunAttribute::xor_mapped_address, path.client);
  report(path, message, "", 0, false);
  edge_->send(path, answer.finish(act, nullptr), act.delay);
}

void TurnDesk::refuse(const TurnPath& path, const wire::StunMessage& request, unsigned code, const TurnAsker* asker,
                      const TurnAct& act, Millis now) {
  TurnAnswer answer(StunClass::error, request);
  answer.writer.add_error(code, turn_error_reason(code));
  if (code == 401 || code == 438) guard_.challenge(answer.writer, now);
  if (code == 300) {
    const bool tls = path.transport == TurnPath::Transport::tls && !act.alternate_tls.empty();
    const auto& others = tls ? act.alternate_tls : act.alternate;
    const auto same = std::ranges::find(others, path.client.address.is_v4(),
                                        [](const Endpoint& endpoint) { return endpoint.address.is_v4(); });
    answer.writer.add_address(StunAttribute::alternate_server, same == others.end() ? others.front() : *same);
  }
  if (code == 420) {
    // A request may have hundreds of them, for which an answer has no room.
    const auto unknown = request.unknown_required(kUnderstood);
    answer.writer.add_unknown_attributes(std::span(unknown).first(std::min(unknown.size(), kMostUnknown)));
  }
  report(path, request, asker != nullptr ? asker->user : "", code, false);
  edge_->send(path, answer.finish(act, asker), act.delay);
}

void TurnDesk::proceed(const TurnPath& path, const wire::StunMessage& request, const TurnAsker& asker,
                       const TurnAct& act, Millis now) {
  unsigned code = request.unknown_required(kUnderstood).empty() ? 0 : 420;
  std::uint32_t granted = 0;
  const auto existing = allocations_.find(path);
  if (code == 0 && request.method() == StunMethod::allocate) {
    code = allocate(path, request, asker, act, now);
  } else if (code == 0 && existing == allocations_.end()) {
    code = 437;
  } else if (code == 0 && existing->second.user != asker.user) {
    code = 441;
  } else if (code == 0 && request.method() == StunMethod::refresh) {
    code = refresh(path, request, act, now, granted);
  } else if (code == 0 && request.method() == StunMethod::create_permission) {
    code = permit(existing->second, request, now);
  } else if (code == 0 && request.method() == StunMethod::channel_bind) {
    code = bind_channel(existing->second, request, now);
  } else if (code == 0) {
    code = 400;
  }
  if (code != 0) return refuse(path, request, code, &asker, act, now);
  TurnAnswer answer(StunClass::success, request);
  const auto now_there = allocations_.find(path);
  if (request.method() == StunMethod::allocate) {
    const auto& allocation = now_there->second;
    granted = static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(allocation.until - now).count());
    answer.writer.add_address(StunAttribute::xor_relayed_address, allocation.relay);
    answer.writer.add_address(StunAttribute::xor_mapped_address, path.client);
  }
  if (request.method() == StunMethod::allocate || request.method() == StunMethod::refresh) {
    answer.writer.add_u32(StunAttribute::lifetime, granted);
  }
  report(path, request, asker.user, 0, false);
  edge_->send(path, answer.finish(act, &asker), act.delay);
  if (act.uninvited && now_there != allocations_.end()) {
    // Documentation addresses: nobody can have a permission for them by accident.
    const auto stranger =
        parse_endpoint(now_there->second.relay.address.is_v4() ? "192.0.2.254:9" : "[2001:db8::dead]:9");
    deliver(path, now_there->second, *stranger, wire::bytes_of(kUninvited));
  }
}

// RFC 8656 section 7.2. What is answered: 0, or an error code.
unsigned TurnDesk::allocate(const TurnPath& path, const wire::StunMessage& request, const TurnAsker& asker,
                            const TurnAct& act, Millis now) {
  if (const auto there = allocations_.find(path); there != allocations_.end())
    return there->second.transaction == request.transaction() ? 0 : 437;  // the same request again: the same answer
  const auto transport = request.find(StunAttribute::requested_transport);
  const auto protocol = transport ? wire::decode_protocol(*transport) : std::nullopt;
  if (!protocol) return 400;
  if (*protocol != 17) return 442;
  if (request.has(StunAttribute::requested_address_family) && request.has(StunAttribute::additional_address_family))
    return 400;
  auto family = request.family(StunAttribute::requested_address_family).value_or(Family::v4);
  if (act.other_family) family = other(family);
  if (allocations_.size() >= kMostAllocations) return 508;
  const bool offered = std::ranges::any_of(
      settings_->relays, [&](const Address& address) { return address.is_v4() == (family == Family::v4); });
  if (!offered) return 440;
  const auto relay = edge_->open_relay(path, family);
  if (!relay) return 508;
  const auto asked = request.number32(StunAttribute::lifetime).value_or(kUsualLifetime);
  const auto lifetime = act.lifetime.value_or(std::clamp(asked, kUsualLifetime, kLongestLifetime));
  Allocation allocation;
  allocation.session = ++sessions_;
  allocation.transaction = request.transaction();
  allocation.user = asker.user;
  allocation.relay = *relay;
  allocation.until = now + std::chrono::seconds(lifetime);
  journal_->write("allocation", {{"session", allocation.session},
                                 {"user", allocation.user},
                                 {"client", to_string(path.client)},
                                 {"server", to_string(path.server)},
                                 {"transport", std::string(text_of(path.transport))},
                                 {"relay", to_string(*relay)},
                                 {"lifetime", std::int64_t{lifetime}}});
  allocations_.emplace(path, std::move(allocation));
  return 0;
}

unsigned TurnDesk::refresh(const TurnPath& path, const wire::StunMessage& request, const TurnAct& act, Millis now,
                           std::uint32_t& granted) {
  const auto allocation = allocations_.find(path);
  const auto family = request.family(StunAttribute::requested_address_family);
  if (family && *family != family_of(allocation->second.relay)) return 443;
  const auto asked = request.number32(StunAttribute::lifetime).value_or(kUsualLifetime);
  granted = asked == 0 ? 0 : act.lifetime.value_or(std::clamp(asked, kUsualLifetime, kLongestLifetime));
  journal_->write("refresh", {{"session", allocation->second.session},
                              {"user", allocation->second.user},
                              {"client", to_string(path.client)},
                              {"lifetime", std::int64_t{granted}}});
  if (granted == 0) {
    remove(allocation, "deleted");
  } else {
    allocation->second.until = now + std::chrono::seconds(granted);
  }
  return 0;
}

unsigned TurnDesk::permit(Allocation& allocation, const wire::StunMessage& request, Millis now) {
  std::vector<Address> peers;
  for (const auto& attribute : request.attributes()) {
    if (attribute.type != StunAttribute::xor_peer_address) continue;
    const auto peer = wire::decode_xor_address(attribute.value, request.transaction());
    if (!peer) return 400;
    if (family_of(*peer) != family_of(allocation.relay)) return 443;
    peers.push_back(peer->address);
  }
  if (peers.empty()) return 400;
  if (allocation.permissions.size() + peers.size() > kMostPeers) return 508;
  for (const auto& peer : peers) {
    allocation.permissions[peer] = now + kPermission;
    journal_->write("permission", {{"session", allocation.session}, {"peer", to_string(peer)}});
  }
  return 0;
}

unsigned TurnDesk::bind_channel(Allocation& allocation, const wire::StunMessage& request, Millis now) {
  const auto number = request.number16(StunAttribute::channel_number);
  const auto peer = request.address(StunAttribute::xor_peer_address);
  if (!number || !peer || *number < wire::first_channel || *number > wire::last_channel) return 400;
  if (family_of(*peer) != family_of(allocation.relay)) return 443;
  for (const auto& [bound, to] : allocation.channels) {
    if ((bound == *number) != (to.first == *peer)) return 400;  // RFC 8656 section 12.2: one channel, one peer
  }
  if (allocation.channels.size() >= kMostPeers || allocation.permissions.size() >= kMostPeers) return 508;
  allocation.channels[*number] = {*peer, now + kChannel};
  allocation.permissions[peer->address] = now + kPermission;
  journal_->write("channel",
                  {{"session", allocation.session}, {"peer", to_string(*peer)}, {"channel", std::int64_t{*number}}});
  return 0;
}

void TurnDesk::relay_to_peer(const TurnPath& path, const Endpoint& peer, Bytes payload, Millis now) {
  const auto allocation = allocations_.find(path);
  if (allocation == allocations_.end()) return;
  const auto permission = allocation->second.permissions.find(peer.address);
  if (permission == allocation->second.permissions.end() || permission->second <= now) {
    drop(allocation->second, peer, "client");
    return;
  }
  edge_->relay(path, peer, payload);
}

void TurnDesk::from_peer(const TurnPath& path, const Endpoint& peer, Bytes payload, Millis now) {
  expire(now);
  const auto allocation = allocations_.find(path);
  if (allocation == allocations_.end()) return;
  const auto permission = allocation->second.permissions.find(peer.address);
  if (permission == allocation->second.permissions.end() || permission->second <= now) {
    drop(allocation->second, peer, "peer");
    return;
  }
  deliver(path, allocation->second, peer, payload);
}

void TurnDesk::drop(const Allocation& allocation, const Endpoint& peer, std::string_view from) {
  journal_->write("drop", {{"session", allocation.session},
                           {"peer", to_string(peer)},
                           {"from", std::string(from)},
                           {"reason", std::string("no permission")}});
}

void TurnDesk::deliver(const TurnPath& path, const Allocation& allocation, const Endpoint& peer, Bytes payload) {
  std::vector<std::uint8_t> buffer(payload.size() + 256);
  for (const auto& [number, to] : allocation.channels) {
    if (to.first != peer) continue;
    const auto padding = path.transport == TurnPath::Transport::udp ? wire::Padding::none : wire::Padding::to_four;
    return edge_->send(path, wire::write_channel_data(buffer, number, payload, padding), Millis(0));
  }
  wire::TransactionId transaction{};
  const auto proof = wire::hmac(wire::Hash::sha256, wire::bytes_of(secret_), {payload});
  std::copy_n(proof.bytes.begin(), transaction.size(), transaction.begin());
  wire::StunWriter writer(buffer, StunClass::indication, StunMethod::data, transaction);
  writer.add_address(StunAttribute::xor_peer_address, peer).add(StunAttribute::data, payload);
  edge_->send(path, writer.bytes(), Millis(0));
}

void TurnDesk::report(const TurnPath& path, const wire::StunMessage& request, const std::string& user, unsigned code,
                      bool silent) {
  const bool sha1 = request.integrity_offset().has_value();
  const bool sha256 = request.integrity_sha256_offset().has_value();
  std::string method(wire::name_of(request.method()));
  if (method.empty()) method = fmt::format("0x{:03x}", static_cast<unsigned>(request.method()));
  journal_->write("request", {{"client", to_string(path.client)},
                              {"server", to_string(path.server)},
                              {"transport", std::string(text_of(path.transport))},
                              {"method", method},
                              {"user", user},
                              {"integrity", std::string(sha1 && sha256 ? "both"
                                                        : sha256       ? "sha-256"
                                                        : sha1         ? "sha-1"
                                                                       : "none")},
                              {"error", std::int64_t{code}},
                              {"answered", !silent}});
}

void TurnDesk::remove(std::map<TurnPath, Allocation>::iterator allocation, std::string_view why) {
  journal_->write("delete", {{"session", allocation->second.session},
                             {"user", allocation->second.user},
                             {"client", to_string(allocation->first.client)},
                             {"reason", std::string(why)}});
  edge_->close_relay(allocation->first);
  allocations_.erase(allocation);
}

void TurnDesk::gone(const TurnPath& path) {
  if (const auto allocation = allocations_.find(path); allocation != allocations_.end()) remove(allocation, "closed");
}

void TurnDesk::expire(Millis now) {
  for (auto next = allocations_.begin(); next != allocations_.end();) {
    const auto allocation = next++;
    if (allocation->second.until <= now) {
      remove(allocation, "expired");
      continue;
    }
    auto& [path, its] = *allocation;
    std::erase_if(its.permissions, [&](const auto& permission) { return permission.second <= now; });
    std::erase_if(its.channels, [&](const auto& channel) { return channel.second.second <= now; });
  }
}

}  // namespace crypelab::faults
