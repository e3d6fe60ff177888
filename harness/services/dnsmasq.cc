#include "harness/services/dnsmasq.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crypelab::services {
namespace {

constexpr const char* kRecords = "records";

// Nothing of the machine's own configuration, one process in the foreground, no cache: an answer is as old as its
// question. An empty user name: it runs as whoever started it.
std::vector<std::string> common(const std::vector<Address>& listen, std::uint16_t port) {
  std::vector<std::string> argv{"dnsmasq",
                                "--conf-file=/dev/null",
                                "--keep-in-foreground",
                                "--user=",
                                "--group=",
                                "--pid-file=",
                                "--no-resolv",
                                "--no-hosts",
                                "--no-poll",
                                "--cache-size=0",
                                "--log-queries=extra",
                                "--log-facility=-",
                                "--bind-interfaces",
                                fmt::format("--port={}", port)};
  for (const auto& address : listen) argv.push_back("--listen-address=" + to_string(address));
  return argv;
}

// dnsmasq asks the longest entry that fits a name, and an entry covers subdomains: one entry for each exact name, with
// every set that wants it.
std::vector<std::string> learning(const std::vector<LearningSet>& sets) {
  std::map<std::string, std::vector<std::string>> wanted;
  for (const auto& set : sets) {
    for (const auto& name : set.names) {
      wanted[name].push_back("4#inet#crypelab#" + set.set4);
      wanted[name].push_back("6#inet#crypelab#" + set.set6);
    }
  }
  std::vector<std::string> options;
  for (const auto& [name, targets] : wanted) {
    options.push_back(fmt::format("--nftset=/{}/{}", name, fmt::join(targets, ",")));
  }
  return options;
}

// The next word of `text`, which loses it.
std::string_view word(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  const auto end = std::min(text.find(' '), text.size());
  const auto found = text.substr(0, end);
  text.remove_prefix(end);
  return found;
}

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Endpoint> slashed_endpoint(std::string_view text) {
  const auto slash = text.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = parse_address(text.substr(0, slash));
  const auto port = number(text.substr(slash + 1));
  if (!address || !port || *port > 65535) return std::nullopt;
  return Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

}  // namespace

File world_dns_records(const std::vector<model::WorldName>& names) {
  File file{kRecords, ""};
  for (const auto& name : names) {
    for (const auto& address : name.addresses) file.content += fmt::format("{} {}\n", to_string(address), name.name);
  }
  // RFC 7050 section 8.2: the well-known name by which hosts find the prefix of a NAT64.
  file.content += "192.0.0.170 ipv4only.arpa\n192.0.0.171 ipv4only.arpa\n";
  return file;
}

Process world_dns(const std::string& host, const std::vector<Address>& listen,
                  const std::vector<model::WorldName>& names) {
  Process process;
  process.name = host;
  process.host = host;
  process.argv = common(listen, 53);
  process.argv.emplace_back("--address=/#/");
  process.argv.push_back(fmt::format("--addn-hosts={{dir}}/{}", kRecords));
  process.files.push_back(world_dns_records(names));
  process.readiness = AnswersDns{{listen.at(0), 53}, kReadyName};
  process.read_log = read_dnsmasq_log;
  process.package = "dnsmasq-base";
  return process;
}

Process hijacker(const std::string& name, const std::string& host, const std::vector<Address>& listen,
                 std::uint16_t port) {
  Process process;
  process.name = name;
  process.host = host;
  process.argv = common(listen, port);
  for (const auto& address : listen) process.argv.push_back("--address=/#/" + to_string(address));
  process.readiness = AnswersDns{{listen.at(0), port}, kReadyName};
  process.read_log = read_dnsmasq_log;
  process.package = "dnsmasq-base";
  return process;
}

Process resolver(const Resolver& settings) {
  Process process;
  process.name = settings.name;
  process.host = settings.host;
  process.argv = common(settings.listen, settings.port);
  if (settings.upstream) {
    process.argv.push_back("--server=" + to_string(*settings.upstream));
  } else {
    process.argv.emplace_back("--address=/#/");
  }
  for (const auto& record : settings.records) {
    std::string option = "--host-record=" + record.name;
    for (const auto& address : record.addresses) option += "," + to_string(address);
    process.argv.push_back(std::move(option));
  }
  if (!settings.domain.empty()) process.argv.push_back(fmt::format("--local=/{}/", settings.domain));
  // A name that it answers by itself: whether it is ready is no question to the rest of the world.
  process.argv.push_back(fmt::format("--host-record={},127.0.0.1", kReadyName));
  for (auto& option : learning(settings.sets)) process.argv.push_back(std::move(option));
  process.network_administrator = !settings.sets.empty();
  process.readiness = AnswersDns{{settings.listen.at(0), settings.port}, kReadyName};
  process.read_log = read_dnsmasq_log;
  process.package = "dnsmasq-base";
  return process;
}

std::optional<DnsLogLine> parse_dnsmasq_log(std::string_view line) {
  const auto head = line.find("]: ");
  if (!line.starts_with("dnsmasq[") || head == std::string_view::npos) return std::nullopt;
  line.remove_prefix(head + 3);
  DnsLogLine out;
  const auto serial = number(word(line));
  const auto client = slashed_endpoint(word(line));
  if (!serial || !client) return std::nullopt;
  out.serial = *serial;
  out.client = *client;
  const auto verb = word(line);
  out.name = word(line);
  const auto link = word(line);
  if (verb.starts_with("query[") && verb.ends_with("]")) {
    out.kind = DnsLogLine::Kind::query;
    out.type = verb.substr(6, verb.size() - 7);
    return out;
  }
  out.value = word(line);
  if (out.name.empty() || out.value.empty()) return std::nullopt;
  if (verb == "forwarded" && link == "to") {
    out.kind = DnsLogLine::Kind::forwarded;
    return out;
  }
  if (link != "is") return std::nullopt;
  out.kind = DnsLogLine::Kind::answer;
  return out;
}

std::vector<model::Event> read_dnsmasq_log(std::string_view line) {
  const auto said = parse_dnsmasq_log(line);
  if (!said || said->name == kReadyName) return {};
  model::Event event;
  event.source = model::Source::dns;
  event.fields = {{"serial", std::int64_t{said->serial}}, {"client", to_string(said->client)}, {"name", said->name}};
  switch (said->kind) {
    case DnsLogLine::Kind::query:
      event.kind = "question";
      event.fields.emplace_back("type", said->type);
      break;
    case DnsLogLine::Kind::forwarded:
      event.kind = "forwarded";
      event.fields.emplace_back("server", said->value);
      break;
    case DnsLogLine::Kind::answer:
      event.kind = "answer";
      event.fields.emplace_back("value", said->value);
      break;
  }
  return {std::move(event)};
}

}  // namespace crypelab::services
