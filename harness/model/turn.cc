#include "harness/model/turn.h"

namespace crypelab::model {

const std::vector<std::string>& standard_ice_urls() {
  static const std::vector<std::string> urls{
      "stun:turn.crype.test:3478",
      "turn:turn.crype.test:3478?transport=udp",
      "turn:turn.crype.test:3478?transport=tcp",
      "turn:turn443.crype.test:443?transport=udp",
      "turn:turn443.crype.test:443?transport=tcp",
      "turns:turns.crype.test:443?transport=tcp",
      "turns:turns.crype.test:5349?transport=tcp",
      "turn:turn-b.crype.test:3478?transport=udp",
      "turn:turn-b.crype.test:3478?transport=tcp",
      "turn:turn443-b.crype.test:443?transport=udp",
      "turn:turn443-b.crype.test:443?transport=tcp",
      "turns:turns-b.crype.test:443?transport=tcp",
      "turns:turns-b.crype.test:5349?transport=tcp",
  };
  return urls;
}

}  // namespace crypelab::model
