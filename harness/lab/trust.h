#pragma once

#include "harness/lab/authority.h"
#include "harness/services/process.h"

#include <map>
#include <string>
#include <vector>

namespace crypelab::lab {

// The authorities of one lab, each made when it is first needed, and the certificates that they sign.
class Trust {
 public:
  // The certificates of these authorities, PEM, one after the other: what a host trusts.
  std::string authorities(const std::vector<services::Issuer>& issuers);
  Credential make(const services::Certificate& certificate);

 private:
  const Authority& authority(services::Issuer issuer);

  std::map<services::Issuer, Authority> authorities_;
};

}  // namespace crypelab::lab
