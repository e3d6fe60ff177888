#pragma once

// The certificate that a server of a scenario shows to those who reach it over TLS.
namespace crypelab::model {

enum class ServerCertificate { valid, expired, not_yet_valid, wrong_name, untrusted };
// What its key is: ECDSA on P-256, or RSA with 2048 bits.
enum class ServerKey { ecdsa, rsa };

}  // namespace crypelab::model
