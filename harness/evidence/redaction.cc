#include "harness/evidence/redaction.h"

#include "harness/base/error.h"

#include <algorithm>
#include <cstdint>
#include <functional>

#include <fmt/format.h>

namespace crypelab::evidence {
namespace {

constexpr std::size_t kShortest = 4;

std::string base64(std::string_view bytes) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<std::uint8_t>(c);
    for (held += 8; held >= 6; held -= 6) out += alphabet[bits >> (held - 6) & 63];
  }
  return out;
}

// The characters of a Base64 text that depend on the secret alone when `before` bytes stand in front of it: a character
// that holds bits of a neighbour is left out at both ends.
std::string base64_core(std::string_view secret, std::size_t before) {
  const std::string padded = std::string(before, 'x') + std::string(secret);
  const std::size_t first = (before * 8 + 5) / 6;
  const std::size_t last = padded.size() * 8 / 6;
  return base64(padded).substr(first, last - first);
}

std::string url_safe(std::string text) {
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

std::string hexadecimal(std::string_view text, bool upper) {
  std::string out;
  for (const char c : text) {
    out += upper ? fmt::format("{:02X}", static_cast<std::uint8_t>(c))
                 : fmt::format("{:02x}", static_cast<std::uint8_t>(c));
  }
  return out;
}

std::uint16_t first_two(const char* bytes) {
  return static_cast<std::uint16_t>(static_cast<std::uint8_t>(bytes[0]) << 8 | static_cast<std::uint8_t>(bytes[1]));
}

std::string percent_encoded(std::string_view text, bool upper) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
  std::string out;
  for (const char c : text)
    out += plain.find(c) != std::string_view::npos ? std::string(1, c) : "%" + hexadecimal({&c, 1}, upper);
  return out;
}

}  // namespace

Redaction::Redaction(const std::vector<Secret>& secrets) {
  for (const auto& secret : secrets) {
    if (secret.value.size() < kShortest) {
      throw Failure(Exit::software, fmt::format("the secret {} is too short to be taken out of text", secret.name));
    }
    const std::string marker = fmt::format("[secret:{}]", secret.name);
    const auto add = [&](std::string text) {
      const bool known = std::ranges::find(forms_, text, &Form::text) != forms_.end();
      if (text.size() >= kShortest && !known) forms_.push_back({std::move(text), marker, secret.name});
    };
    add(secret.value);
    for (const bool upper : {true, false}) {
      add(percent_encoded(secret.value, upper));
      add(hexadecimal(secret.value, upper));
    }
    for (std::size_t before = 0; before < 3; ++before) {
      add(base64_core(secret.value, before));
      add(url_safe(base64_core(secret.value, before)));
    }
  }
  std::ranges::stable_sort(forms_, std::greater<>(), [](const Form& form) { return form.text.size(); });
  begins_.resize(std::size_t{1} << 16);
  for (const auto& form : forms_) {
    const auto pair = first_two(form.text.data());
    beginnings_[pair].push_back(&form);
    begins_[pair] = true;
  }
}

std::vector<Redaction::Match> Redaction::find(std::string_view bytes) const {
  std::vector<Match> found;
  for (std::size_t at = 0; at + kShortest <= bytes.size(); ++at) {
    const auto pair = first_two(bytes.data() + at);
    if (!begins_[pair]) continue;
    for (const auto* form : beginnings_.at(pair)) {
      if (bytes.substr(at).starts_with(form->text)) found.push_back({at, form->text.size(), form->secret});
    }
  }
  return found;
}

std::string Redaction::operator()(std::string_view text) const {
  std::string out(text);
  for (const auto& form : forms_) {
    for (auto at = out.find(form.text); at != std::string::npos; at = out.find(form.text, at + form.marker.size())) {
      out.replace(at, form.text.size(), form.marker);
    }
  }
  return out;
}

}  // namespace crypelab::evidence
