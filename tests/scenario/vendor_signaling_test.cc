#include "harness/base/error.h"
#include "lab_run.h"
#include "runs.h"

#include <algorithm>

#include <fmt/format.h>

// A vendor's own signaling server in the reference server's place: one on python3-websockets.
namespace crypelab::test::vendor_signaling_test {
namespace {

using model::Source;

constexpr const char* kServer = CRYPELAB_SOURCE "/scenarios/signaling/vendor.py";

class VendorSignaling : public Runs {
 protected:
  std::string world(const std::string& program, const std::string& expect = "connected: {within: 20s}") const {
    return fmt::format(
        "scenario: test/run\ntitle: A vendor's server\nsignaling: {{program: {}}}\nsites: {{office: {{nat: {{}}}}, "
        "home: {{}}}}\nclients: {{alice: {{site: office}}, bob: {{site: home}}}}\nexpect: [{}]\n",
        program, expect);
  }
  Finished run_reference() {
    return crypelab({"run", path("scenario.yaml"), "--out", path("out")}, std::chrono::seconds(100));
  }
  void put(const std::string& name, const std::string& text) {
    std::ofstream(path(name)) << text;
    chmod(path(name).c_str(), 0755);
  }
};

TEST_F(VendorSignaling, two_reference_clients_meet_by_it_and_what_it_says_is_kept) {
  std::filesystem::copy_file(kServer, path("server.py"));
  chmod(path("server.py").c_str(), 0755);
  // A server that says a secret: what is kept does not hold it.
  put("server.sh",
      "#!/bin/sh\ngrep -o '\"tokens\": {.*' \"$1\"\nexec python3 \"$(dirname \"$0\")/server.py\" \"$1\"\n");
  scenario(world("[./server.sh, \"{config}\"]"));
  const auto finished = run_reference();
  EXPECT_EQ(finished.status, 0) << finished.out << finished.err;
  const auto seen = attempt();
  EXPECT_GE(of(seen, Source::signaling, "signal", "join").size(), 2U);
  EXPECT_TRUE(of(seen, Source::signaling, "signal", "ready").empty());  // the reference server's first word
  const auto log = evidence::contents(folder_ / "out/test/run/attempt-1/services/signal.log");
  EXPECT_NE(log.find("the vendor's server listens"), std::string::npos) << log;
  EXPECT_NE(log.find("\"tokens\": {\"[secret:token-alice]\": \"alice\""), std::string::npos) << log;
}

TEST_F(VendorSignaling, nothing_that_is_judged_needs_its_log) {
  std::filesystem::copy_file(kServer, path("server.py"));
  scenario(world("[sh, -c, 'exec python3 \"$0\" \"$1\" >/dev/null 2>&1', \"{here}/server.py\", \"{config}\"]"));
  const auto finished = run_reference();
  EXPECT_EQ(finished.status, 0) << finished.out << finished.err;
  for (const auto& event : attempt().events) EXPECT_NE(event.source, Source::signaling) << event.kind;
}

TEST_F(VendorSignaling, one_that_is_not_there_or_does_not_start_is_named_with_its_own_words) {
  const auto with = [&](const std::string& program) {
    scenario(world(program));
    return crypelab({"exec", path("scenario.yaml"), "--host", "alice", "--", "true"});
  };
  const auto missing = with("./nowhere");
  EXPECT_EQ(missing.status, 69) << missing.err;
  EXPECT_NE(missing.err.find("signal is to be " + path("nowhere") + ", which is not there"), std::string::npos)
      << missing.err;
  const auto unknown = with("no-such-server-anywhere");
  EXPECT_EQ(unknown.status, 69) << unknown.err;
  EXPECT_NE(unknown.err.find("no-such-server-anywhere, which is no program in PATH"), std::string::npos) << unknown.err;
  std::ofstream(path("text")) << "a text\n";
  EXPECT_NE(with("./text").err.find("which may not be run"), std::string::npos);
  put("broken", "#!/bin/sh\necho vendor: licence expired >&2\nexit 7\n");
  const auto broken = with("[./broken, \"{config}\"]");
  EXPECT_EQ(broken.status, 69) << broken.err;
  EXPECT_NE(broken.err.find("signal did not start: exit status 7\n  vendor: licence expired\n"), std::string::npos)
      << broken.err;
  // A run says it of the scenario that needed it.
  const auto run = run_reference();
  EXPECT_EQ(run.status, 2) << run.out << run.err;
  EXPECT_NE(run.out.find("licence expired"), std::string::npos) << run.out;
  scenario(world("./nowhere"));
  std::filesystem::remove_all(path("out"));
  EXPECT_EQ(run_reference().status, 69);
}

// What it may say before it ends.
TEST_F(VendorSignaling, its_last_words_hold_no_secret) {
  put("talks", "#!/bin/sh\ncat \"$1\"\nexit 1\n");
  scenario(world("[./talks, \"{config}\"]"));
  const auto out = crypelab({"exec", path("scenario.yaml"), "--host", "alice", "--", "true"});
  EXPECT_EQ(out.status, 69);
  EXPECT_NE(out.err.find("\"secret\": \"[secret:turn]\""), std::string::npos) << out.err;
}

// A port that is open is none that answers TLS.
TEST_F(VendorSignaling, one_that_speaks_no_tls_is_not_ready) {
  put("plain.py",
      "#!/usr/bin/env python3\nimport socketserver\nclass Plain(socketserver.BaseRequestHandler):\n"
      "    def handle(self):\n        self.request.sendall(b'HTTP/1.1 400 Bad Request\\r\\n\\r\\n')\n"
      "print('I speak plainly', flush=True)\n"
      "socketserver.TCPServer(('203.0.113.10', 443), Plain).serve_forever()\n");
  auto plan = plan_of(world("[python3, " + path("plain.py") + "]"));
  const auto signal = std::ranges::find(plan.processes, "signal", &services::Process::name);
  ASSERT_NE(signal, plan.processes.end());
  EXPECT_EQ(signal->patience, std::chrono::seconds(15));
  signal->patience = std::chrono::seconds(1);
  signal->folder = folder_;
  const auto out = run_in_lab(plan, "alice", "true");
  EXPECT_NE(out.out.find("signal was not ready within 1 s: no TLS for signal.crype.test at 203.0.113.10:443; its last "
                         "words:\n  I speak plainly\n"),
            std::string::npos)
      << out.out;
}

}  // namespace
}  // namespace crypelab::test::vendor_signaling_test
