#pragma once

#include "harness/judge/connection.h"

#include <span>
#include <string_view>

namespace crypelab::judge {

// The checks that are no expectation and no requirement: what else a verdict may be about.
std::span<const std::string_view> findings();

// What nobody expects in a scenario and is looked at in every run: a client whose word contradicts the evidence, that
// breaks the contract, or lets a secret out; a lab that could not establish the facts.
std::vector<model::Verdict> find_contradictions(const Scene& scene, const Connection& connection);
std::vector<model::Verdict> find_contract_breaches(const Scene& scene);
std::vector<model::Verdict> find_secrets(const Scene& scene);
std::vector<model::Verdict> find_lab_faults(const Scene& scene);

}  // namespace crypelab::judge
