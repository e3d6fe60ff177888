#include "harness/kernel/capture_set.h"

#include <algorithm>
#include <exception>
#include <functional>
#include <system_error>

namespace crypelab::kernel {
namespace {

constexpr std::size_t kMostThreads = 16;

// `work` for every number below `count`, some numbers each.
std::vector<std::thread> divided(std::size_t count, const std::function<void(std::size_t)>& work) {
  const auto threads = std::min(count, kMostThreads);
  std::vector<std::thread> all;
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

void join(std::vector<std::thread>& threads) {
  for (auto& thread : threads) thread.join();
  threads.clear();
}

}  // namespace

CaptureSet::CaptureSet(const std::vector<Link>& links, const Capture::Settings& settings) : captures_(links.size()) {
  std::vector<std::exception_ptr> failures(links.size());
  auto opening = divided(links.size(), [&](std::size_t number) {
    try {
      captures_[number] = std::make_unique<Capture>(links[number], settings);
    } catch (...) {
      failures[number] = std::current_exception();
    }
  });
  join(opening);
  for (const auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

CaptureSet::~CaptureSet() {
  end();
  await_end();
}

void CaptureSet::end() {
  const auto count = captures_.size();
  auto going = std::make_shared<std::vector<std::unique_ptr<Capture>>>(std::move(captures_));
  captures_.clear();
  for (auto& thread : divided(count, [going](std::size_t number) { (*going)[number].reset(); }))
    ending_.push_back(std::move(thread));
}

void CaptureSet::await_end() { join(ending_); }

}  // namespace crypelab::kernel
