#include "clients/reference/signaling/message.h"

#include <algorithm>
#include <array>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace crypelab::client::signaling {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 8> names{"offer", "answer", "candidate", "end-of-candidates",
                                                "bye",   "error",  "ping",      "pong"};
constexpr std::uint64_t largest_seq = (std::uint64_t{1} << 53) - 1;

Result<json::value> parse(std::string_view text, std::size_t most) {
  if (text.size() > most) return Complaint{"too large"};
  json::error_code error;
  json::parse_options options;
  options.max_depth = 4;
  auto value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error) return Complaint{"not JSON"};
  return value;
}

bool read(const json::object& object, std::string_view name, std::string& into) {
  const auto* const value = object.if_contains({name.data(), name.size()});
  if (value == nullptr) return true;
  if (!value->is_string()) return false;
  into.assign(value->get_string().data(), value->get_string().size());
  return true;
}

bool read(const json::object& object, std::string_view name, std::uint64_t& into) {
  const auto* const value = object.if_contains({name.data(), name.size()});
  if (value == nullptr) return true;
  json::error_code error;
  into = value->to_number<std::uint64_t>(error);
  return !error && into <= largest_seq;
}

Result<Message> message_of(const json::value& value) {
  if (!value.is_object()) return Complaint{"not an object"};
  const auto& object = value.get_object();
  Message message;
  std::string type;
  if (!read(object, "type", type)) return Complaint{"a type that is no string"};
  const auto known = std::find(names.begin(), names.end(), type);
  if (known == names.end()) return Complaint{"an unknown type"};
  message.type = static_cast<Type>(known - names.begin());
  const bool good = read(object, "seq", message.seq) && read(object, "from", message.from) &&
                    read(object, "sdp", message.sdp) && read(object, "candidate", message.candidate) &&
                    read(object, "sdpMid", message.sdp_mid) && read(object, "code", message.code);
  if (!good) return Complaint{"a field of the wrong type"};
  return message;
}

}  // namespace

std::string_view name_of(Type type) { return names[static_cast<std::size_t>(type)]; }

Result<Message> parse_message(std::string_view text) {
  const auto value = parse(text, largest_message);
  if (!value) return Complaint{value.complaint()};
  return message_of(*value);
}

std::string to_text(const Message& message) {
  json::object object;
  const auto type = name_of(message.type);
  object["type"] = json::string_view(type.data(), type.size());
  if (message.seq != 0) object["seq"] = message.seq;
  const auto text = [&](const char* name, const std::string& value) {
    if (!value.empty()) object[name] = value;
  };
  text("from", message.from);
  text("sdp", message.sdp);
  text("candidate", message.candidate);
  text("sdpMid", message.sdp_mid);
  text("code", message.code);
  return json::serialize(object);
}

Result<Polled> parse_polled(std::string_view text) {
  const auto value = parse(text, largest_poll);
  if (!value) return Complaint{value.complaint()};
  if (!value->is_object()) return Complaint{"not an object"};
  const auto& object = value->get_object();
  Polled polled;
  if (!read(object, "seq", polled.stored)) return Complaint{"a number that is none"};
  const auto* const messages = object.if_contains("messages");
  if (messages == nullptr || !messages->is_array()) return Complaint{"no messages"};
  for (const auto& one : messages->get_array()) {
    auto message = message_of(one);
    if (!message) return Complaint{message.complaint()};
    polled.messages.push_back(std::move(*message));
  }
  return polled;
}

}  // namespace crypelab::client::signaling
