#include "harness/kernel/side_by_side.h"

#include <algorithm>
#include <exception>
#include <system_error>

namespace crypelab::kernel {
namespace {

constexpr std::size_t kMostThreads = 16;

}  // namespace

std::vector<std::thread> in_threads(std::size_t count, const std::function<void(std::size_t)>& work) {
  const auto threads = std::min(count, kMostThreads);
  std::vector<std::thread> all;
  all.reserve(threads);
  for (std::size_t first = 0; first < threads; ++first) {
    const auto part = [=] {
      for (auto number = first; number < count; number += threads) work(number);
    };
    try {
      all.emplace_back(part);
    } catch (const std::system_error&) {
      part();  // no thread to be had: one after the other then
    }
  }
  return all;
}

void side_by_side(std::size_t count, const std::function<void(std::size_t)>& work) {
  std::vector<std::exception_ptr> failures(count);
  for (auto& thread : in_threads(count, [&](std::size_t number) {
         try {
           work(number);
         } catch (...) {
           failures[number] = std::current_exception();
         }
       })) {
    thread.join();
  }
  for (const auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace crypelab::kernel
