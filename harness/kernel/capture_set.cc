#include "harness/kernel/capture_set.h"

#include "harness/kernel/side_by_side.h"

namespace crypelab::kernel {

CaptureSet::CaptureSet(const std::vector<Link>& links, const Capture::Settings& settings) : captures_(links.size()) {
  side_by_side(links.size(),
               [&](std::size_t number) { captures_[number] = std::make_unique<Capture>(links[number], settings); });
}

CaptureSet::~CaptureSet() {
  end();
  await_end();
}

void CaptureSet::end() {
  const auto count = captures_.size();
  if (count == 0) return;
  const auto going = std::make_shared<std::vector<std::unique_ptr<Capture>>>(std::move(captures_));
  captures_.clear();
  ending_ = in_threads(count, [going](std::size_t number) { (*going)[number].reset(); });
}

void CaptureSet::await_end() {
  for (auto& thread : ending_) thread.join();
  ending_.clear();
}

}  // namespace crypelab::kernel
