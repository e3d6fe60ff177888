#include "harness/services/squid.h"

#include "harness/services/password_file.h"
#include "harness/services/server_certificate.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crypelab::services {
namespace {

// No name has it: a request for it is refused at once, and not logged.
constexpr const char* kReadinessTarget = "ready.crypelab.invalid";
constexpr const char* kHelpers = "/usr/lib/squid";

// Squid's "." in front of a name covers the name itself, too; regular expressions say what the language says.
std::string domain_pattern(const std::string& domain) {
  const bool below = domain.starts_with("*.");
  std::string pattern = below ? "[.]" : "^";
  for (const char c : below ? domain.substr(2) : domain) pattern += c == '.' ? std::string("[.]") : std::string(1, c);
  return pattern + "$";
}

long long seconds(Duration duration) { return std::chrono::duration_cast<std::chrono::seconds>(duration).count(); }

// The text of squid.conf, line by line.
class Configuration {
 public:
  explicit Configuration(const ProxySettings& settings) : settings_(settings), proxy_(settings.proxy) {}

  std::string text() {
    add_process();
    add_ports();
    add_authentication();
    add_lists();
    add_inspection();
    add_upstream();
    add_access();
    add_log();
    return text_;
  }

 private:
  template <class... Values>
  void line(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
    text_ += '\n';
  }

  // Nothing is cached, nothing is kept on a disk, nothing is sent that no client asked for.
  void add_process() {
    line("visible_hostname {}", settings_.full_name);
    line("pid_filename none");
    line("coredump_dir {{dir}}");
    line("cache_log /dev/stderr");
    line("cache deny all");
    line("cache_mem 0");
    line("digest_generation off");
    line("pinger_enable off");
    line("netdb_filename none");
    line("max_filedescriptors 4096");
    line("hosts_file none");
    line("dns_nameservers {}", fmt::join(texts(settings_.resolvers), " "));
    // What fails is asked again: a name that comes back is found at once.
    line("negative_dns_ttl 1 second");
    if (proxy_.idle) line("read_timeout {} seconds", seconds(*proxy_.idle));
  }

  void add_ports() {
    const std::string opening =
        " ssl-bump tls-cert={dir}/authority.crt tls-key={dir}/authority.key generate-host-certificates=on "
        "dynamic_cert_mem_cache_size=4MB";
    if (proxy_.transparent) {
      line("http_port {} intercept", kInterceptedHttp);
      if (proxy_.inspect) line("https_port {} intercept{}", kInterceptedTls, opening);
    } else if (proxy_.tls) {
      line("https_port {} tls-cert={{dir}}/proxy.crt tls-key={{dir}}/proxy.key", proxy_.port);
    } else {
      line("http_port {}{}{}", settings_.loopback ? "127.0.0.1:" : "", proxy_.port, proxy_.inspect ? opening : "");
    }
    if (const auto port = readiness_port(proxy_); port != proxy_.port) line("http_port 127.0.0.1:{}", port);
  }

  void add_authentication() {
    for (const auto scheme : proxy_.auth) {
      switch (scheme) {
        case model::AuthScheme::basic:
          line("auth_param basic program {}/basic_ncsa_auth {{dir}}/basic-users", kHelpers);
          line("auth_param basic children 4 startup=1 idle=1");
          line("auth_param basic realm {}", settings_.full_name);
          break;
        case model::AuthScheme::digest:
          line("auth_param digest program {}/digest_file_auth -c {{dir}}/digest-users", kHelpers);
          line("auth_param digest children 4 startup=1 idle=1");
          line("auth_param digest realm {}", settings_.full_name);
          if (proxy_.nonce_life) {
            line("auth_param digest nonce_max_duration {} seconds", seconds(*proxy_.nonce_life));
            line("auth_param digest nonce_garbage_interval 1 second");
          }
          break;
        case model::AuthScheme::ntlm:
          // A helper is one connection's from its challenge to its answer.
          line("auth_param ntlm program {{bin}}/crypelab-faults ntlm-helper {{dir}}/ntlm-users {}", ntlm_domain());
          line("auth_param ntlm children 32 startup=1 idle=1");
          line("auth_param ntlm keep_alive on");
          break;
        case model::AuthScheme::negotiate:
          line("auth_param negotiate program {}/negotiate_kerberos_auth -k {{dir}}/keytab -s HTTP/{}@{}", kHelpers,
               settings_.full_name, settings_.realm);
          line("auth_param negotiate children 16 startup=1 idle=1");
          line("auth_param negotiate keep_alive on");
          break;
      }
    }
  }

  std::string ntlm_domain() const { return settings_.realm.substr(0, settings_.realm.find('.')); }

  // Defines `name`, made of what there is of the two; false when there is neither.
  bool add_targets(const std::string& name, const model::Targets& targets) {
    std::vector<std::string> parts;
    if (!targets.domains.empty()) {
      // -n: an address that was asked for is not looked up backwards.
      for (const auto& domain : targets.domains) {
        line("acl {}_domains dstdom_regex -n -i {}", name, domain_pattern(domain));
      }
      parts.push_back(name + "_domains");
    }
    if (!targets.prefixes.empty()) {
      line("acl {}_addresses dst {}", name, fmt::join(texts(targets.prefixes), " "));
      parts.push_back(name + "_addresses");
    }
    if (parts.empty()) return false;
    line("acl {} any-of {}", name, fmt::join(parts, " "));
    return true;
  }

  void add_lists() {
    line("acl connect method CONNECT");
    line("acl ready dstdomain -n {}", kReadinessTarget);
    if (!proxy_.connect_ports.empty()) {
      std::vector<std::string> ports;
      for (const auto& range : proxy_.connect_ports) {
        ports.push_back(range.first == range.last ? fmt::format("{}", range.first)
                                                  : fmt::format("{}-{}", range.first, range.last));
      }
      line("acl connect_ports port {}", fmt::join(ports, " "));
    }
    if (!proxy_.ip_literals) line("acl ip_literal dstdom_regex -n ^[0-9.]+$ :");
    if (proxy_.max_connections) line("acl too_many maxconn {}", *proxy_.max_connections);
    if (!proxy_.auth.empty()) line("acl known proxy_auth REQUIRED");
    // Tells what came, and whether it was let through: see read_squid_log. Never cached, always yes.
    line(
        "external_acl_type seen ttl=0 negative_ttl=0 cache=0 children-max=1 children-startup=1 concurrency=1000 "
        "queue-size=10000 %DATA %>a %>p %>rm %>ru %un %>ha{{Proxy-Authorization}} %>ha{{User-Agent}} %>ha{{Host}} "
        "%>ha{{ALPN}} %>ha{{Proxy-Connection}} %>ha{{Upgrade}} {{bin}}/crypelab-faults request-log");
    line("acl seen external seen request");
    line("acl admitted external seen admitted");
  }

  void add_inspection() {
    if (!proxy_.inspect) return;
    // Without a folder it keeps no certificates; those that are in use stay in Squid's memory.
    line("sslcrtd_program {}/security_file_certgen", kHelpers);
    line("sslcrtd_children 4 startup=1 idle=1");
    line("tls_outgoing_options cafile=/etc/ssl/certs/ca-certificates.crt");
    line("acl client_hello at_step SslBump1");
    line("ssl_bump peek client_hello");
    if (!proxy_.inspect->exempt.empty()) {
      for (const auto& domain : proxy_.inspect->exempt)
        line("acl exempt ssl::server_name_regex -i {}", domain_pattern(domain));
      line("ssl_bump splice exempt");
    }
    line("ssl_bump bump all");
  }

  void add_upstream() {
    // Without this Squid itself takes Upgrade away (RFC 9110 section 7.8 lets it).
    if (!proxy_.inspect || !proxy_.inspect->upgrade_stripped) line("http_upgrade_request_protocols OTHER allow all");
    if (!settings_.parent) return;
    line("cache_peer {} parent {} 0 no-query no-digest no-netdb-exchange name={}", to_string(settings_.parent->address),
         settings_.parent->port, settings_.parent_name);
    line("never_direct allow all");
    line("nonhierarchical_direct off");
  }

  // What is refused for its target is refused before anybody is asked who they are.
  void add_access() {
    line("http_access deny ready");
    line("http_access deny !seen");
    if (proxy_.max_connections) line("http_access deny too_many");
    if (!proxy_.connect_ports.empty()) line("http_access deny connect !connect_ports");
    if (!proxy_.ip_literals) line("http_access deny ip_literal");
    if (add_targets("denied", proxy_.deny)) line("http_access deny denied");
    if (add_targets("allowed", proxy_.allow)) line("http_access deny !allowed");
    if (!proxy_.auth.empty()) line("http_access deny !known");
    line("http_access deny !admitted");
    line("http_access allow all");
  }

  void add_log() {
    line("logfile_rotate 0");
    line("buffered_logs off");
    // Of a refusal all fields are logged, since Squid names only the first of several challenges; they are its own.
    for (const auto& [name, offered] : {std::pair{"answers", ""}, {"challenges", " offered=%#<h"}}) {
      line(
          "logformat {} crypelab-access client=%>a:%>p method=%#rm target=%#ru status=%>Hs outcome=%Ss hierarchy=%Sh "
          "upstream=%<a:%<p user=%#un scheme=%#ea received=%>st sent=%<st milliseconds=%tr{}{}",
          name, offered, proxy_.inspect ? " sni=%#ssl::>sni bump=%ssl::bump_mode" : "");
    }
    line("acl challenged http_status 407");
    line("access_log none ready");
    line("access_log stdio:/dev/stdout logformat=challenges challenged");
    line("access_log stdio:/dev/stdout logformat=answers !challenged");
  }

  template <class T>
  static std::vector<std::string> texts(const std::vector<T>& values) {
    std::vector<std::string> out;
    for (const auto& value : values) out.push_back(to_string(value));
    return out;
  }

 public:
  // Where a plain CONNECT is answered: the proxy's own port, unless it speaks TLS there or does not listen at all.
  static std::uint16_t readiness_port(const model::Proxy& proxy) {
    if (!proxy.tls && !proxy.transparent) return proxy.port;
    return proxy.port == 3127 ? 3126 : 3127;
  }

 private:
  const ProxySettings& settings_;
  const model::Proxy& proxy_;
  std::string text_;
};

Certificate certificate_of(const ProxySettings& settings) {
  std::vector<std::string> names{settings.full_name};
  names.insert(names.end(), settings.proxy.names.begin(), settings.proxy.names.end());
  return server_certificate("proxy", std::move(names), "another-" + settings.full_name, *settings.proxy.tls,
                            settings.proxy.key);
}

}  // namespace

Process squid(const ProxySettings& settings) {
  const auto& proxy = settings.proxy;
  Process process;
  process.name = settings.process;
  process.host = settings.host;
  process.argv = {"squid", "-N", "-f", "{dir}/squid.conf"};
  process.files.push_back({"squid.conf", Configuration(settings).text()});
  for (const auto scheme : proxy.auth) {
    if (scheme == model::AuthScheme::basic)
      process.files.push_back({"basic-users", crypt_file(proxy.users, settings.full_name)});
    if (scheme == model::AuthScheme::digest)
      process.files.push_back({"digest-users", digest_file(proxy.users, settings.full_name)});
    if (scheme == model::AuthScheme::negotiate && settings.kerberos) {
      process.files.push_back({"keytab", keytab(*settings.kerberos, "HTTP/" + settings.full_name)});
      process.files.push_back({"krb5.conf", krb5_configuration(*settings.kerberos)});
      process.environment["KRB5_CONFIG"] = "{dir}/krb5.conf";
    }
    if (scheme == model::AuthScheme::ntlm) process.files.push_back({"ntlm-users", nt_hash_file(proxy.users)});
  }
  if (proxy.tls) process.certificates.push_back(certificate_of(settings));
  if (proxy.inspect) process.certificates.push_back({"authority", {}, Issuer::corporate, Validity::now, false});
  process.readiness = AnswersTcp{{*parse_address("127.0.0.1"), Configuration::readiness_port(proxy)},
                                 fmt::format("CONNECT {0}:443 HTTP/1.1\r\nHost: {0}:443\r\n\r\n", kReadinessTarget)};
  // Squid looks once whether its parent is there, and takes it for dead for a while when it is not yet.
  process.after = settings.parent_process;
  process.read_log = read_squid_log;
  process.package = "squid-openssl";
  return process;
}

}  // namespace crypelab::services
