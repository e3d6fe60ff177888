#pragma once

#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

namespace crypelab::kernel {

// Much of what a lab asks of the kernel is waiting (RCU): `work` for every number below `count`, in threads, sixteen at
// most. `work` does not throw. Who gets them joins them; until then this process may not fork.
std::vector<std::thread> in_threads(std::size_t count, const std::function<void(std::size_t)>& work);
// The same, waiting for the end; rethrows what the first of them threw.
void side_by_side(std::size_t count, const std::function<void(std::size_t)>& work);

}  // namespace crypelab::kernel
