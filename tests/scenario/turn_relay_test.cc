#include "lab_run.h"

#include <map>
#include <set>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

// Both TURN servers relay to turnutils_uclient, a client that nobody here wrote, over every transport: directly, and
// through CONNECT tunnels that socat makes for it.
namespace crypelab::test::turn_relay_test {
namespace {

// A client that talks to itself through two allocations, and what it says when everything has arrived. It may take any
// version of TLS by lot, and the servers know 1.2: with a cipher of that alone it draws again. It checks who signed the
// certificate, and no name. Of two messages in one record of TLS it loses the second: its messages are not to meet.
struct Client {
  std::string where;  // address and port
  std::string options;
};
constexpr const char* kTcp = "-t ";
constexpr const char* kTls = "-t -S -F ECDHE-ECDSA-AES128-GCM-SHA256 -E /etc/ssl/certs/ca-certificates.crt ";

// All of them side by side; of each a line.
std::string ask(const std::vector<Client>& clients) {
  std::string script = "cd; ";
  for (const auto& [where, options] : clients) {
    const auto colon = where.rfind(':');
    script += fmt::format(
        "{{ timeout 30 turnutils_uclient -u \"$CRYPELAB_TURN_USER\" -w \"$CRYPELAB_TURN_PASSWORD\" -c -y -z 200 -n 5 "
        "-m 1 {0}"
        "-p {1} {2} >'{3}.log' 2>&1; echo '{3}' $(grep -oE 'Total lost packets 0 |tot_recv_msgs=10$' '{3}.log' | sort "
        "-u) "
        ">'{3}.said'; }} & asked=\"$asked $!\"\n",
        options, where.substr(colon + 1), where.substr(0, colon), where);
  }
  return script + "wait $asked; cat *.said\n";
}

std::set<std::string> lines_of(const std::string& text) {
  std::set<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    lines.insert(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::set<std::string> all_arrived(const std::vector<Client>& clients) {
  std::set<std::string> lines;
  for (const auto& client : clients) lines.insert(client.where + " Total lost packets 0 tot_recv_msgs=10");
  return lines;
}

// What the servers say of the allocations that came over TCP: where each came in, and whether inside TLS. (Over UDP one
// ends a second after its client has gone.)
std::set<std::string> allocations(const LabRun& run) {
  const auto text = [](const boost::json::object& event, const char* name) {
    return std::string(event.at(name).as_string());
  };
  const auto session = [&](const boost::json::object& event) {
    return fmt::format("{} {}", text(event, "where"), event.at("session").as_int64());
  };
  std::map<std::string, std::string> ends;
  for (const auto& line : run.lines("turn", "closed")) {
    const auto event = boost::json::parse(line).as_object();
    if (text(event, "reason").find("TCP") != std::string::npos) ends[session(event)] = text(event, "server");
  }
  std::set<std::string> found;
  for (const auto& line : run.lines("turn", "allocation")) {
    const auto event = boost::json::parse(line).as_object();
    const auto end = ends.find(session(event));
    if (end == ends.end()) continue;
    found.insert(fmt::format("{} {} {}", text(event, "where"), end->second, event.at("tls").as_bool() ? "tls" : "tcp"));
  }
  return found;
}

TEST(TurnRelay, both_servers_relay_over_udp_tcp_and_tls_on_every_port) {
  std::vector<Client> clients;
  std::set<std::string> made;
  for (const auto& [server, network] : {std::pair("turn-a", "203.0.113."), std::pair("turn-b", "198.51.100.")}) {
    clients.push_back({network + std::string("20:3478"), ""});
    const auto add = [&, server = server](const std::string& where, const char* options, const char* kind) {
      clients.push_back({where, options});
      made.insert(fmt::format("{} {} {}", server, where, kind));
    };
    add(network + std::string("21:443"), kTcp, "tcp");
    add(network + std::string("22:443"), kTls, "tls");
    add(network + std::string("22:5349"), kTls, "tls");
  }
  const auto plan = plan_of(R"(
scenario: test/relay
title: A client and the TURN servers
sites: {home: {nat: {}}}
clients: {alice: {site: home}}
)");
  const auto run = run_in_lab(plan, "alice", ask(clients));
  EXPECT_EQ(lines_of(run.out), all_arrived(clients)) << run.out;
  EXPECT_EQ(allocations(run), made) << run.events;
  EXPECT_TRUE(run.lines("turn", "dropped").empty()) << run.events;
  // The same doors over the transport that the other has.
  const std::vector<Client> rest{
      {"203.0.113.20:3478", kTcp}, {"203.0.113.21:443", ""}, {"198.51.100.20:3478", kTcp}, {"198.51.100.21:443", ""}};
  const auto more = run_in_lab(plan, "alice", ask(rest));
  EXPECT_EQ(lines_of(more.out), all_arrived(rest)) << more.out;
  EXPECT_EQ(allocations(more), (std::set<std::string>{"turn-a 203.0.113.20:3478 tcp", "turn-b 198.51.100.20:3478 tcp"}))
      << more.events;
}

TEST(TurnRelay, both_servers_relay_over_tcp_and_tls_through_the_tunnels_of_a_proxy) {
  const auto plan = plan_of(R"(
scenario: test/relay-proxy
title: A client behind a proxy and the TURN servers
sites:
  office:
    subnet: 10.20.0.0/24
    egress: [{reject: {}}]
    dns: internal-only
    proxy: {auth: basic, users: {alice: wonderland}, connect-ports: [443]}
clients: {alice: {site: office}}
)");
  std::string tunnels;
  std::vector<Client> clients;
  std::set<std::string> targets;
  int port = 7001;
  for (const auto* name : {"turn443", "turn443-b", "turns", "turns-b"}) {
    const auto here = fmt::format("127.0.0.1:{}", port);
    tunnels += fmt::format(
        "socat TCP-LISTEN:{0},bind=127.0.0.1,fork "
        "PROXY:proxy.office.test:{1}.crype.test:443,proxyport=3128,proxyauth=alice:wonderland 2>/dev/null &\n"
        "until ss -Hltn sport = {0} | grep -q .; do sleep 0.02; done\n",
        port++, name);
    clients.push_back({here, std::string(name).starts_with("turns") ? kTls : kTcp});
    targets.insert(fmt::format("{}.crype.test:443", name));
  }
  const auto run = run_in_lab(plan, "alice", tunnels + ask(clients));
  EXPECT_EQ(lines_of(run.out), all_arrived(clients)) << run.out;
  EXPECT_EQ(allocations(run), (std::set<std::string>{"turn-a 203.0.113.21:443 tcp", "turn-b 198.51.100.21:443 tcp",
                                                     "turn-a 203.0.113.22:443 tls", "turn-b 198.51.100.22:443 tls"}))
      << run.events;
  std::set<std::string> asked;
  for (const auto& line : run.lines("proxy", "admitted"))
    asked.insert(std::string(boost::json::parse(line).at("target").as_string()));
  EXPECT_EQ(asked, targets) << run.events;
}

// Two allocations over TCP, of which the first lets the relay's own address in. Three packets come to it from elsewhere
// without permission, two of its own go where it has none; then one by way of the second allocation arrives, and with
// it has been dealt with what came before.
constexpr const char* kUninvited = R"PY(python3 - <<'END'
import hashlib, hmac, os, socket, struct
user, password = (os.environ['CRYPELAB_TURN_' + name].encode() for name in ('USER', 'PASSWORD'))
def attribute(kind, value):
    return struct.pack('>HH', kind, len(value)) + value + b'\0' * (-len(value) % 4)
def xor_address(value):
    port, address = struct.unpack('>HI', value[2:8])
    return socket.inet_ntoa(struct.pack('>I', address ^ 0x2112a442)), port ^ 0x2112
def peer(address, port):
    number = struct.unpack('>I', socket.inet_aton(address))[0] ^ 0x2112a442
    return attribute(0x12, struct.pack('>BBHI', 0, 1, port ^ 0x2112, number))
class Allocation:
    def __init__(self):
        self.tcp = socket.create_connection(('203.0.113.20', 3478), 10)
        self.arrived = b''
        self.nonce = None
        transport = attribute(0x19, bytes([17, 0, 0, 0]))
        self.nonce = self.ask(3, transport)[0x15]
        self.relay = xor_address(self.ask(3, transport)[0x16])
    def take(self):
        while len(self.arrived) < 20 or len(self.arrived) < 20 + struct.unpack('>H', self.arrived[2:4])[0]:
            more = self.tcp.recv(4096)
            assert more
            self.arrived += more
        end = 20 + struct.unpack('>H', self.arrived[2:4])[0]
        message, self.arrived = self.arrived[:end], self.arrived[end:]
        found, at = {}, 20
        while at < end:
            kind, size = struct.unpack('>HH', message[at:at + 4])
            found[kind] = message[at + 4:at + 4 + size]
            at += 4 + size + (-size % 4)
        return found
    def send(self, method, body, sealed):
        head = struct.pack('>HHI', method, len(body) + sealed, 0x2112a442) + os.urandom(12)
        if sealed:
            key = hashlib.md5(user + b':crype.test:' + password).digest()
            body += attribute(8, hmac.new(key, head + body, 'sha1').digest())
        self.tcp.sendall(head + body)
    def ask(self, method, body):
        if self.nonce:
            body += attribute(6, user) + attribute(0x14, b'crype.test') + attribute(0x15, self.nonce)
        self.send(method, body, 24 if self.nonce else 0)
        return self.take()
    def say(self, where, payload):
        self.send(0x16, peer(*where) + attribute(0x13, payload), 0)
one, two = Allocation(), Allocation()
one.ask(8, peer('203.0.113.20', 0))
two.ask(8, peer('203.0.113.20', 0))
stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(3):
    stranger.sendto(b'uninvited', one.relay)
for _ in range(2):
    one.say(('192.0.2.53', 9), b'not permitted')
two.say(one.relay, b'invited')
print(one.take()[0x13].decode())
for allocation in one, two:
    allocation.ask(4, attribute(0x0d, bytes(4)))
END
)PY";

std::string world_with(const std::string& turn) {
  return "scenario: test/drops\ntitle: Packets without permission\n" + turn +
         "sites: {home: {nat: {}}}\nclients: {alice: {site: home}}\n";
}

TEST(TurnRelay, what_is_dropped_for_lack_of_permission_is_told) {
  const auto run = run_in_lab(plan_of(world_with("")), "alice", kUninvited);
  EXPECT_EQ(run.out, "invited\n");
  const auto dropped = run.lines("turn", "dropped");
  ASSERT_EQ(dropped.size(), 1U) << run.events;
  EXPECT_NE(dropped[0].find(R"("from_peers":3,"from_client":2)"), std::string::npos) << dropped[0];
  EXPECT_NE(dropped[0].find(R"("where":"turn-a")"), std::string::npos) << dropped[0];
}

TEST(TurnRelay, the_scripted_server_tells_of_each_packet_that_it_drops) {
  const auto run = run_in_lab(plan_of(world_with("turn-a: {script: [{on: any}]}\n")), "alice", kUninvited);
  EXPECT_EQ(run.out, "invited\n");
  std::size_t from_peers = 0;
  std::size_t from_client = 0;
  for (const auto& line : run.lines("turn", "drop")) {
    from_peers += line.find(R"("from":"peer","reason":"no permission")") != std::string::npos ? 1 : 0;
    from_client += line.find(R"("from":"client","reason":"no permission")") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(from_peers, 3U) << run.events;
  EXPECT_EQ(from_client, 2U) << run.events;
}

}  // namespace
}  // namespace crypelab::test::turn_relay_test
