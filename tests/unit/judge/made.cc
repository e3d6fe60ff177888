#include "made.h"

namespace crypelab::judge::made {
namespace {

void put(Bytes& bytes, std::size_t value, int width) {
  for (int i = width - 1; i >= 0; --i) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

}  // namespace

// RFC 8446 section 4.1.2.
Bytes client_hello(const std::string& name) {
  Bytes extensions;
  if (!name.empty()) {
    put(extensions, 0, 2);
    put(extensions, name.size() + 5, 2);
    put(extensions, name.size() + 3, 2);
    put(extensions, 0, 1);
    put(extensions, name.size(), 2);
    extensions.insert(extensions.end(), name.begin(), name.end());
  }
  Bytes body;
  put(body, 0x0303, 2);
  body.insert(body.end(), 32, 7);
  put(body, 0, 1);
  put(body, 2, 2);
  put(body, 0xc02f, 2);
  put(body, 1, 1);
  put(body, 0, 1);
  put(body, extensions.size(), 2);
  body.insert(body.end(), extensions.begin(), extensions.end());
  Bytes record;
  put(record, 22, 1);
  put(record, 0x0301, 2);
  put(record, body.size() + 4, 2);
  put(record, 1, 1);
  put(record, body.size(), 3);
  record.insert(record.end(), body.begin(), body.end());
  return record;
}

}  // namespace crypelab::judge::made
