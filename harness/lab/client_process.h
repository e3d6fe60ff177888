#pragma once

#include "harness/evidence/log_file.h"
#include "harness/lab/client_talk.h"
#include "harness/lab/lab.h"
#include "harness/model/driver.h"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace crypelab::lab {

// What one client is to do.
struct ClientPlan {
  std::string client;
  model::Driver driver;
  std::string job;                             // one line of JSON
  std::chrono::milliseconds deadline{60'000};  // afterwards it is ended
  std::map<std::string, std::string> environment;
};

// A client under test at work on its host: it gets its job, and what it says becomes events. Constructed means started,
// destroyed means gone, with all that it started. Lives as long as the lab's loop runs.
class ClientProcess {
 public:
  static constexpr std::chrono::milliseconds kGrace{1000};  // between SIGTERM and SIGKILL

  // `out` and `err` get what it writes. `tell` is given every event.
  ClientProcess(Lab& lab, const ClientPlan& plan, evidence::LogFile& out, evidence::LogFile& err,
                std::function<void(model::Event)> tell);
  ClientProcess(const ClientProcess&) = delete;
  ClientProcess& operator=(const ClientProcess&) = delete;
  ~ClientProcess();

  const std::string& client() const { return plan_.client; }
  bool ended() const { return status_.has_value(); }
  // Once it has ended.
  const kernel::ProgramStatus& status() const { return *status_; }
  // Its whole process group is ended; `why` stands in its last event: "deadline", "peer-gone", "interrupted".
  void end(std::string why);

 private:
  void hear();
  void read_errors();
  void look();
  void pass_on();

  Lab& lab_;
  ClientPlan plan_;
  evidence::LogFile& out_;
  evidence::LogFile& err_;
  std::function<void(model::Event)> tell_;
  ClientTalk talk_;
  Descriptor output_;
  Descriptor errors_;
  std::optional<kernel::Program> program_;
  std::optional<kernel::ProgramStatus> status_;
  std::string why_;  // it was ended
};

}  // namespace crypelab::lab
