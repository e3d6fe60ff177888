#include "clients/signaling/message.h"

#include <algorithm>
#include <array>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serializer.hpp>
#include <fmt/format.h>

namespace crypelab::signaling {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 8> type_names = {"offer", "answer", "candidate", "end-of-candidates",
                                                        "bye",   "error",  "ping",      "pong"};

enum Field : std::size_t { type, from, seq, sdp, candidate, sdp_mid, code, fields };
constexpr std::array<std::string_view, fields> field_names = {"type",      "from",   "seq", "sdp",
                                                              "candidate", "sdpMid", "code"};

constexpr unsigned bit(Field field) { return 1U << field; }

struct Shape {
  unsigned required;
  unsigned allowed;
};

Shape shape_of(Type type_) {
  switch (type_) {
    case Type::offer:
    case Type::answer:
      return {bit(seq) | bit(sdp), 0};
    case Type::candidate:
      return {bit(seq) | bit(candidate), bit(sdp_mid)};
    case Type::end_of_candidates:
      return {bit(seq), bit(sdp_mid)};
    case Type::bye:
      return {bit(seq), bit(code)};
    case Type::error:
      return {bit(seq) | bit(code), 0};
    case Type::ping:
    case Type::pong:
      break;
  }
  return {0, 0};
}

// The events of one JSON text, gathered without a tree: nothing is allocated but the strings that are kept.
struct Gatherer {
  static constexpr std::size_t max_array_size = 0;
  static constexpr std::size_t max_object_size = 64;
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);

  Message& message;
  unsigned seen = 0;
  Field current = fields;
  std::string word{};     // a key, or the value of `type`, while it comes in parts
  std::string refusal{};  // set when an event returned false

  bool refuse(json::error_code& ec, std::string_view what, std::string_view about = {}) {
    refusal = about.empty() ? std::string(what) : fmt::format("{}:{}", what, about);
    ec = json::error::incomplete;
    return false;
  }
  // A field that does not exist is named only when its name is harmless to print.
  bool refuse_unknown(json::error_code& ec) {
    return refuse(ec, "unknown-field", is_name(word) ? word : std::string());
  }

  std::string* place() {
    const auto fresh = [](std::optional<std::string>& slot) {
      if (!slot) slot.emplace();
      return &*slot;
    };
    switch (current) {
      case type:
        return &word;
      case from:
        return fresh(message.from);
      case sdp:
        return fresh(message.sdp);
      case candidate:
        return fresh(message.candidate);
      case sdp_mid:
        return fresh(message.sdp_mid);
      case code:
        return fresh(message.code);
      default:
        return nullptr;
    }
  }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_array_begin(json::error_code& ec) { return refuse(ec, current == fields ? "not-an-object" : "nested-value"); }
  bool on_array_end(std::size_t, json::error_code&) { return true; }
  bool on_object_begin(json::error_code& ec) {
    if (current != fields) return refuse(ec, "nested-value");
    return true;
  }
  bool on_object_end(std::size_t, json::error_code&) { return true; }

  bool on_key_part(json::string_view part, std::size_t, json::error_code& ec) {
    if (word.size() + part.size() > 64) return refuse(ec, "unknown-field");
    word.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t n, json::error_code& ec) {
    if (!on_key_part(part, n, ec)) return false;
    const auto* const found = std::find(field_names.begin(), field_names.end(), word);
    if (found == field_names.end()) return refuse_unknown(ec);
    current = static_cast<Field>(found - field_names.begin());
    if (seen & bit(current)) return refuse(ec, "duplicate-field", *found);
    seen |= bit(current);
    word.clear();
    return true;
  }

  bool on_string_part(json::string_view part, std::size_t, json::error_code& ec) {
    if (current == fields) return refuse(ec, "not-an-object");
    std::string* const target = place();
    if (target == nullptr) return wrong_value(ec);
    if (target == &word && word.size() + part.size() > 64) return refuse(ec, "unknown-type");
    target->append(part.data(), part.size());
    return true;
  }
  bool on_string(json::string_view part, std::size_t n, json::error_code& ec) {
    if (!on_string_part(part, n, ec)) return false;
    if (current == type) {
      const auto* const found = std::find(type_names.begin(), type_names.end(), word);
      if (found == type_names.end()) return refuse(ec, "unknown-type");
      message.type = static_cast<Type>(found - type_names.begin());
      word.clear();
    }
    return true;
  }

  bool wrong_value(json::error_code& ec) {
    if (current == fields) return refuse(ec, "not-an-object");
    return refuse(ec, "wrong-value", field_names[current]);
  }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t value, json::string_view, json::error_code& ec) {
    if (current != seq || value < 1 || static_cast<std::uint64_t>(value) > largest_seq) return wrong_value(ec);
    message.seq = static_cast<std::uint64_t>(value);
    return true;
  }
  bool on_uint64(std::uint64_t, json::string_view, json::error_code& ec) { return wrong_value(ec); }
  bool on_double(double, json::string_view, json::error_code& ec) { return wrong_value(ec); }
  bool on_bool(bool, json::error_code& ec) { return wrong_value(ec); }
  bool on_null(json::error_code& ec) { return wrong_value(ec); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }
};

std::optional<Refusal> check_shape(const Message& message, unsigned seen) {
  const auto refuse = [&](std::string_view what, Field field) {
    return Refusal{fmt::format("{}:{}", what, field_names[field]), message.seq};
  };
  if (!(seen & bit(type))) return refuse("missing-field", type);
  const Shape shape = shape_of(message.type);
  for (std::size_t i = 0; i < fields; ++i) {
    const auto field = static_cast<Field>(i);
    if (field == type || field == from) continue;
    const bool present = (seen & bit(field)) != 0;
    if (present && !((shape.required | shape.allowed) & bit(field))) return refuse("field-not-allowed", field);
    if (!present && (shape.required & bit(field))) return refuse("missing-field", field);
  }
  if ((seen & bit(sdp)) && message.sdp->empty()) return refuse("wrong-value", sdp);
  if ((seen & bit(candidate)) && message.candidate->empty()) return refuse("wrong-value", candidate);
  if ((seen & bit(code)) && message.code->empty()) return refuse("wrong-value", code);
  return std::nullopt;
}

void append_string(std::string& out, std::string_view name, const std::optional<std::string>& value) {
  if (!value) return;
  fmt::format_to(std::back_inserter(out), ",\"{}\":", name);
  json::serializer serializer;
  serializer.reset(json::string_view(value->data(), value->size()));
  std::array<char, 1024> piece{};
  while (!serializer.done()) {
    const json::string_view bytes = serializer.read(piece.data(), piece.size());
    out.append(bytes.data(), bytes.size());
  }
}

}  // namespace

std::string_view to_string(Type type_) { return type_names[static_cast<std::size_t>(type_)]; }

std::optional<Refusal> read_message(std::string_view text, Message& message) {
  message = Message{};
  json::parse_options strict;
  strict.max_depth = 4;
  json::basic_parser<Gatherer> parser(strict, Gatherer{message});
  json::error_code ec;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  Gatherer& found = parser.handler();
  if (!found.refusal.empty()) return Refusal{std::move(found.refusal), message.seq};
  const bool blank = text.find_first_not_of(" \t\r\n", used) == std::string_view::npos;
  if (ec || !parser.done() || !blank) return Refusal{"not-json", 0};
  return check_shape(message, found.seen);
}

std::string forwarded(const Message& message, std::string_view from_, std::uint64_t seq_) {
  std::string out;
  out.reserve(96 + (message.sdp ? message.sdp->size() + message.sdp->size() / 16 : 0) +
              (message.candidate ? message.candidate->size() : 0));
  fmt::format_to(std::back_inserter(out), R"({{"type":"{}","from":"{}","seq":{})", to_string(message.type), from_,
                 seq_);
  append_string(out, "sdp", message.sdp);
  append_string(out, "candidate", message.candidate);
  append_string(out, "sdpMid", message.sdp_mid);
  append_string(out, "code", message.code);
  out += '}';
  return out;
}

std::string error_text(const Refusal& refusal) {
  if (refusal.seq == 0) return fmt::format(R"({{"type":"error","code":"{}"}})", refusal.code);
  return fmt::format(R"({{"type":"error","seq":{},"code":"{}"}})", refusal.seq, refusal.code);
}

std::string pong_text(std::uint64_t stored) { return fmt::format(R"({{"type":"pong","seq":{}}})", stored); }

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

}  // namespace crypelab::signaling
