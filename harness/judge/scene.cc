#include "harness/judge/scene.h"

#include "harness/model/world.h"
#include "harness/wire/http_head.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

namespace crypelab::judge {
namespace {

Owner owner_of(const blueprint::Host& host) {
  switch (host.role) {
    case blueprint::Role::client:
      return {Owner::Kind::client, host.name, host.site};
    case blueprint::Role::server:
      return {Owner::Kind::server, host.name, host.site};
    case blueprint::Role::edge:
    case blueprint::Role::carrier:
      return {Owner::Kind::edge, host.name, host.site};
    case blueprint::Role::internet:
    case blueprint::Role::world:
      break;
  }
  const auto kind = host.name.starts_with("turn-") ? Owner::Kind::turn
                    : host.name == "signal"        ? Owner::Kind::signal
                                                   : Owner::Kind::world;
  return {kind, host.name, ""};
}

}  // namespace

Scene::Scene(const model::Scenario& scenario, const evidence::Attempt& attempt)
    : scenario_(scenario),
      attempt_(attempt),
      plan_(blueprint::draw(scenario)),
      flows_(decode_flows(attempt)),
      allocations_(evidence::allocations_of(attempt.events)) {
  for (const auto& host : plan_.hosts) {
    const auto owner = owner_of(host);
    for (const auto& interface : host.interfaces) {
      for (const auto& prefix : interface.addresses) owners_.emplace(prefix.address, owner);
    }
    for (const auto& bridge : host.bridges) {
      for (const auto& prefix : bridge.addresses) owners_.emplace(prefix.address, owner);
    }
  }
  for (const auto& party : attempt.parties) {
    for (const auto& address : party.addresses) owners_.emplace(address, Owner{Owner::Kind::client, party.client, ""});
  }
  for (const auto& event : attempt.events) {
    if (event.source == model::Source::lab && event.kind == "client-started") began_.emplace(event.where, event.at);
  }
  // Others come again and again: mappings that move.
  std::set<std::string_view> repeated;
  for (const auto& step : plan_.steps) {
    if (step.every.count() > 0) repeated.insert(step.meaning);
  }
  for (const auto& event : attempt.events) {
    if (event.source == model::Source::lab && event.kind == "step" &&
        !repeated.contains(model::text_field(event, "what")))
      steps_.push_back(event.at);
  }
  for (const auto& site : scenario.sites) {
    if (site.nat64) translated_.push_back(site.nat64->prefix);
  }
  unread_ = std::ranges::any_of(flows_, [this](const Flow& flow) {
    const auto* far = flow.tunnel ? owner_of_target(flow.tunnel_target()) : owner(flow.far.address);
    return flow.unread && (far == nullptr || far->kind != Owner::Kind::signal);
  });
}

Moment Scene::began(const std::string& client) const {
  const auto found = began_.find(client);
  return found == began_.end() ? Moment::min() : found->second;
}

std::vector<const Flow*> Scene::flows_of(const std::string& client) const {
  std::vector<const Flow*> mine;
  const auto since = began(client);
  for (const auto& flow : flows_) {
    const auto& interface = interface_of(flow);
    if (interface.kind == evidence::Interface::Kind::lan && interface.host == client && flow.began >= since)
      mine.push_back(&flow);
  }
  return mine;
}

Address Scene::plain(const Address& address) const {
  if (std::ranges::none_of(translated_, [&](const Prefix& prefix) { return prefix.contains(address); })) return address;
  const auto& bytes = address.bytes();  // RFC 6052 section 2.2: of a /96, the last four
  return Address::v4(static_cast<std::uint32_t>(bytes[12]) << 24U | static_cast<std::uint32_t>(bytes[13]) << 16U |
                     static_cast<std::uint32_t>(bytes[14]) << 8U | bytes[15]);
}

const Owner* Scene::owner(const Address& address) const {
  if (const auto found = owners_.find(address); found != owners_.end()) return &found->second;
  const auto found = owners_.find(plain(address));
  return found == owners_.end() ? nullptr : &found->second;
}

bool Scene::is_turn_service(const Endpoint& endpoint) const {
  constexpr std::array<std::uint16_t, 3> ports{443, 3478, 5349};
  const auto* who = owner(endpoint.address);
  return who != nullptr && who->kind == Owner::Kind::turn && std::ranges::find(ports, endpoint.port) != ports.end();
}

std::string Scene::name_of(const Endpoint& endpoint) const {
  for (const auto& name : model::world_names()) {
    if (std::ranges::find(name.addresses, endpoint.address) != name.addresses.end())
      return fmt::format("{}:{}", name.name, endpoint.port);
  }
  if (const auto* who = owner(endpoint.address); who != nullptr && who->kind != Owner::Kind::client)
    return fmt::format("{}:{}", who->host, endpoint.port);
  return crypelab::to_string(endpoint);
}

const Owner* Scene::owner_of_target(const std::string& target) const {
  const auto authority = wire::parse_authority(target);
  const std::string host = authority ? authority->host : target.substr(0, target.rfind(':'));
  if (const auto address = parse_address(host)) return owner(*address);
  std::string name = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
  const auto* known = model::find_world_name(name);
  return known == nullptr || known->addresses.empty() ? nullptr : owner(known->addresses.front());
}

const model::Event* Scene::first(const std::string& client, std::string_view kind) const {
  for (const auto& event : attempt_.events) {
    if (event.source == model::Source::client && event.where == client && event.kind == kind) return &event;
  }
  return nullptr;
}

std::vector<const model::Event*> Scene::all(const std::string& client, std::string_view kind) const {
  std::vector<const model::Event*> found;
  for (const auto& event : attempt_.events) {
    if (event.source == model::Source::client && event.where == client && event.kind == kind) found.push_back(&event);
  }
  return found;
}

std::optional<Moment> Scene::hello(const std::string& client) const {
  const auto* event = first(client, "hello");
  return event == nullptr ? std::nullopt : std::optional(event->at);
}

std::optional<Moment> Scene::start() const {
  std::optional<Moment> later;
  for (const auto& client : callers()) {
    const auto at = hello(client);
    if (!at) return std::nullopt;
    later = std::max(later.value_or(*at), *at);
  }
  return later;
}

std::optional<Moment> Scene::happened(std::size_t step) const {
  return step < steps_.size() ? std::optional(steps_[step]) : std::nullopt;
}

std::vector<std::string> Scene::callers() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min<std::size_t>(2, scenario_.clients.size()); ++i)
    names.push_back(scenario_.clients[i].name);
  return names;
}

std::int64_t number_field(const model::Event& event, std::string_view name, std::int64_t otherwise) {
  return static_cast<std::int64_t>(real_field(event, name, static_cast<double>(otherwise)));
}

double real_field(const model::Event& event, std::string_view name, double otherwise) {
  const auto* value = model::find_field(event, name);
  if (value == nullptr) return otherwise;
  if (const auto* whole = std::get_if<std::int64_t>(value)) return static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(value)) return *real;
  return otherwise;
}

std::string in_words(Moment time) {
  const double seconds = std::chrono::duration<double>(time).count();
  if (seconds >= 10) return fmt::format("{:.0f} s", seconds);
  if (seconds >= 1) return fmt::format("{:.1f} s", seconds);
  return fmt::format("{:.0f} ms", seconds * 1000);
}

}  // namespace crypelab::judge
