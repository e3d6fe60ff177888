#pragma once

#include "harness/base/result.h"
#include "harness/model/event.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace crypelab::lab {

using Fields = std::vector<std::pair<std::string, model::Value>>;

// The members of a JSON object as plain values by their paths, in their order: {"local": {"type": "relay"}, "urls":
// ["a"]} gives "local.type" and "urls.0". Nulls are left out; integers beyond 63 bits become floating.
Result<Fields> flat_members(std::string_view json);

}  // namespace crypelab::lab
