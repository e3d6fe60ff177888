#pragma once

#include "clients/signaling/server.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <thread>

namespace crypelab::signaling {

// A folder of its own, gone with everything in it.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path file(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// Writes a fresh self-signed certificate for localhost (ECDSA P-256) and its key.
void write_certificate(const std::filesystem::path& certificate, const std::filesystem::path& key);

// A server on a thread of its own, on a free port of 127.0.0.1, that knows alice, bob and carol by "token-of-<name>".
class RunningServer {
 public:
  struct Changes {
    Limits limits{};
    std::size_t connections = 1000;
    std::size_t strangers = 100;
    Time patience{5000};
    Time ping{25'000};
  };
  explicit RunningServer(const Changes& changes);
  RunningServer() : RunningServer(Changes{}) {}
  ~RunningServer();
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::filesystem::path certificate() const { return folder_.file("certificate.pem"); }
  void stop();
  // The event log so far; `log_has` waits for a line that holds both texts, five seconds at most.
  std::string log() const;
  bool log_has(std::string_view one, std::string_view other = {}) const;

 private:
  Folder folder_;
  int log_fd_;
  Server server_;
  std::uint16_t port_;
  std::thread thread_;
};

}  // namespace crypelab::signaling
