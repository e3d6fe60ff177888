#include "harness/blueprint/drawing.h"

#include "harness/model/describe.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crypelab::blueprint {
namespace {

// Sizes in pixels. Text is monospaced, so that its width is known without a font: 7.3 px a character at 12 px.
constexpr double kCharacter = 7.3;
constexpr int kLine = 17;
constexpr int kPadding = 10;
constexpr int kGap = 28;

struct Box {
  std::string title;
  std::vector<std::string> lines;
  std::string style;

  int width() const {
    std::size_t longest = title.size();
    for (const auto& line : lines) longest = std::max(longest, line.size());
    return std::max(90, static_cast<int>(static_cast<double>(longest) * kCharacter) + 2 * kPadding);
  }
  int height() const { return static_cast<int>(lines.size() + 1) * kLine + 2 * kPadding - 4; }
};

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else {
      out += c;
    }
  }
  return out;
}

std::string draw_box(const Box& box, int x, int y) {
  std::string out = fmt::format(
      "<g class=\"{}\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"6\"/>"
      "<text class=\"title\" x=\"{}\" y=\"{}\">{}</text>",
      box.style, x, y, box.width(), box.height(), x + kPadding, y + kPadding + 11, escape(box.title));
  for (std::size_t i = 0; i < box.lines.size(); ++i) {
    out += fmt::format("<text x=\"{}\" y=\"{}\">{}</text>", x + kPadding,
                       y + kPadding + 11 + kLine * static_cast<int>(i + 1), escape(box.lines[i]));
  }
  return out + "</g>\n";
}

std::string draw_line(int x1, int y1, int x2, int y2) {
  return fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>\n", x1, y1, x2, y2);
}

Box host_box(const Host& host, const std::string& style) {
  Box box{host.name, {}, style};
  for (const auto& interface : host.interfaces) {
    for (const auto& address : interface.addresses) {
      box.lines.push_back(host.interfaces.size() > 1 ? interface.name + " " + to_string(address) : to_string(address));
    }
  }
  return box;
}

std::string describe(const std::vector<model::PortRange>& ranges) {
  std::vector<std::string> texts;
  for (const auto& range : ranges) {
    texts.push_back(range.first == range.last ? fmt::format("{}", range.first)
                                              : fmt::format("{}-{}", range.first, range.last));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

Box edge_box(const model::Site& site) {
  Box box{site.name + ".edge", {}, "border"};
  if (site.subnet4) box.lines.push_back(to_string(*site.subnet4));
  if (site.subnet6) box.lines.push_back(to_string(*site.subnet6));
  if (site.nat) box.lines.push_back(model::describe(*site.nat));
  if (site.nat64) box.lines.push_back("nat64 " + to_string(site.nat64->prefix) + (site.nat64->dns64 ? ", dns64" : ""));
  if (site.isolation) box.lines.emplace_back("isolation");
  if (site.portal) box.lines.emplace_back("captive portal");
  if (site.tls_inspection) box.lines.push_back("TLS inspection of " + describe(site.tls_inspection->ports));
  if (site.tls_relay) box.lines.push_back("TLS relay of " + describe(site.tls_relay->ports));
  if (const auto dns = model::describe(site.dns); !dns.empty()) box.lines.push_back("dns " + dns);
  if (!site.egress) {
    box.lines.emplace_back("egress: everything");
  } else {
    box.lines.emplace_back("egress, first match:");
    int number = 0;
    for (const auto& rule : *site.egress) box.lines.push_back(fmt::format(" {}. {}", ++number, model::describe(rule)));
    box.lines.push_back(fmt::format(" {}. otherwise drop", number + 1));
  }
  return box;
}

std::vector<std::string> uplink_lines(const model::Uplink& uplink) {
  std::vector<std::string> lines;
  if (const auto up = model::describe(uplink.up); !up.empty()) lines.push_back("up " + up);
  if (const auto down = model::describe(uplink.down); !down.empty()) lines.push_back("down " + down);
  if (uplink.mtu != 1500)
    lines.push_back(fmt::format("mtu {}{}", uplink.mtu, uplink.too_big ? "" : ", too-big dropped"));
  return lines;
}

// A site from its uplink down to its clients.
struct Column {
  std::vector<std::string> uplink;
  std::vector<Box> path;  // carrier (if any), edge
  std::vector<Box> clients;

  int clients_width() const {
    int width = clients.empty() ? 0 : -kGap / 2;
    for (const auto& client : clients) width += client.width() + kGap / 2;
    return width;
  }
  int width() const {
    int width = clients_width();
    for (const auto& box : path) width = std::max(width, box.width());
    for (const auto& line : uplink) {
      width = std::max(width, 2 * (static_cast<int>(static_cast<double>(line.size()) * kCharacter) + kPadding));
    }
    return width;
  }
};

Column column_of(const model::Scenario& scenario, const Blueprint& blueprint, const model::Site& site) {
  Column column;
  column.uplink = uplink_lines(site.uplink);
  if (site.carrier) column.path.push_back({site.name + ".carrier", {model::describe(*site.carrier)}, "border"});
  column.path.push_back(edge_box(site));
  for (const auto& client : scenario.clients) {
    if (client.sites.front() != site.name) continue;
    const Host* host = find_host(blueprint, client.name);
    Box box = host != nullptr ? host_box(*host, "client") : Box{client.name, {}, "client"};
    for (std::size_t i = 1; i < client.sites.size(); ++i) box.lines.push_back("also in " + client.sites[i]);
    column.clients.push_back(std::move(box));
  }
  return column;
}

int draw_column(std::string& out, const Column& column, int x, int top) {
  const int middle = x + column.width() / 2;
  int y = top;
  int cable = std::max(kGap, static_cast<int>(column.uplink.size()) * kLine + 12);
  for (const auto& box : column.path) {
    out += draw_line(middle, y, middle, y + cable);
    if (&box == &column.path.front()) {
      for (std::size_t i = 0; i < column.uplink.size(); ++i) {
        out += fmt::format("<text x=\"{}\" y=\"{}\">{}</text>\n", middle + 6, y + kLine * static_cast<int>(i + 1),
                           escape(column.uplink[i]));
      }
    }
    y += cable;
    out += draw_box(box, middle - box.width() / 2, y);
    y += box.height();
    cable = kGap;
  }
  int bottom = y;
  int client_x = middle - column.clients_width() / 2;
  for (const auto& client : column.clients) {
    out += draw_line(middle, y, client_x + client.width() / 2, y + kGap);
    out += draw_box(client, client_x, y + kGap);
    bottom = std::max(bottom, y + kGap + client.height());
    client_x += client.width() + kGap / 2;
  }
  return bottom;
}

constexpr const char* kStyle =
    "<style>text{font:12px ui-monospace,monospace;fill:#1b1f24}.title{font-weight:700}rect{fill:#fff;stroke:#57606a;"
    "stroke-width:1.2}line{stroke:#57606a;stroke-width:1.2}.internet rect{fill:#ddf4ff}.border rect{fill:#fff8c5}"
    ".client rect{fill:#dafbe1}.heading{font-size:15px;font-weight:700}.paper{fill:#f6f8fa;stroke:none}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#161b22;stroke:#8b949e}line{stroke:#8b949e}"
    ".internet rect{fill:#0c2d4a}.border rect{fill:#3a2f0b}.client rect{fill:#12361f}.paper{fill:#0d1117}}</style>\n";

}  // namespace

std::string as_svg(const model::Scenario& scenario, const Blueprint& blueprint) {
  std::vector<Box> world;
  for (const auto& host : blueprint.hosts) {
    if (host.role == Role::world) world.push_back(host_box(host, "world"));
  }
  std::vector<Column> columns;
  for (const auto& site : scenario.sites) columns.push_back(column_of(scenario, blueprint, site));

  int world_width = 0;
  int world_height = 0;
  for (const auto& box : world) {
    world_width += box.width() + kGap / 2;
    world_height = std::max(world_height, box.height());
  }
  int sites_width = 0;
  for (const auto& column : columns) sites_width += column.width() + kGap;
  const auto heading_width =
      static_cast<int>(static_cast<double>(scenario.name.size() + scenario.title.size() + 2) * 9.2);
  const int inner = std::max({world_width, sites_width, heading_width, 200});

  std::string body;
  const int world_top = 2 * kGap;
  const int bar_top = world_top + world_height + kGap;
  int x = kGap + (inner - world_width + kGap / 2) / 2;
  for (const auto& box : world) {
    body += draw_line(x + box.width() / 2, world_top + box.height(), x + box.width() / 2, bar_top);
    body += draw_box(box, x, world_top);
    x += box.width() + kGap / 2;
  }
  body += fmt::format(
      "<g class=\"internet\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"30\" rx=\"15\"/>"
      "<text class=\"title\" x=\"{}\" y=\"{}\">internet</text></g>\n",
      kGap, bar_top, inner, kGap + inner / 2 - 30, bar_top + 19);
  int bottom = bar_top + 30;
  x = kGap + (inner - sites_width + kGap) / 2;
  for (const auto& column : columns) {
    bottom = std::max(bottom, draw_column(body, column, x, bar_top + 30));
    x += column.width() + kGap;
  }
  const int width = inner + 2 * kGap;
  const int height = bottom + kGap;
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
             "role=\"img\" aria-label=\"{2}\">\n",
             width, height, escape(scenario.name)) +
         kStyle + fmt::format("<rect class=\"paper\" width=\"{}\" height=\"{}\"/>\n", width, height) +
         fmt::format("<text class=\"heading\" x=\"{}\" y=\"{}\">{}  {}</text>\n", kGap, kGap + 6, escape(scenario.name),
                     escape(scenario.title)) +
         body + "</svg>\n";
}

}  // namespace crypelab::blueprint
