#pragma once

#include "../unit/evidence/temporary_folder.h"
#include "command.h"
#include "harness/evidence/attempt_reader.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace crypelab::test {

inline constexpr const char* kUdpDropped = R"(scenario: test/run
title: UDP is dropped
sites:
  office: {egress: [{drop: {protocol: udp}}, {allow: {}}]}
  home: {}
clients: {alice: {site: office}, bob: {site: home}}
expect: [{not-connected: {}}]
)";

// What every driver of these tests begins with: a task that nobody knows is refused.
inline constexpr const char* kBeginning = R"(#!/bin/sh
job=$(cat)
case "$job" in *'"task":"call"'*) ;; *) exit 127 ;; esac
)";

// `crypelab run` of one scenario with drivers that a test writes, and the evidence of it.
class Runs : public testing::Test {
 protected:
  Runs() {
    std::filesystem::permissions(folder_, std::filesystem::perms(0755));
    scenario(kUdpDropped);
    driver("quits", "echo '{\"event\":\"hello\",\"name\":\"quits\"}'; exit 1");
  }

  std::string path(const std::string& name) const { return folder_ / name; }
  void scenario(const std::string& text) { std::ofstream(path("scenario.yaml")) << text; }
  std::string driver(const std::string& name, const std::string& script) {
    std::ofstream(path(name)) << kBeginning << script << "\n";
    chmod(path(name).c_str(), 0755);
    return path(name);
  }
  std::vector<std::string> arguments(const std::string& alice, const std::string& bob) const {
    return {"run", path("scenario.yaml"), "--client", "alice=" + alice, "--client", "bob=" + bob, "--out", path("out")};
  }
  Finished run(const std::string& alice, const std::string& bob, const std::vector<std::string>& more = {}) {
    auto words = arguments(alice, bob);
    words.insert(words.end(), more.begin(), more.end());
    return crypelab(words, std::chrono::seconds(100));
  }
  evidence::Attempt attempt(const std::string& name = "test/run") const {
    return evidence::read_attempt(folder_ / "out" / name / "attempt-1");
  }
  // Runs it beside a client that quits at once; what is seen of it.
  evidence::Attempt seen(const std::string& script) {
    const auto finished = run(driver("hostile", script), path("quits"));
    said_ = finished.out + finished.err;
    return attempt();
  }

  const evidence::TemporaryFolder own_;
  const std::filesystem::path folder_ = own_.path();
  std::string said_;
};

inline std::vector<model::Event> of(const evidence::Attempt& attempt, model::Source source, const std::string& where,
                                    const std::string& kind) {
  std::vector<model::Event> found;
  for (const auto& event : attempt.events) {
    if (event.source == source && event.where == where && event.kind == kind) found.push_back(event);
  }
  return found;
}

inline std::optional<model::Value> field(const evidence::Attempt& attempt, const std::string& kind,
                                         const std::string& name, model::Source source = model::Source::lab) {
  for (const auto& event : of(attempt, source, "alice", kind)) {
    if (const auto* value = find_field(event, name)) return *value;
  }
  return std::nullopt;
}

}  // namespace crypelab::test
