#include "harness/kernel/host_etc.h"

#include "harness/base/error.h"

#include <fstream>
#include <functional>
#include <memory>
#include <sstream>

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace crypelab::kernel {

namespace {

// Only files and DNS: nss-resolve, nscd, mdns and systemd's modules would ask the machine outside.
constexpr std::string_view name_service =
    "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nprotocols: files\nservices: files\n"
    "ethers: files\nrpc: files\n";

std::string machine_bundle() {
  for (const char* path : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"}) {
    std::ifstream file(path);
    if (!file) continue;
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  return {};
}

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

std::string pem_of(X509* certificate) {
  const std::unique_ptr<BIO, Free> out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

std::map<std::string, std::string> hashed_certificates(std::string_view pem) {
  std::map<std::string, std::string> files;
  const std::unique_ptr<BIO, Free> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (const std::unique_ptr<X509, Free> certificate{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)}) {
    const unsigned long hash = X509_NAME_hash_ex(X509_get_subject_name(certificate.get()), nullptr, nullptr, nullptr);
    unsigned number = 0;
    while (files.contains(fmt::format("{:08x}.{}", hash, number))) ++number;
    files.emplace(fmt::format("{:08x}.{}", hash, number), pem_of(certificate.get()));
  }
  ERR_clear_error();
  if (files.empty()) throw Failure(Exit::data, "the trusted authorities hold no PEM certificate");
  return files;
}

std::map<std::string, std::string> own_etc_files(const HostViewPlan& plan) {
  std::map<std::string, std::string> files;
  files["/etc/hostname"] = plan.name + "\n";
  files["/etc/hosts"] = plan.hosts;
  files["/etc/resolv.conf"] = plan.resolv_conf;
  files["/etc/nsswitch.conf"] = name_service;
  // Rootless the caller may be uid 0 of a container: one entry for each number.
  const std::string user = plan.identity.user == 0
                               ? fmt::format("root:x:0:0:root:{}:/bin/sh\n", HostView::home)
                               : fmt::format("root:x:0:0:root:/:/usr/sbin/nologin\nuser:x:{}:{}:user:{}:/bin/bash\n",
                                             plan.identity.user, plan.identity.group, HostView::home);
  const std::string group =
      plan.identity.group == 0 ? "root:x:0:\n" : fmt::format("root:x:0:\nuser:x:{}:\n", plan.identity.group);
  files["/etc/passwd"] = user + "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n";
  files["/etc/group"] = group + "nogroup:x:65534:\n";
  const std::size_t id = std::hash<std::string>{}(plan.name);
  files["/etc/machine-id"] = fmt::format("{:016x}{:016x}\n", id, ~id);

  const std::string bundle = (plan.machine_authorities ? machine_bundle() + "\n" : "") + plan.authorities;
  files["/etc/ssl/certs/ca-certificates.crt"] = bundle;
  files["/etc/ssl/cert.pem"] = bundle;
  files["/etc/pki/tls/certs/ca-bundle.crt"] = bundle;
  files["/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"] = bundle;
  if (!bundle.empty()) {
    for (auto& [name, text] : hashed_certificates(bundle)) files["/etc/ssl/certs/" + name] = std::move(text);
  }
  return files;
}

const std::set<std::string, std::less<>>& hidden_etc_names() {
  static const std::set<std::string, std::less<>> names{
      ".git",      ".pwd.lock",   "NetworkManager", "containers",  "cni",           "crypttab",
      "cups",      "dhcp",        "docker",         "environment", "exports",       "gshadow",
      "gshadow-",  "group-",      "ipsec.d",        "ipsec.conf",  "ipsec.secrets", "iscsi",
      "krb5.conf", "krb5.conf.d", "krb5.keytab",    "kubernetes",  "letsencrypt",   "mtab",
      "netplan",   "network",     "openvpn",        "passwd-",     "pki",           "ppp",
      "rancher",   "resolvconf",  "samba",          "security",    "shadow",        "shadow-",
      "ssh",       "ssl",         "subgid",         "subgid-",     "subuid",        "subuid-",
      "sudoers",   "sudoers.d",   "systemd",        "tinc",        "wireguard",     "wpa_supplicant"};
  return names;
}

}  // namespace crypelab::kernel
