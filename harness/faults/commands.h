#pragma once

#include <string>
#include <vector>

// What the program crypelab-faults can be: each a small server or helper, started by the lab and never by a person.
namespace crypelab::faults {

// `arguments` are those behind the command's name. Each returns the program's exit status.
int run_dns(const std::vector<std::string>& arguments);
int run_files(const std::vector<std::string>& arguments);
int run_portal(const std::vector<std::string>& arguments);
int run_intercept(const std::vector<std::string>& arguments);
int run_proxy(const std::vector<std::string>& arguments);
int run_ntlm_helper(const std::vector<std::string>& arguments);
int run_request_log(const std::vector<std::string>& arguments);
int run_turn(const std::vector<std::string>& arguments);

}  // namespace crypelab::faults
