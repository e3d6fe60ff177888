#pragma once

#include "harness/kernel/attach_socket.h"
#include "harness/kernel/pollable.h"
#include "harness/kernel/session_server.h"
#include "harness/lab/lab.h"

#include <functional>
#include <optional>
#include <string>

namespace crypelab::lab {

// The name under which a lab of a scenario can be attached to; further ones of the same scenario are called NAME~2,
// NAME~3 ...
std::string door_name(std::string scenario, int number = 1);

// Somebody attaches: the lab looks who it is, and gives them a session. Made in the command, before the lab: the
// socket belongs to a network namespace. Where no name is free, the lab cannot be attached to.
class Door : public kernel::Pollable {
 public:
  explicit Door(const std::string& scenario);
  // Until then nobody is let in.
  void lead_to(kernel::SessionServer& sessions) { sessions_ = &sessions; }
  void want(std::vector<pollfd>& into) override;
  void ready() override;

 private:
  std::optional<kernel::AttachSocket> socket_;
  kernel::SessionServer* sessions_ = nullptr;
};

// Seats in the lab for those who ask; clients' hosts know their credentials by CRYPELAB_TOKEN, CRYPELAB_TURN_USER and
// CRYPELAB_TURN_PASSWORD. `directory` is where programs start; empty: at home.
std::function<kernel::Seat(const kernel::SessionRequest&)> seats_of(Lab& lab, const std::string& directory);

}  // namespace crypelab::lab
