#include "clients/reference/proxy/pac.h"

#include "harness/wire/base64.h"

#include <memory>

#include <curl/curl.h>
extern "C" {
#include <pacparser.h>
}

namespace crypelab::client::proxy {
namespace {

constexpr std::size_t largest_script = 1'000'000;

std::size_t collect(char* data, std::size_t one, std::size_t count, void* into) {
  auto& text = *static_cast<std::string*>(into);
  if (text.size() + one * count > largest_script) return 0;
  text.append(data, one * count);
  return one * count;
}

Result<std::string> decode_data_url(const std::string& url) {
  const auto comma = url.find(',');
  if (comma == std::string::npos) return Complaint{"a data URL without a comma"};
  const auto kind = url.substr(5, comma - 5);
  const auto data = url.substr(comma + 1);
  if (kind.ends_with(";base64")) {
    const auto bytes = wire::from_base64(data);
    if (!bytes) return Complaint{"a data URL that is not base64"};
    return std::string(wire::text_of(*bytes));
  }
  int size = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      curl_easy_unescape(nullptr, data.c_str(), static_cast<int>(data.size()), &size), curl_free);
  if (!text) return Complaint{"a data URL that cannot be decoded"};
  return std::string(text.get(), static_cast<std::size_t>(size));
}

Result<std::string> fetch(const std::string& url, const std::string& trust) {
  if (url.starts_with("data:")) return decode_data_url(url);
  const std::unique_ptr<CURL, void (*)(CURL*)> handle(curl_easy_init(), curl_easy_cleanup);
  if (!handle) return Complaint{"libcurl gives no handle"};
  std::string script;
  CURL* const curl = handle.get();
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, url.starts_with("file:") ? "file" : "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 3L);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");  // what names the proxies is not behind them
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "crypelab");
  if (!trust.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, trust.c_str());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &script);
  const auto code = curl_easy_perform(curl);
  if (code != CURLE_OK) return Complaint{url + ": " + curl_easy_strerror(code)};
  return script;
}

// What the process does: "load" once, then "URL host".
class Evaluator {
 public:
  Evaluator(std::vector<std::string> urls, std::string trust, Address own)
      : urls_(std::move(urls)), trust_(std::move(trust)), own_(to_string(own)) {}

  std::string answer(const std::string& question) {
    if (question == "load") return load();
    const auto blank = question.find(' ');
    const auto url = question.substr(0, blank);
    const auto host = question.substr(blank + 1);
    const char* found = pacparser_find_proxy(url.c_str(), host.c_str());
    return found != nullptr ? "+" + std::string(found) : "-FindProxyForURL failed";
  }

 private:
  std::string load() {
    std::string why = "no PAC file is named";
    for (const auto& url : urls_) {
      auto script = fetch(url, trust_);
      if (!script) {
        why = script.complaint();
        continue;
      }
      pacparser_enable_microsoft_extensions();
      if (pacparser_init() != 1) return "-libpacparser does not start";
      pacparser_setmyip(own_.c_str());
      if (pacparser_parse_pac_string(script->c_str()) == 1) return "+" + url;
      pacparser_cleanup();
      why = url + ": not a script that can be run";
    }
    return "-" + why;
  }

  std::vector<std::string> urls_;
  std::string trust_;
  std::string own_;
};

}  // namespace

Pac::Pac(boost::asio::any_io_executor executor, std::vector<std::string> urls, std::string trust, Address own)
    : process_(std::move(executor), [evaluator = std::make_shared<Evaluator>(std::move(urls), std::move(trust), own)](
                                        const std::string& question) { return evaluator->answer(question); }) {}

transport::Awaitable<Result<bool>> Pac::load(Time deadline) {
  const auto said = co_await process_.ask("load", deadline);
  if (!said || said->empty()) co_return Complaint{"the PAC file did not come in time"};
  if (said->front() != '+') co_return Complaint{said->substr(1)};
  co_return true;
}

transport::Awaitable<Result<std::string>> Pac::find(std::string url, std::string host, Time deadline) {
  const auto said = co_await process_.ask(url + " " + host, deadline);
  if (!said || said->empty()) co_return Complaint{"the PAC script did not come to an end"};
  if (said->front() != '+') co_return Complaint{said->substr(1)};
  co_return said->substr(1);
}

}  // namespace crypelab::client::proxy
