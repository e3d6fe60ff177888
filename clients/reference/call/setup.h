#pragma once

#include "clients/reference/job/job.h"
#include "clients/reference/transport/dialer.h"
#include "clients/reference/transport/gatherer.h"

// What a job means for the parts of a call.
namespace crypelab::client::call {

transport::Dialer::Settings dialer_settings(const job::Job& job);
transport::Gatherer::Settings gatherer_settings(const job::Job& job);
ice::Agent::Settings agent_settings(const job::Job& job);

// URLs of a job that are no STUN or TURN URIs, with the reason; they are left out.
std::vector<std::string> bad_urls(const job::Job& job);

}  // namespace crypelab::client::call
