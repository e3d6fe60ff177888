#include "turn_server_model.h"

#include <array>

namespace crypelab::client {

using wire::StunAttribute;
using wire::StunClass;
using wire::StunMethod;

wire::HashValue TurnServerModel::key() const {
  const auto algorithm = settings.algorithms.empty() ? wire::PasswordAlgorithm::md5 : settings.algorithms.front();
  return wire::long_term_key(algorithm, settings.user, settings.realm, settings.password);
}

std::string TurnServerModel::nonce(Time now) {
  if (nonce_number_ == 0 || now - nonce_made_ >= settings.nonce_life) {
    ++nonce_number_;
    nonce_made_ = now;
  }
  const bool cookie = !settings.algorithms.empty() || settings.anonymous;
  return (cookie ? wire::nonce_cookie({!settings.algorithms.empty(), settings.anonymous}) : std::string()) + "n" +
         std::to_string(nonce_number_);
}

// 0 when the request is a known user's, else the error.
unsigned TurnServerModel::authenticate(const wire::StunMessage& m, Time now) {
  const auto current = nonce(now);
  const bool is_signed = m.has(StunAttribute::message_integrity) || m.has(StunAttribute::message_integrity_sha256);
  if (!is_signed) return 401;
  if (m.text(StunAttribute::nonce) != current) return 438;
  if (m.text(StunAttribute::realm) != settings.realm) return 401;
  if (settings.anonymous) {
    const auto expected = wire::userhash(settings.user, settings.realm);
    const auto found = m.find(StunAttribute::userhash);
    if (!found || !std::equal(found->begin(), found->end(), expected.bytes.begin())) return 401;
  } else if (m.text(StunAttribute::username) != settings.user) {
    return 441;
  }
  const auto k = key();
  if (settings.algorithms.empty()) return wire::check_integrity(m, k.view()) == wire::StunCheck::valid ? 0 : 401;
  if (m.has(StunAttribute::message_integrity)) return 400;
  const auto chosen = m.password_algorithms(StunAttribute::password_algorithm);
  if (chosen.size() != 1 || chosen[0].algorithm != settings.algorithms.front()) return 400;
  if (m.password_algorithms(StunAttribute::password_algorithms).size() != settings.algorithms.size()) return 400;
  return wire::check_integrity_sha256(m, k.view()) == wire::StunCheck::valid ? 0 : 401;
}

std::vector<Datagram> TurnServerModel::answer(const Datagram& in, const wire::StunMessage& m, StunClass c,
                                              bool is_signed, Reply fill) {
  std::array<std::uint8_t, 2048> buffer{};
  wire::StunWriter writer(buffer, c, m.method(), m.transaction());
  fill(writer);
  if (decorate) decorate(writer);
  if (is_signed) {
    auto k = key();
    if (corrupt_integrity) k.bytes[0] ^= 1;
    if (settings.algorithms.empty()) {
      writer.add_integrity(k.view());
    } else {
      writer.add_integrity_sha256(k.view());
    }
  }
  writer.add_fingerprint();
  const auto bytes = writer.bytes();
  return {{settings.listen, in.from, {bytes.begin(), bytes.end()}}};
}

std::vector<Datagram> TurnServerModel::refuse_with(const Datagram& in, const wire::StunMessage& m, unsigned code,
                                                   bool is_signed) {
  log.push_back(std::string(wire::name_of(m.method())) + " " + std::to_string(code));
  return answer(in, m, StunClass::error, is_signed, [&](wire::StunWriter& w) {
    w.add_error(code, "refused");
    if (code != 401 && code != 438) return;
    w.add_text(StunAttribute::realm, settings.realm).add_text(StunAttribute::nonce, nonce(nonce_made_));
    if (!settings.algorithms.empty() && !omit_algorithms) w.add_password_algorithms(settings.algorithms);
  });
}

std::vector<Datagram> TurnServerModel::request(const Datagram& in, const wire::StunMessage& m, Time now) {
  const bool is_signed = m.has(StunAttribute::message_integrity) || m.has(StunAttribute::message_integrity_sha256);
  if (m.method() == StunMethod::binding) {
    log.push_back("Binding");
    return answer(in, m, StunClass::success, false,
                  [&](wire::StunWriter& w) { w.add_address(StunAttribute::xor_mapped_address, in.from); });
  }
  if (const unsigned code = authenticate(m, now); code != 0) return refuse_with(in, m, code, false);
  if (const unsigned code = refuse ? refuse(m, is_signed) : 0; code != 0)
    return refuse_with(in, m, code, code != 401 && code != 438);
  return serve(in, m, now);
}

std::vector<Datagram> TurnServerModel::serve(const Datagram& in, const wire::StunMessage& m, Time now) {
  std::erase_if(allocations, [&](const auto& entry) { return entry.second.expires <= now; });
  std::erase_if(relays_, [&](const auto& entry) { return !allocations.contains(entry.second); });
  const auto found = allocations.find(in.from);
  const auto seconds =
      static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(settings.lifetime).count());
  if (m.method() == StunMethod::allocate) {
    const auto transport = m.find(StunAttribute::requested_transport);
    if (!transport) return refuse_with(in, m, 400, true);
    const auto family = m.family(StunAttribute::requested_address_family);
    const auto additional = m.family(StunAttribute::additional_address_family);
    if (family && additional) return refuse_with(in, m, 400, true);
    if (found != allocations.end()) return refuse_with(in, m, 437, true);
    if (family == Family::v6 && !settings.relay_v6) return refuse_with(in, m, 440, true);
    Allocation made{.relayed = {settings.relay_v4, next_port_++}, .expires = now + settings.lifetime};
    if ((family == Family::v6 || additional) && settings.relay_v6) {
      made.relayed_v6 = Endpoint{*settings.relay_v6, next_port_++};
      relays_[*made.relayed_v6] = in.from;
    }
    const bool v4 = family != Family::v6;
    if (v4) relays_[made.relayed] = in.from;
    allocations[in.from] = made;
    log.push_back("Allocate 200");
    return answer(in, m, StunClass::success, true, [&](wire::StunWriter& w) {
      if (v4) w.add_address(StunAttribute::xor_relayed_address, made.relayed);
      if (made.relayed_v6) w.add_address(StunAttribute::xor_relayed_address, *made.relayed_v6);
      if (additional && !made.relayed_v6) w.add_address_error({Family::v6, 440, "no"});
      w.add_u32(StunAttribute::lifetime, seconds).add_address(StunAttribute::xor_mapped_address, in.from);
    });
  }
  if (found == allocations.end()) return refuse_with(in, m, 437, true);
  auto& allocation = found->second;
  const auto peer = m.address(StunAttribute::xor_peer_address);
  const auto ok = [&](std::uint32_t lifetime) {
    log.push_back(std::string(wire::name_of(m.method())) + (m.number32(StunAttribute::lifetime) == 0u ? " 0" : " 200"));
    return answer(in, m, StunClass::success, true, [&](wire::StunWriter& w) {
      if (m.method() == StunMethod::refresh) w.add_u32(StunAttribute::lifetime, lifetime);
    });
  };
  if (m.method() == StunMethod::refresh) {
    if (m.number32(StunAttribute::lifetime) == 0u) {
      std::erase_if(relays_, [&](const auto& entry) { return entry.second == in.from; });
      allocations.erase(found);
      return ok(0);
    }
    allocation.expires = now + settings.lifetime;
    return ok(seconds);
  }
  if (!peer) return refuse_with(in, m, 400, true);
  if (peer->address.is_v6() ? !allocation.relayed_v6 : !relays_.contains(allocation.relayed))
    return refuse_with(in, m, 443, true);
  if (m.method() == StunMethod::create_permission) {
    allocation.permissions[peer->address] = now + 300s;
    return ok(0);
  }
  if (m.method() == StunMethod::channel_bind) {
    const auto number = m.number16(StunAttribute::channel_number);
    if (!number || *number < wire::first_channel || *number > wire::last_channel) return refuse_with(in, m, 400, true);
    for (const auto& [other, bound] : allocation.channels) {
      if ((other == *number) != (bound.first == *peer)) return refuse_with(in, m, 400, true);
    }
    allocation.channels[*number] = {*peer, now + 600s};
    allocation.permissions[peer->address] = now + 300s;
    return ok(0);
  }
  return refuse_with(in, m, 400, true);
}

std::vector<Datagram> TurnServerModel::relay(Allocation& allocation, const Endpoint& peer, wire::Bytes payload,
                                             Time now) {
  const auto permission = allocation.permissions.find(peer.address);
  if (permission == allocation.permissions.end() || permission->second <= now) {
    ++unpermitted;
    return {};
  }
  const auto& from = peer.address.is_v6() ? *allocation.relayed_v6 : allocation.relayed;
  return {{from, peer, {payload.begin(), payload.end()}}};
}

std::vector<Datagram> TurnServerModel::from_peer(const Datagram& in, Time now) {
  const auto client = relays_.at(in.to);
  const auto found = allocations.find(client);
  if (found == allocations.end() || found->second.expires <= now) return {};
  const auto permission = found->second.permissions.find(in.from.address);
  if (permission == found->second.permissions.end() || permission->second <= now) return {};
  std::vector<std::uint8_t> out(in.bytes.size() + 64);
  for (const auto& [number, bound] : found->second.channels) {
    if (bound.first != in.from || bound.second <= now) continue;
    const auto bytes = wire::write_channel_data(out, number, in.bytes,
                                                settings.reliable ? wire::Padding::to_four : wire::Padding::none);
    return {{settings.listen, client, {bytes.begin(), bytes.end()}}};
  }
  wire::StunWriter writer(out, StunClass::indication, StunMethod::data, {});
  const auto bytes =
      writer.add_address(StunAttribute::xor_peer_address, in.from).add(StunAttribute::data, in.bytes).bytes();
  return {{settings.listen, client, {bytes.begin(), bytes.end()}}};
}

std::vector<Datagram> TurnServerModel::receive(const Datagram& in, Time now) {
  if (in.to != settings.listen) return relays_.contains(in.to) ? from_peer(in, now) : std::vector<Datagram>();
  const auto found = allocations.find(in.from);
  if (const auto data = wire::parse_channel_data(in.bytes)) {
    log.push_back("ChannelData");
    if (settings.reliable && in.bytes.size() % 4 != 0) log.push_back("UNPADDED");
    if (found == allocations.end()) return {};
    const auto channel = found->second.channels.find(data->channel);
    if (channel == found->second.channels.end() || channel->second.second <= now) return {};
    return relay(found->second, channel->second.first, data->payload, now);
  }
  const auto m = wire::StunMessage::parse(in.bytes);
  if (!m) {
    log.push_back("JUNK");
    return {};
  }
  if (m->message_class() == StunClass::request) return request(in, *m, now);
  if (!m->is(StunMethod::send, StunClass::indication) || found == allocations.end()) return {};
  log.push_back("Send");
  const auto peer = m->address(StunAttribute::xor_peer_address);
  const auto data = m->find(StunAttribute::data);
  if (!peer || !data) return {};
  return relay(found->second, *peer, *data, now);
}

}  // namespace crypelab::client
