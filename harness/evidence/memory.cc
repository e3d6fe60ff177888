#include "harness/evidence/memory.h"

#include "harness/base/descriptor.h"
#include "harness/base/error.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace crypelab::evidence {

Memory Memory::map(const std::filesystem::path& file) {
  const auto refuse = [&] { throw Failure(Exit::data, fmt::format("{}: {}", file.string(), std::strerror(errno))); };
  const Descriptor opened(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  struct stat status {};
  if (!opened || fstat(opened.get(), &status) != 0) refuse();
  if (!S_ISREG(status.st_mode)) throw Failure(Exit::data, fmt::format("{}: not a regular file", file.string()));
  Memory memory;
  if (status.st_size == 0) return memory;
  const auto size = static_cast<std::size_t>(status.st_size);
  void* start = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, opened.get(), 0);
  if (start == MAP_FAILED) refuse();
  memory.view_ = {static_cast<const std::uint8_t*>(start), size};
  memory.mapped_ = true;
  return memory;
}

Memory::Memory(Memory&& other) noexcept
    : own_(std::move(other.own_)),
      view_(std::exchange(other.view_, {})),
      mapped_(std::exchange(other.mapped_, false)) {}

Memory& Memory::operator=(Memory&& other) noexcept {
  std::swap(own_, other.own_);
  std::swap(view_, other.view_);
  std::swap(mapped_, other.mapped_);
  return *this;
}

Memory::~Memory() {
  if (mapped_) munmap(const_cast<std::uint8_t*>(view_.data()), view_.size());
}

}  // namespace crypelab::evidence
