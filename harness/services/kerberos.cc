#include "harness/services/kerberos.h"

#include "harness/base/error.h"

#include <memory>

#include <fmt/format.h>
#include <openssl/evp.h>

namespace crypelab::services {
namespace {

constexpr std::uint16_t kAes256 = 18;  // RFC 3962 section 7
constexpr std::uint32_t kPrincipal = 1;

// RFC 3961 section 5.1: "kerberos", n-folded to the 128 bits of a block of AES.
constexpr std::array<std::uint8_t, 16> kFolded{0x6b, 0x65, 0x72, 0x62, 0x65, 0x72, 0x6f, 0x73,
                                               0x7b, 0x9b, 0x5b, 0x2b, 0x93, 0x13, 0x2b, 0x93};

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

void put(std::string& out, std::uint32_t value, std::size_t size) {
  for (std::size_t i = size; i-- > 0;) out += static_cast<char>(value >> (8 * i));
}

void put_counted(std::string& out, const std::string& text) {
  put(out, static_cast<std::uint32_t>(text.size()), 2);
  out += text;
}

// RFC 4120 section 4: the default salt is the realm and the components of the name, with nothing between.
std::string salt_of(const Realm& realm, const std::string& principal) {
  std::string salt = realm.name;
  for (const char c : principal) {
    if (c != '/') salt += c;
  }
  return salt;
}

// A word of kadmin's command lines.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string host_text(const Address& address) {
  return address.is_v4() ? to_string(address) : "[" + to_string(address) + "]";
}

}  // namespace

KerberosKey string_to_key(const std::string& password, const std::string& salt, unsigned iterations) {
  KerberosKey base{};
  KerberosKey key{};
  const auto* salt_bytes = static_cast<const unsigned char*>(static_cast<const void*>(salt.data()));
  const std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> cipher(EVP_CIPHER_CTX_new());
  int size = 0;
  // Section 4 of RFC 3962; the two blocks of DR (RFC 3961 section 5.1) are one run of CBC over the constant and zeros.
  std::array<std::uint8_t, 32> blocks{};
  std::copy(kFolded.begin(), kFolded.end(), blocks.begin());
  const std::array<std::uint8_t, 16> vector{};
  const bool done =
      cipher &&
      PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt_bytes, static_cast<int>(salt.size()),
                        static_cast<int>(iterations), EVP_sha1(), static_cast<int>(base.size()), base.data()) == 1 &&
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_cbc(), nullptr, base.data(), vector.data()) == 1 &&
      EVP_CIPHER_CTX_set_padding(cipher.get(), 0) == 1 &&
      EVP_EncryptUpdate(cipher.get(), key.data(), &size, blocks.data(), static_cast<int>(blocks.size())) == 1;
  if (!done || size != static_cast<int>(key.size())) throw Failure(Exit::software, "cannot make a Kerberos key");
  return key;
}

std::string service_password(const Realm& realm, const std::string& service) {
  return fmt::format("the key of {}@{}", service, realm.name);
}

std::string keytab(const Realm& realm, const std::string& service) {
  const auto slash = service.find('/');
  std::string entry;
  put(entry, 2, 2);
  put_counted(entry, realm.name);
  put_counted(entry, service.substr(0, slash));
  put_counted(entry, service.substr(slash + 1));
  put(entry, kPrincipal, 4);
  put(entry, 0, 4);  // no time
  put(entry, 1, 1);  // key version
  put(entry, kAes256, 2);
  const auto key = string_to_key(service_password(realm, service), salt_of(realm, service));
  put_counted(entry, {key.begin(), key.end()});
  std::string out;
  put(out, 0x0502, 2);
  put(out, static_cast<std::uint32_t>(entry.size()), 4);
  return out + entry;
}

std::string krb5_configuration(const Realm& realm) {
  std::string kdcs;
  for (const auto& address : realm.kdc) kdcs += fmt::format("    kdc = {}\n", host_text(address));
  // Names are taken as they are: no reverse look-ups, no canonical names, no KDC by DNS.
  return fmt::format(R"([libdefaults]
  default_realm = {0}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  permitted_enctypes = aes256-cts-hmac-sha1-96
[realms]
  {0} = {{
{1}  }}
[domain_realm]
  {2} = {0}
)",
                     realm.name, kdcs, realm.domain);
}

Process key_distribution_center(const Realm& realm, const std::string& process, const std::string& host) {
  Process kdc;
  kdc.name = process;
  kdc.host = host;
  // The database is made anew in memory: the users' principals come by kadmin's standard input, not by a command line.
  kdc.argv = {"sh", "{dir}/start"};
  kdc.environment = {{"KRB5_CONFIG", "{dir}/krb5.conf"}, {"KRB5_KDC_PROFILE", "{dir}/kdc.conf"}};
  kdc.files.push_back({"krb5.conf", krb5_configuration(realm) + "[logging]\n  kdc = STDERR\n"});
  kdc.files.push_back({"kdc.conf", fmt::format(R"([realms]
  {0} = {{
    database_name = {{dir}}/principal
    key_stash_file = {{dir}}/stash
    acl_file = /dev/null
    master_key_type = aes256-cts-hmac-sha1-96
    supported_enctypes = aes256-cts-hmac-sha1-96:normal
    kdc_listen = 88
    kdc_tcp_listen = 88
  }}
)",
                                               realm.name)});
  std::string principals;
  for (const auto& user : realm.users)
    principals += fmt::format("addprinc -pw {} {}\n", quoted(user.password), quoted(user.name));
  for (const auto& service : realm.services)
    principals += fmt::format("addprinc -pw {} {}\n", quoted(service_password(realm, service)), service);
  kdc.files.push_back({"principals", std::move(principals)});
  kdc.files.push_back({"start", fmt::format(R"(set -e
kdb5_util create -s -r {0} -P lab >/dev/null
kadmin.local -r {0} <{{dir}}/principals >/dev/null
exec krb5kdc -n -r {0}
)",
                                            realm.name)});
  kdc.readiness = PrintsLine{"commencing operation"};
  kdc.programs = {"kdb5_util", "kadmin.local", "krb5kdc"};
  kdc.package = "krb5-kdc krb5-admin-server";
  return kdc;
}

}  // namespace crypelab::services
