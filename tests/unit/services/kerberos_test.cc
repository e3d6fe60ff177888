#include "harness/services/kerberos.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace crypelab::services::kerberos_test {
namespace {

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<std::uint8_t>(c));
  return text;
}

std::string hex(const KerberosKey& key) { return hex(std::string(key.begin(), key.end())); }

// RFC 3962 appendix B.
TEST(Kerberos, makes_keys_of_passwords_as_rfc_3962_does) {
  EXPECT_EQ(hex(string_to_key("password", "ATHENA.MIT.EDUraeburn", 1)),
            "fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161");
  EXPECT_EQ(hex(string_to_key("password", "ATHENA.MIT.EDUraeburn", 1200)),
            "55a6ac740ad17b4846941051e1e8b0a7548d93b0ab30a8bc3ff16280382b8c2a");
}

TEST(Kerberos, a_keytab_holds_its_service) {
  Realm realm;
  realm.name = "OFFICE.TEST";
  const auto table = hex(keytab(realm, "HTTP/proxy.office.test"));
  const std::string key =
      hex(string_to_key(service_password(realm, "HTTP/proxy.office.test"), "OFFICE.TESTHTTPproxy.office.test"));
  EXPECT_EQ(table,
            "0502"
            "00000055"
            "0002"
            "000b" +
                hex(std::string("OFFICE.TEST")) + "0004" + hex(std::string("HTTP")) + "0011" +
                hex(std::string("proxy.office.test")) +
                "00000001"
                "00000000"
                "01"
                "0012"
                "0020" +
                key);
}

TEST(Kerberos, passwords_stand_in_no_command_line) {
  Realm realm;
  realm.name = "OFFICE.TEST";
  realm.users = {{"alice", "wonder \"land"}};
  const auto kdc = key_distribution_center(realm, "office.kdc", "office.kdc");
  for (const auto& word : kdc.argv) EXPECT_EQ(word.find("wonder"), std::string::npos) << word;
  for (const auto& file : kdc.files) {
    EXPECT_EQ(file.content.find("wonder") != std::string::npos, file.name == "principals") << file.name;
    if (file.name == "principals") {
      EXPECT_EQ(file.content, "addprinc -pw \"wonder \"\"land\" \"alice\"\n");
    }
  }
}

}  // namespace
}  // namespace crypelab::services::kerberos_test
