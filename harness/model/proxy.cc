#include "harness/model/proxy.h"

#include <algorithm>

namespace crypelab::model {

bool Proxy::offers(AuthScheme scheme) const { return std::ranges::find(auth, scheme) != auth.end(); }

}  // namespace crypelab::model
