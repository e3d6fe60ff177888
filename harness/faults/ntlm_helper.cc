#include "harness/faults/ntlm_helper.h"

#include "harness/base/error.h"
#include "harness/faults/commands.h"
#include "harness/wire/base64.h"
#include "harness/wire/text.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iostream>
#include <iterator>

#include <fmt/format.h>
#include <openssl/rand.h>

namespace crypelab::faults {
namespace {

constexpr std::size_t kLongestLine = 1U << 20U;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), wire::lower);
  return out;
}

wire::NtlmChallenge random_challenge() {
  wire::NtlmChallenge challenge{};
  if (RAND_bytes(challenge.data(), static_cast<int>(challenge.size())) != 1)
    throw Failure(Exit::software, "no random bytes");
  return challenge;
}

}  // namespace

NtlmDialogue::NtlmDialogue(Users users, std::string domain, std::function<wire::NtlmChallenge()> fresh)
    : users_(std::move(users)), domain_(std::move(domain)), fresh_(std::move(fresh)) {}

std::string NtlmDialogue::answer(std::string_view line) {
  const auto verb = line.substr(0, 2);
  if ((verb != "YR" && verb != "KK") || (line.size() > 2 && line[2] != ' ')) return "BH not a line of the protocol";
  const auto token = line.substr(std::min<std::size_t>(3, line.size()));
  const auto message = wire::from_base64(token);
  if (verb == "KK") {
    return message ? judge(*message) : "NA not a message of NTLM";
  }
  // The first message, or none at all yet.
  challenge_.reset();
  if (!token.empty()) {
    const auto type = message ? wire::ntlm_message(*message) : Complaint{"not Base64"};
    if (!type || *type != wire::NtlmMessage::negotiate) return "NA not the first message of NTLM";
  }
  challenge_ = fresh_();
  return "TT " + wire::to_base64(wire::ntlm_challenge(*challenge_, domain_, "PROXY"));
}

std::string NtlmDialogue::judge(wire::Bytes message) {
  const auto challenge = std::exchange(challenge_, std::nullopt);
  const auto read = wire::parse_ntlm_authenticate(message);
  if (!read) return "NA " + read.complaint();
  if (!challenge) return "NA an answer to no challenge";
  const auto user = users_.find(lower(read->user));
  if (user == users_.end()) return "NA unknown user";
  const auto key = wire::ntlmv2_key(user->second, read->user, read->domain);
  if (!wire::verify_ntlmv2(key, *challenge, read->response)) return "NA wrong password, or not NTLMv2";
  return "AF " + user->first;
}

NtlmDialogue::Users parse_nt_hashes(std::string_view text) {
  NtlmDialogue::Users users;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    const auto colon = line.rfind(':');
    wire::NtHash hash{};
    bool good = colon != std::string_view::npos && colon > 0 && line.size() - colon - 1 == 2 * hash.size();
    for (std::size_t i = 0; good && i < hash.size(); ++i) {
      const auto* digits = line.data() + colon + 1 + 2 * i;
      const auto [stop, error] = std::from_chars(digits, digits + 2, hash.at(i), 16);
      good = error == std::errc{} && stop == digits + 2;
    }
    if (!good) throw Failure(Exit::data, "a line of the password file is not 'user:NT hash'");
    users[lower(line.substr(0, colon))] = hash;
  }
  return users;
}

int run_ntlm_helper(const std::vector<std::string>& arguments) {
  if (arguments.size() != 2) throw Failure(Exit::usage, "ntlm-helper PASSWORD-FILE DOMAIN");
  std::ifstream file(arguments[0]);
  if (!file) throw Failure(Exit::io, "cannot read " + arguments[0]);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  NtlmDialogue dialogue(parse_nt_hashes(text), arguments[1], random_challenge);
  for (std::string line; std::getline(std::cin, line);) {
    if (line.size() > kLongestLine) return 1;
    std::cout << dialogue.answer(line) << std::endl;
  }
  return 0;
}

}  // namespace crypelab::faults
