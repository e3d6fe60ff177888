#include "harness/kernel/session_message.h"

#include <charconv>

#include <fmt/format.h>

namespace crypelab::kernel {

namespace {

// Fields that end with a zero byte each.
std::vector<std::string> split(std::string_view bytes) {
  std::vector<std::string> fields;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\0');
    if (end == std::string_view::npos) return {};
    fields.emplace_back(bytes.substr(0, end));
    bytes.remove_prefix(end + 1);
  }
  return fields;
}

template <class Number>
bool read_number(const std::string& text, Number& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc() && end == text.data() + text.size();
}

std::string join(const std::vector<std::string>& fields) {
  std::string bytes;
  for (const std::string& field : fields) bytes += field + '\0';
  return bytes;
}

}  // namespace

std::string encode(const SessionRequest& request) {
  std::vector<std::string> fields{
      request.host,          request.privileged ? "1" : "0", request.terminal ? "1" : "0",
      request.terminal_type, std::to_string(request.rows),   std::to_string(request.columns)};
  fields.insert(fields.end(), request.arguments.begin(), request.arguments.end());
  return join(fields);
}

Result<SessionRequest> decode_session_request(std::string_view bytes) {
  const std::vector<std::string> fields = split(bytes);
  if (fields.size() < 6) return Complaint{"a request has at least six fields"};
  SessionRequest request;
  request.host = fields[0];
  if ((fields[1] != "0" && fields[1] != "1") || (fields[2] != "0" && fields[2] != "1"))
    return Complaint{"expected 0 or 1"};
  request.privileged = fields[1] == "1";
  request.terminal = fields[2] == "1";
  request.terminal_type = fields[3];
  if (!read_number(fields[4], request.rows) || !read_number(fields[5], request.columns))
    return Complaint{"expected a window size"};
  request.arguments.assign(fields.begin() + 6, fields.end());
  return request;
}

std::string encode(const SessionNews& news) {
  return join({std::string(1, static_cast<char>(news.kind)), std::to_string(static_cast<int>(news.status.kind)),
               std::to_string(news.status.value), news.status.step, std::to_string(news.exit),
               news.text.substr(0, 32'000)});
}

Result<SessionNews> decode_session_news(std::string_view bytes) {
  const std::vector<std::string> fields = split(bytes);
  if (fields.size() != 6 || fields[0].size() != 1 ||
      std::string_view("RTSE").find(fields[0][0]) == std::string_view::npos)
    return Complaint{"not news of a session"};
  SessionNews news;
  news.kind = static_cast<SessionNews::Kind>(fields[0][0]);
  int kind = 0;
  if (!read_number(fields[1], kind) || kind < 0 || kind > 2 || !read_number(fields[2], news.status.value) ||
      !read_number(fields[4], news.exit))
    return Complaint{"expected a number"};
  news.status.kind = static_cast<ProgramStatus::Kind>(kind);
  news.status.step = fields[3];
  news.text = fields[5];
  return news;
}

}  // namespace crypelab::kernel
