#pragma once

#include "clients/reference/job/job.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

namespace crypelab::client::job {

// Where the first fault of a document is kept while it is read on with default values.
struct Faults {
  std::optional<Malformed> first;
  void add(std::string pointer, std::string text) {
    if (!first) first = Malformed{std::move(pointer), std::move(text)};
  }
};

// One value of a JSON document, or its absence, and where it stands. The value reads as the type that is asked for, or
// a fault is noted and a default given.
class Node {
 public:
  Node(const boost::json::value* value, std::string pointer, Faults& faults)
      : value_(value), pointer_(std::move(pointer)), faults_(&faults) {}

  bool present() const { return value_ != nullptr; }
  const std::string& pointer() const { return pointer_; }
  void fault(std::string text) const { faults_->add(pointer_, std::move(text)); }

  // A member; this value must be an object.
  Node operator[](std::string_view name) const;
  // The elements; at most `most`.
  std::vector<Node> elements(std::size_t most) const;
  // Name and value of an object that has exactly one member.
  std::optional<std::pair<std::string, Node>> only_member() const;

  // Required: absence is a fault.
  std::string text(std::size_t most = 65'536) const;
  std::uint64_t number(std::uint64_t least, std::uint64_t most) const;
  bool truth() const;
  // One of the words, whose place is given.
  std::size_t word(std::span<const std::string_view> words) const;

  // Optional: absence gives `otherwise`.
  std::string text_or(std::string otherwise) const { return present() ? text() : std::move(otherwise); }
  std::uint64_t number_or(std::uint64_t otherwise, std::uint64_t least, std::uint64_t most) const {
    return present() ? number(least, most) : otherwise;
  }
  bool truth_or(bool otherwise) const { return present() ? truth() : otherwise; }
  std::size_t word_or(std::size_t otherwise, std::span<const std::string_view> words) const {
    return present() ? word(words) : otherwise;
  }

 private:
  bool required() const;

  const boost::json::value* value_;
  std::string pointer_;
  Faults* faults_;
};

// One phase of work: "echo", "throughput", "hold". Nothing for other kinds.
std::optional<Work> read_work(const std::string& kind, const Node& node);

}  // namespace crypelab::client::job
