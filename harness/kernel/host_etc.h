#pragma once

#include "harness/kernel/host_view.h"

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace crypelab::kernel {

// The files of /etc that a host has of its own, absolute path to text: names, users, resolver, trust.
std::map<std::string, std::string> own_etc_files(const HostViewPlan& plan);

// Names in the machine's /etc that no host sees: secrets, and what says how the machine itself is connected.
const std::set<std::string, std::less<>>& hidden_etc_names();

// The certificates of a PEM text under the names that OpenSSL looks for in a certificate folder ("9c472bf7.0",
// c_rehash(1)). Throws Failure{data} for a text without a certificate.
std::map<std::string, std::string> hashed_certificates(std::string_view pem);

}  // namespace crypelab::kernel
