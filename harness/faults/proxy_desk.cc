#include "harness/faults/proxy_desk.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::faults {
namespace {

std::string_view reason(unsigned status) {
  switch (status) {
    case 200:
      return "Connection established";
    case 204:
      return "No Content";
    case 302:
      return "Found";
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 407:
      return "Proxy Authentication Required";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "As Configured";
  }
}

// What no client may take for the answer of the service that it wanted.
std::string page(unsigned status, std::size_t size) {
  std::string html = fmt::format("<!DOCTYPE html>\n<html><head><title>{0} {1}</title></head><body><h1>{1}</h1>\n",
                                 status, reason(status));
  constexpr std::string_view end = "</body></html>\n";
  while (html.size() + end.size() < size) {
    const auto left = size - html.size() - end.size();
    html += std::string_view("<p>This network asks you to sign in before you go on.</p>\n").substr(0, left);
  }
  return html.append(end);
}

Decision answer(unsigned status, std::size_t body, bool close, const wire::HttpFields& more = {}) {
  wire::HttpResponseHead head;
  head.status = status;
  head.reason = reason(status);
  for (const auto& field : more) head.fields.add(field.name, field.value);
  const auto html = page(status, body);
  head.fields.add("Content-Type", "text/html");
  head.fields.add("Content-Length", std::to_string(html.size()));
  head.fields.add("Connection", close ? "close" : "keep-alive");
  Decision decision;
  decision.status = status;
  decision.text = to_text(head) + html;
  decision.close = close;
  return decision;
}

std::string tunnel_head(const TunnelAnswer& tunnel) {
  wire::HttpResponseHead head;
  head.status = tunnel.status;
  head.reason = reason(tunnel.status);
  if (tunnel.content_length) head.fields.add("Content-Length", std::to_string(*tunnel.content_length));
  if (!tunnel.transfer_encoding.empty()) head.fields.add("Transfer-Encoding", tunnel.transfer_encoding);
  return to_text(head);
}

}  // namespace

ProxyDesk::ProxyDesk(const ProxySettings& settings, std::string secret)
    : settings_(&settings), guard_(settings, std::move(secret)) {}

Decision ProxyDesk::refuse(unsigned status) const { return answer(status, 0, status == 400); }

Decision ProxyDesk::ask(Presented presented, Millis now) const {
  wire::HttpFields fields;
  unsigned status = 200;
  if (settings_->refusal == Refusal::challenge) {
    status = 407;
    for (auto& value : guard_.challenges(presented.verdict == Verdict::stale, now)) {
      fields.add("Proxy-Authenticate", std::move(value));
    }
  } else if (settings_->refusal != Refusal::page) {
    status = settings_->refusal == Refusal::redirect_302 ? 302 : 307;
    fields.add("Location", settings_->login);
  }
  // A page for an answer of 200 is where a careless client takes HTML for its peer: it must be told that it is over.
  const bool close = settings_->close_refused || settings_->refusal != Refusal::challenge;
  Decision decision = answer(status, settings_->refusal_body, close, fields);
  decision.presented = std::move(presented);
  return decision;
}

Decision ProxyDesk::decide(const wire::HttpRequestHead& request, const std::string& client, Millis now) {
  if (request.method != "CONNECT") return refuse(501);
  const auto target = wire::parse_authority(request.target);
  if (!target) return refuse(400);
  const auto& ports = settings_->connect_ports;
  const auto fits = [&](const auto& range) { return target->port >= range.first && target->port <= range.second; };
  if (!ports.empty() && std::ranges::none_of(ports, fits)) {
    auto denied = refuse(403);
    denied.target = *target;
    return denied;
  }
  auto presented = guard_.judge(request, client, now);
  Decision decision;
  if (presented.verdict != Verdict::free && presented.verdict != Verdict::accepted) {
    decision = ask(std::move(presented), now);
  } else {
    if (settings_->answer && *settings_->answer != 0) {
      decision = refuse(*settings_->answer);
    } else if (settings_->answer) {
      decision.kind = Decision::Kind::silence;
    } else {
      decision.kind = Decision::Kind::tunnel;
      decision.status = settings_->tunnel.status;
      decision.text = tunnel_head(settings_->tunnel);
    }
    decision.presented = std::move(presented);
  }
  decision.target = *target;
  return decision;
}

}  // namespace crypelab::faults
