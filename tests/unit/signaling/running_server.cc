#include "running_server.h"

#include "harness/base/error.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

namespace crypelab::signaling {
namespace {

Settings settings_for(const Folder& folder, int log, const RunningServer::Changes& changes) {
  write_certificate(folder.file("certificate.pem"), folder.file("key.pem"));
  Settings settings;
  settings.listen = {Endpoint{Address::v4(0x7f000001), 0}};
  settings.certificate = folder.file("certificate.pem");
  settings.key = folder.file("key.pem");
  for (const char* name : {"alice", "bob", "carol"}) {
    if (!settings.tokens.add(std::string("token-of-") + name, name)) std::abort();
  }
  settings.ice = IceServers{{"stun:turn.crype.test:3478", "turn:turn.crype.test:3478?transport=udp"}, "s3cret", 600};
  settings.limits = changes.limits;
  settings.connections = changes.connections;
  settings.strangers = changes.strangers;
  settings.patience = changes.patience;
  settings.ping = changes.ping;
  settings.log = log;
  return settings;
}

int open_log(const Folder& folder) {
  if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR) std::abort();  // as the program does
  const int fd = open(folder.file("log").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) throw_errno("log");
  return fd;
}

}  // namespace

Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "signaling-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw_errno("mkdtemp");
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void write_certificate(const std::filesystem::path& certificate, const std::filesystem::path& key) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> pair(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> leaf(X509_new(), &X509_free);
  X509_set_version(leaf.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(leaf.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(leaf.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(leaf.get()), 3600);
  X509_set_pubkey(leaf.get(), pair.get());
  X509_NAME* const name = X509_get_subject_name(leaf.get());
  const std::string common = "localhost";
  X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC, reinterpret_cast<const unsigned char*>(common.data()),
                             -1, -1, 0);
  X509_set_issuer_name(leaf.get(), name);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> names(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1"), &X509_EXTENSION_free);
  X509_add_ext(leaf.get(), names.get(), -1);
  X509_sign(leaf.get(), pair.get(), EVP_sha256());
  const std::unique_ptr<FILE, decltype(&fclose)> out(fopen(certificate.c_str(), "w"), &fclose);
  PEM_write_X509(out.get(), leaf.get());
  const std::unique_ptr<FILE, decltype(&fclose)> secret(fopen(key.c_str(), "w"), &fclose);
  PEM_write_PrivateKey(secret.get(), pair.get(), nullptr, nullptr, 0, nullptr, nullptr);
}

RunningServer::RunningServer(const Changes& changes)
    : log_fd_(open_log(folder_)),
      server_(settings_for(folder_, log_fd_, changes)),
      port_(server_.endpoints().front().port),
      thread_([this] { server_.run(false); }) {}

RunningServer::~RunningServer() {
  stop();
  close(log_fd_);
}

void RunningServer::stop() {
  server_.stop();
  if (thread_.joinable()) thread_.join();
}

std::string RunningServer::log() const {
  std::ifstream in(folder_.file("log"));
  return {std::istreambuf_iterator<char>(in), {}};
}

bool RunningServer::log_has(std::string_view one, std::string_view other) const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  do {
    const std::string all = log();
    for (std::size_t start = 0; start < all.size();) {
      const std::size_t end = all.find('\n', start);
      const std::string_view line = std::string_view(all).substr(start, end - start);
      if (line.find(one) != std::string_view::npos && line.find(other) != std::string_view::npos) return true;
      if (end == std::string::npos) break;
      start = end + 1;
    }
    std::this_thread::yield();
  } while (std::chrono::steady_clock::now() < deadline);
  return false;
}

}  // namespace crypelab::signaling
