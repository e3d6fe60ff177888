#pragma once

#include "harness/model/proxy.h"
#include "harness/services/process.h"

#include <array>
#include <string>
#include <vector>

// A Kerberos realm (RFC 4120) of a site: its KDC (MIT krb5), and what services and hosts of the realm hold. One
// encryption type: aes256-cts-hmac-sha1-96 (RFC 3962).
namespace crypelab::services {

struct Realm {
  std::string name;                     // "OFFICE.TEST"
  std::string domain;                   // ".office.test": the names that belong to it
  std::vector<Address> kdc;             // where it answers
  std::vector<model::ProxyUser> users;  // one principal each
  std::vector<std::string> services;    // "HTTP/proxy.office.test"; their keys come from service_password()
};

Process key_distribution_center(const Realm& realm, const std::string& process, const std::string& host);

// The krb5.conf of every host of the realm.
std::string krb5_configuration(const Realm& realm);

// The password of a service: nobody types it, and the same scenario gives the same one.
std::string service_password(const Realm& realm, const std::string& service);
// RFC 3962 section 4, by default with the iterations of section 4.
using KerberosKey = std::array<std::uint8_t, 32>;
KerberosKey string_to_key(const std::string& password, const std::string& salt, unsigned iterations = 4096);
// A keytab (file format version 2) that holds the one key of this service, key version 1.
std::string keytab(const Realm& realm, const std::string& service);

}  // namespace crypelab::services
