#include "harness/blueprint/print.h"

#include "harness/model/describe.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crypelab::blueprint {
namespace {

std::string list(const std::vector<Prefix>& prefixes) {
  std::vector<std::string> texts;
  for (const auto& prefix : prefixes) texts.push_back(to_string(prefix));
  return fmt::format("{}", fmt::join(texts, " "));
}

std::string impairments(const Cable& cable) {
  const std::string there = model::describe(cable.a_to_b);
  const std::string back = model::describe(cable.b_to_a);
  std::string text;
  if (!there.empty()) text += fmt::format("  [{} to {}: {}]", cable.a.host, cable.b.host, there);
  if (!back.empty()) text += fmt::format("  [{} to {}: {}]", cable.b.host, cable.a.host, back);
  if (cable.mtu != 1500) text += fmt::format("  [mtu {}]", cable.mtu);
  return text;
}

void print_host(std::string& out, const Host& host) {
  out += fmt::format("  {}\n", host.name);
  for (const auto& bridge : host.bridges) out += fmt::format("    bridge {} {}\n", bridge.name, list(bridge.addresses));
  for (const auto& interface : host.interfaces) {
    out += fmt::format("    {}", interface.name);
    if (!interface.addresses.empty()) out += " " + list(interface.addresses);
    if (!interface.bridge.empty())
      out += fmt::format(" in {}{}", interface.bridge, interface.isolated ? ", isolated" : "");
    out += "\n";
  }
  for (const auto& route : host.routes) {
    out += fmt::format("    route {}", to_string(route.to));
    if (route.via) out += " via " + to_string(*route.via);
    if (!route.device.empty()) out += " dev " + route.device;
    if (route.table != 254) out += fmt::format(" table {}", route.table);
    out += "\n";
  }
  for (const auto& rule : host.policy_rules) {
    out += fmt::format("    from {} use table {}\n", to_string(rule.from), rule.table);
  }
  for (const auto& resolver : host.resolvers) out += fmt::format("    resolver {}\n", to_string(resolver));
  if (!host.search.empty()) out += fmt::format("    search {}\n", host.search);
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::string as_text(const Blueprint& blueprint) {
  std::string out = fmt::format("{}\n\nhosts\n", blueprint.scenario);
  for (const auto& host : blueprint.hosts) print_host(out, host);
  out += "\ncables\n";
  for (const auto& cable : blueprint.cables) {
    out += fmt::format("  {}:{} -- {}:{}{}\n", cable.a.host, cable.a.interface, cable.b.host, cable.b.interface,
                       impairments(cable));
  }
  out += "\nprograms\n";
  for (const auto& process : blueprint.processes) {
    out += fmt::format("  {} on {}: {}\n", process.name, process.host, fmt::join(process.argv, " "));
  }
  if (!blueprint.counters.empty()) out += "\ncounters\n";
  for (const auto& counter : blueprint.counters) {
    out += fmt::format("  {}/{}: {}\n", counter.host, counter.name, counter.meaning);
  }
  if (!blueprint.steps.empty()) out += "\nsteps\n";
  for (const auto& step : blueprint.steps) out += fmt::format("  at {}: {}\n", to_string(step.at), step.meaning);
  return out;
}

std::string as_rules(const Blueprint& blueprint) {
  std::string out;
  for (const auto& host : blueprint.hosts) {
    if (!host.rule_set.empty()) out += fmt::format("# {}\n{}\n", host.name, host.rule_set);
  }
  return out;
}

std::string as_graphviz(const Blueprint& blueprint) {
  std::string out =
      fmt::format("graph {} {{\n  node [shape=box, fontname=\"sans-serif\"];\n", quoted(blueprint.scenario));
  for (const auto& host : blueprint.hosts) {
    std::string label = host.name;
    for (const auto& bridge : host.bridges) label += "\\n" + list(bridge.addresses);
    for (const auto& interface : host.interfaces) {
      if (host.role != Role::internet && !interface.addresses.empty()) label += "\\n" + list(interface.addresses);
    }
    const char* shape = host.role == Role::internet ? "ellipse" : "box";
    // Graphviz reads \n in a label as a line break: host names and addresses hold nothing that needs escaping.
    out += fmt::format("  {} [label=\"{}\", shape={}];\n", quoted(host.name), label, shape);
  }
  for (const auto& cable : blueprint.cables) {
    std::vector<std::string> parts;
    const std::string there = model::describe(cable.a_to_b);
    const std::string back = model::describe(cable.b_to_a);
    if (!there.empty()) parts.push_back("from " + cable.a.host + ": " + there);
    if (!back.empty()) parts.push_back("from " + cable.b.host + ": " + back);
    if (cable.mtu != 1500) parts.push_back(fmt::format("mtu {}", cable.mtu));
    out += fmt::format("  {} -- {} [label=\"{}\"];\n", quoted(cable.a.host), quoted(cable.b.host),
                       fmt::join(parts, "\\n"));
  }
  return out + "}\n";
}

}  // namespace crypelab::blueprint
