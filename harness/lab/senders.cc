#include "harness/lab/senders.h"

#include "harness/wire/packet.h"

namespace crypelab::lab {

Senders::Senders(Lab& lab, std::string host, std::function<void(model::Event)> tell)
    : lab_(lab),
      host_(std::move(host)),
      tell_(std::move(tell)),
      log_(lab.network().host(host_)),
      owners_(lab.network().host(host_)) {
  lab_.loop().watch(log_.descriptor(), [this] { log_.read([this](const auto& logged) { note(logged); }); });
}

Senders::~Senders() { lab_.loop().forget(log_.descriptor()); }

void Senders::note(const kernel::LoggedPacket& logged) {
  const auto ip = wire::decode_ip(logged.packet);
  if (!ip || (ip->tcp() == nullptr && ip->udp() == nullptr)) return;
  const bool tcp = ip->tcp() != nullptr;
  const auto from = ip->source_endpoint();
  const auto to = ip->destination_endpoint();
  if (known_.size() >= most_conversations || !known_.insert({tcp, from, to}).second) return;
  model::Event event{lab_.now(), model::Source::lab, host_, "sender", {}};
  event.fields = {{"protocol", std::string(tcp ? "tcp" : "udp")}, {"from", to_string(from)}, {"to", to_string(to)}};
  if (logged.user) event.fields.emplace_back("uid", std::int64_t{*logged.user});
  if (const auto socket = owners_.find(tcp, from, to)) {
    if (const auto program = kernel::program_with(*socket); !program.empty())
      event.fields.emplace_back("program", program);
  }
  tell_(std::move(event));
}

}  // namespace crypelab::lab
