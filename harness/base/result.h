#pragma once

#include <string>
#include <utility>
#include <variant>

namespace crypelab {

// Why a pure function could not give its value, in words for a person: what was expected, what was found.
struct Complaint {
  std::string text;
};

// A value, or the complaint why there is none. For parsers: bytes in, values out, nothing thrown.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}                  // NOLINT(google-explicit-constructor)
  Result(Complaint complaint) : state_(std::move(complaint)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  const T& operator*() const& { return std::get<0>(state_); }
  T& operator*() & { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  const T* operator->() const { return &std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  const std::string& complaint() const { return std::get<1>(state_).text; }

 private:
  std::variant<T, Complaint> state_;
};

}  // namespace crypelab
