#include "harness/wire/measure_json.h"

#include "harness/wire/measure_fields.h"

#include <set>

#include <boost/json.hpp>

namespace crypelab::wire {
namespace {

namespace json = boost::json;

json::value to_json(bool value) { return value; }
json::value to_json(std::uint32_t value) { return value; }
json::value to_json(std::uint64_t value) { return value; }
json::value to_json(const std::string& value) { return json::value(value); }
json::value to_json(Duration value) { return value.count(); }
json::value to_json(BitRate value) { return value.bits_per_second; }
json::value to_json(ByteCount value) { return value.bytes; }
json::value to_json(const Address& value) { return json::value(to_string(value)); }
json::value to_json(const Endpoint& value) { return json::value(to_string(value)); }
json::value to_json(const Prefix& value) { return json::value(to_string(value)); }
template <class Value>
json::value to_json(const std::vector<Value>& values);
template <class Value>
requires requires(Value value) { measure::words<Value>(); } && std::is_enum_v<Value> json::value to_json(Value value) {
  return json::value(measure::word(value));
}

struct Encoder {
  json::object object;
  template <class Value>
  void operator()(const char* name, const Value& value);
  template <class Value>
  void operator()(const char* name, const std::optional<Value>& value) {
    if (value) (*this)(name, *value);
  }
};

template <class Value>
json::value to_json(const Value& value) requires has_fields<Value> {
  Encoder encoder;
  visit_fields(encoder, value);
  return encoder.object;
}
template <class Value>
json::value to_json(const std::vector<Value>& values) {
  json::array array;
  for (const auto& value : values) array.push_back(to_json(value));
  return array;
}
template <class Value>
void Encoder::operator()(const char* name, const Value& value) {
  object[name] = to_json(value);
}

// --- reading ---------------------------------------------------------------------------------------------------------

// Large enough for everything that can be asked, small enough that sums of a few cannot overflow.
constexpr std::uint64_t kLargest = 1ull << 50;

struct Wrong {
  std::string text;
};

void from_json(const json::value& from, std::uint64_t& value) {
  if (from.is_int64() && from.get_int64() >= 0) {
    value = static_cast<std::uint64_t>(from.get_int64());
  } else if (from.is_uint64()) {
    value = from.get_uint64();
  } else {
    throw Wrong{"must be a whole number"};
  }
  if (value > kLargest) throw Wrong{"is too large"};
}
void from_json(const json::value& from, std::uint32_t& value) {
  std::uint64_t wide = 0;
  from_json(from, wide);
  if (wide > UINT32_MAX) throw Wrong{"is too large"};
  value = static_cast<std::uint32_t>(wide);
}
void from_json(const json::value& from, bool& value) {
  if (!from.is_bool()) throw Wrong{"must be true or false"};
  value = from.get_bool();
}
void from_json(const json::value& from, std::string& value) {
  if (!from.is_string() || from.get_string().size() > 300) throw Wrong{"must be a text of at most 300 bytes"};
  value.assign(from.get_string().begin(), from.get_string().end());
}
void from_json(const json::value& from, Duration& value) {
  std::uint64_t number = 0;
  from_json(from, number);
  if (number > 24ull * 3600 * 1'000'000) throw Wrong{"is more than a day"};
  value = Duration(number);
}
void from_json(const json::value& from, BitRate& value) { from_json(from, value.bits_per_second); }
void from_json(const json::value& from, ByteCount& value) { from_json(from, value.bytes); }

template <class Value>
Value parsed(const json::value& from, Result<Value> (*parse)(std::string_view)) {
  std::string text;
  from_json(from, text);
  auto value = parse(text);
  if (!value) throw Wrong{value.complaint()};
  return *value;
}
void from_json(const json::value& from, Address& value) { value = parsed(from, parse_address); }
void from_json(const json::value& from, Endpoint& value) { value = parsed(from, parse_endpoint); }
void from_json(const json::value& from, Prefix& value) { value = parsed(from, parse_prefix); }
template <class Value>
requires std::is_enum_v<Value>
void from_json(const json::value& from, Value& value) {
  std::string text;
  from_json(from, text);
  for (const auto& [known, name] : measure::words<Value>()) {
    if (name == text) {
      value = known;
      return;
    }
  }
  throw Wrong{"'" + text + "' is not a word that is known here"};
}

struct Decoder {
  const json::object& object;
  std::size_t used = 0;
  template <class Value>
  void operator()(const char* name, Value& value);
  template <class Value>
  void operator()(const char* name, std::optional<Value>& value) {
    if (object.contains(name)) (*this)(name, value.emplace());
  }
};

template <class Value>
requires has_fields<Value>
void from_json(const json::value& from, Value& value) {
  if (!from.is_object()) throw Wrong{"must be an object"};
  Decoder decoder{from.get_object()};
  visit_fields(decoder, value);
  if (decoder.used != decoder.object.size()) throw Wrong{"has keys that are not known here"};
}
template <class Value>
void from_json(const json::value& from, std::vector<Value>& values) {
  if (!from.is_array() || from.get_array().size() > 70'000) throw Wrong{"must be a list of at most 70000"};
  values.resize(from.get_array().size());
  for (std::size_t i = 0; i < values.size(); ++i) from_json(from.get_array()[i], values[i]);
}
template <class Value>
void Decoder::operator()(const char* name, Value& value) {
  const auto* const found = object.if_contains(name);
  if (found == nullptr) return;  // the default stays
  ++used;
  try {
    from_json(*found, value);
  } catch (const Wrong& wrong) {
    throw Wrong{std::string("'") + name + "' " + wrong.text};
  }
}

// A variant is an object's one key that names the alternative.
template <class Variant, std::size_t index = 0>
bool decode_variant(Decoder& decoder, Variant& value) {
  if constexpr (index == std::variant_size_v<Variant>) {
    return false;
  } else {
    using Alternative = std::variant_alternative_t<index, Variant>;
    if (!decoder.object.contains(name_of_alternative<Alternative>())) {
      return decode_variant<Variant, index + 1>(decoder, value);
    }
    decoder(name_of_alternative<Alternative>(), value.template emplace<index>());
    return true;
  }
}

template <class Outer, class Variant>
void decode_with_variant(const json::value& from, Outer& outer, Variant& variant) {
  if (!from.is_object()) throw Wrong{"must be an object"};
  Decoder decoder{from.get_object()};
  visit_fields(decoder, outer);
  if (!decode_variant(decoder, variant)) throw Wrong{"asks or says nothing that is known here"};
  if (decoder.used != decoder.object.size()) throw Wrong{"has keys that are not known here"};
}

json::value parse_bounded(std::string_view line) {
  if (line.size() > max_job_size) throw Wrong{"is longer than 1 MiB"};
  json::error_code error;
  json::parse_options options;
  options.max_depth = 8;
  auto value = json::parse(json::string_view(line.data(), line.size()), error, {}, options);
  if (error) throw Wrong{"is not JSON: " + error.message()};
  return value;
}

void check_questions(const std::vector<measure::Question>& questions) {
  std::set<std::string_view> earlier;
  for (const auto& question : questions) {
    for (const auto& id : question.after) {
      if (!earlier.contains(id)) throw Wrong{"'" + id + "' in 'after' is no earlier question"};
    }
    if (question.id.empty() || !earlier.insert(question.id).second) {
      throw Wrong{"the id '" + question.id + "' is empty or there twice"};
    }
  }
}

}  // namespace

std::string encode_job(const std::vector<measure::Question>& questions) {
  json::array list;
  for (const auto& question : questions) {
    Encoder encoder;
    visit_fields(encoder, question);
    std::visit([&](const auto& ask) { encoder(name_of_alternative<std::decay_t<decltype(ask)>>(), ask); },
               question.ask);
    list.push_back(std::move(encoder.object));
  }
  return json::serialize(json::object{{"questions", std::move(list)}});
}

std::string encode_answer(const measure::Answer& answer) {
  Encoder encoder;
  visit_fields(encoder, answer);
  std::visit([&](const auto& finding) { encoder(name_of_alternative<std::decay_t<decltype(finding)>>(), finding); },
             answer.finding);
  return json::serialize(encoder.object);
}

Result<std::vector<measure::Question>> decode_job(std::string_view line) {
  try {
    const auto document = parse_bounded(line);
    const auto* const list = document.is_object() ? document.get_object().if_contains("questions") : nullptr;
    if (list == nullptr || !list->is_array() || document.get_object().size() != 1) {
      throw Wrong{"must be an object with the one key 'questions', a list"};
    }
    if (list->get_array().size() > max_questions) throw Wrong{"has more than 2048 questions"};
    std::vector<measure::Question> questions(list->get_array().size());
    for (std::size_t i = 0; i < questions.size(); ++i) {
      decode_with_variant(list->get_array()[i], questions[i], questions[i].ask);
    }
    check_questions(questions);
    return questions;
  } catch (const Wrong& wrong) {
    return Complaint{"the job " + wrong.text};
  }
}

Result<measure::Answer> decode_answer(std::string_view line) {
  try {
    measure::Answer answer;
    decode_with_variant(parse_bounded(line), answer, answer.finding);
    return answer;
  } catch (const Wrong& wrong) {
    return Complaint{"the answer " + wrong.text};
  }
}

std::string encode_conclude(const std::vector<std::string>& ids) {
  return json::serialize(json::object{{"conclude", to_json(ids)}});
}

Result<std::vector<std::string>> decode_conclude(std::string_view line) {
  try {
    const auto document = parse_bounded(line);
    const auto* const list = document.is_object() ? document.get_object().if_contains("conclude") : nullptr;
    if (list == nullptr || document.get_object().size() != 1)
      throw Wrong{"must be an object with the one key 'conclude'"};
    std::vector<std::string> ids;
    from_json(*list, ids);
    return ids;
  } catch (const Wrong& wrong) {
    return Complaint{"the command " + wrong.text};
  }
}

}  // namespace crypelab::wire
