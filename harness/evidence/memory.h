#pragma once

#include "harness/wire/bytes.h"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace crypelab::evidence {

// Bytes that packets point into: a mapped file, or bytes of its own. Moving it leaves them where they are.
class Memory {
 public:
  Memory() = default;
  explicit Memory(std::vector<std::uint8_t> bytes) : own_(std::move(bytes)), view_(own_) {}
  // Throws Failure{data} when the file cannot be read.
  static Memory map(const std::filesystem::path& file);
  Memory(Memory&& other) noexcept;
  Memory& operator=(Memory&& other) noexcept;
  ~Memory();

  wire::Bytes bytes() const { return view_; }

 private:
  std::vector<std::uint8_t> own_;
  wire::Bytes view_;
  bool mapped_ = false;
};

}  // namespace crypelab::evidence
