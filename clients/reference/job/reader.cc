#include "clients/reference/job/reader.h"

#include <fmt/format.h>

namespace crypelab::client::job {
namespace {

// RFC 6901 §3.
std::string escaped(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

bool Node::required() const {
  if (present()) return true;
  fault("is missing");
  return false;
}

Node Node::operator[](std::string_view name) const {
  auto where = pointer_ + "/" + escaped(name);
  if (value_ == nullptr) return {nullptr, std::move(where), *faults_};
  if (!value_->is_object()) {
    fault("must be an object");
    return {nullptr, std::move(where), *faults_};
  }
  return {value_->get_object().if_contains({name.data(), name.size()}), std::move(where), *faults_};
}

std::vector<Node> Node::elements(std::size_t most) const {
  std::vector<Node> out;
  if (!required()) return out;
  if (!value_->is_array()) {
    fault("must be an array");
    return out;
  }
  const auto& array = value_->get_array();
  if (array.size() > most) {
    fault(fmt::format("has more than {} elements", most));
    return out;
  }
  for (std::size_t i = 0; i < array.size(); ++i)
    out.emplace_back(&array[i], fmt::format("{}/{}", pointer_, i), *faults_);
  return out;
}

std::optional<std::pair<std::string, Node>> Node::only_member() const {
  if (!required()) return std::nullopt;
  if (!value_->is_object() || value_->get_object().size() != 1) {
    fault("must be an object with one member");
    return std::nullopt;
  }
  const auto& member = *value_->get_object().begin();
  const std::string name(member.key().data(), member.key().size());
  return std::pair(name, Node(&member.value(), pointer_ + "/" + escaped(name), *faults_));
}

std::string Node::text(std::size_t most) const {
  if (!required()) return {};
  if (!value_->is_string()) {
    fault("must be a string");
    return {};
  }
  const auto& string = value_->get_string();
  if (string.size() > most) {
    fault(fmt::format("is longer than {} bytes", most));
    return {};
  }
  if (string.find('\0') != boost::json::string::npos) {
    fault("must not hold a zero byte");
    return {};
  }
  return {string.data(), string.size()};
}

std::uint64_t Node::number(std::uint64_t least, std::uint64_t most) const {
  if (!required()) return least;
  boost::json::error_code error;
  const auto number = value_->to_number<std::uint64_t>(error);  // an integer, also one written as 5.0
  if (error || number < least || number > most) {
    fault(fmt::format("must be an integer from {} to {}", least, most));
    return least;
  }
  return number;
}

bool Node::truth() const {
  if (!required()) return false;
  if (!value_->is_bool()) {
    fault("must be true or false");
    return false;
  }
  return value_->get_bool();
}

std::size_t Node::word(std::span<const std::string_view> words) const {
  const auto found = text(64);
  if (!present()) return 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == found) return i;
  }
  fault(fmt::format("must be one of {}", fmt::join(words, ", ")));
  return 0;
}

}  // namespace crypelab::client::job
