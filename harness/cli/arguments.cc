#include "harness/cli/arguments.h"

#include "harness/base/error.h"

#include <algorithm>
#include <map>
#include <memory>

#include <CLI/CLI.hpp>

namespace crypelab::cli {
namespace {

// One CLI::App and the values that it fills.
struct Grammar {
  CLI::App app{"Reproduces a customer's network on this machine and runs programs inside it.", "crypelab"};
  Doctor doctor;
  List list;
  Check check;
  Show show;
  Exec exec;
  Shell shell;
  Measure measure;
  Run run;
  Judge judge;
  Explain explain;
  Completion completion;
  std::map<const CLI::App*, std::function<Arguments()>> results;

  Grammar();

 private:
  template <class Options>
  CLI::App* command(const char* name, const char* text, Options& options) {
    CLI::App* sub = app.add_subcommand(name, text);
    results[sub] = [&options] { return Arguments(options); };
    return sub;
  }
};

constexpr const char* kScenario = "a scenario file, or the name of a scenario that comes with the program";

Grammar::Grammar() {
  app.require_subcommand(1);
  app.set_version_flag("--version", kVersion, "print the version");

  auto* sub = command("doctor", "Say what this machine has and lacks for running labs", doctor);
  sub->add_flag("--json", doctor.json, "print JSON");

  sub = command("list", "List scenarios: name, tier, title", list);
  sub->add_option("PATH", list.paths, "scenario files or folders (default: those that come with the program)");

  sub = command("check", "Check scenario files and say what is wrong, with file:line:column", check);
  sub->add_option("FILE", check.files, "scenario files or folders")->required();

  sub = command("show", "Print what a scenario would bring up, without bringing it up", show);
  sub->add_option("SCENARIO", show.scenario, kScenario)->required();
  const std::map<std::string, Form> forms{
      {"text", Form::text}, {"svg", Form::svg}, {"graphviz", Form::graphviz}, {"rules", Form::rules}};
  sub->add_option("--as", show.form, "text, svg, graphviz or rules")->transform(CLI::CheckedTransformer(forms));

  sub = command("exec", "Bring a scenario up and run a command on one of its hosts", exec);
  sub->add_option("SCENARIO", exec.scenario, kScenario)->required();
  sub->add_option("--host", exec.host, "the host to run on (default: the first client)");
  sub->add_flag("--privileged", exec.privileged, "keep power over the host's network: for tcpdump, nft, ip");
  sub->add_option("--events", exec.events, "a file for what the services saw: one line of JSON an event");
  sub->footer("The command and its arguments stand after --, like: crypelab exec SCENARIO --host alice -- curl -v URL");

  sub = command("shell", "Open a shell on a host; from a second terminal, in the lab that is already running", shell);
  sub->add_option("SCENARIO", shell.scenario, kScenario)->required();
  sub->add_option("--host", shell.host, "the host to open the shell on (default: the first client)");
  sub->add_flag("--privileged", shell.privileged, "keep power over the host's network: for tcpdump, nft, ip");

  sub = command("measure", "Bring a scenario up, measure its network, and compare it with what is declared", measure);
  sub->add_option("SCENARIO", measure.scenario, kScenario)->required();
  auto* quick = sub->add_flag("--quick", measure.quick,
                              "only what every run measures first: reachability, mapping, filtering, DNS");
  sub->add_flag("--cached", measure.cached,
                "timers, rate, loss and path MTU from an earlier measurement, if there is one")
      ->excludes(quick);
  sub->add_flag("--json", measure.json, "print JSON");

  sub = command("run", "Run scenarios with clients in them, and keep what was seen", run);
  sub->add_option("SCENARIO", run.scenarios,
                  "scenario files, folders, or names of scenarios that come with the program (default: all of those)");
  sub->add_option(
      "--client", run.clients,
      "NAME=DRIVER: an executable, an adapter, or a file that says how it is started; DRIVER alone is for all "
      "clients (default: crypelab-client)");
  const std::map<std::string, model::Tier> tiers{
      {"quick", model::Tier::quick}, {"nightly", model::Tier::nightly}, {"soak", model::Tier::soak}};
  sub->add_option("--tier", run.tier, "quick, nightly (and quick), soak (and all); default: quick, and what is named")
      ->transform(CLI::CheckedTransformer(tiers));
  sub->add_option("-j,--jobs", run.jobs, "attempts side by side (default: as many as there are processors)")
      ->check(CLI::Range(1, 256));
  sub->add_option("--repeat", run.repeat, "attempts at each scenario; those that differ are flaky, and no pass")
      ->check(CLI::Range(1, 1000));
  sub->add_option("--seed", run.seed, "for what clients choose at random (default: 1)")
      ->check(CLI::Range(std::uint64_t{0}, (std::uint64_t{1} << 53U) - 1));
  sub->add_option("--filter", run.filter, "only scenarios with this text in their name or title");
  sub->add_flag("--strict", run.strict, "non-strict, unsupported and not-covered fail, too");
  sub->add_option("--require", run.require, "features that clients must have: unsupported then fails")->delimiter(',');
  sub->add_option("--out", run.out, "a folder for the evidence, empty or not there (default: crypelab-runs/DATE-TIME)");
  sub->add_flag("--pause-on-failure", run.pause, "keep the lab of a failure alive for 'crypelab shell', until Ctrl-C");
  sub->add_flag("--no-capture", run.no_capture, "do not look at packets; what is judged by them is inconclusive");
  sub->add_flag("--keep-tls-keys", run.keep_keys,
                "keep the keys of TLS connections in the capture even where passwords are not the program's own");

  sub = command("judge", "Judge saved evidence again: the same verdicts, on any machine, without privilege", judge);
  sub->add_option("DIR", judge.folder, "the folder of a run, or of one attempt")->required();
  sub->add_flag("--strict", judge.strict, "non-strict and unsupported fail, too");
  sub->add_option("--require", judge.require, "features that clients must have: unsupported then fails")
      ->delimiter(',');
  sub->add_flag("--json", judge.json, "print the record instead of the table");

  sub = command("explain", "Tell what happened in an attempt, and why, as a short story with times", explain);
  sub->add_option("DIR", explain.folder, "the folder of an attempt, or of several")->required();

  sub = command("completion", "Print the completion script of a shell", completion);
  sub->add_option("SHELL", completion.shell, "bash or zsh")->required()->check(CLI::IsMember({"bash", "zsh"}));
}

}  // namespace

Arguments parse(int argc, const char* const* argv) {
  Grammar grammar;
  // What stands behind the first -- belongs to the command that is run, not to us.
  const auto end = std::find(argv, argv + argc, std::string_view("--"));
  grammar.exec.command.assign(std::min(end + 1, argv + argc), argv + argc);
  try {
    grammar.app.parse(static_cast<int>(end - argv), argv);
    if (grammar.app.got_subcommand("exec") && grammar.exec.command.empty()) {
      throw CLI::RequiredError("a command after --");
    }
    if (!grammar.app.got_subcommand("exec") && end != argv + argc) {
      throw CLI::ExtrasError({"--"});
    }
  } catch (const CLI::CallForHelp&) {
    const auto chosen = grammar.app.get_subcommands();
    return Print{chosen.empty() ? grammar.app.help() : chosen.front()->help()};
  } catch (const CLI::CallForVersion&) {
    return Print{std::string(kVersion) + "\n"};
  } catch (const CLI::ParseError& error) {
    const auto chosen = grammar.app.get_subcommands();
    const std::string command = chosen.empty() ? "crypelab" : "crypelab " + chosen.front()->get_name();
    throw Failure(Exit::usage, std::string(error.what()) + "; see '" + command + " --help'");
  }
  return grammar.results.at(grammar.app.get_subcommands().front())();
}

std::vector<OptionHelp> option_help() {
  Grammar grammar;
  std::vector<OptionHelp> help;
  const auto add = [&help](const std::string& command, const CLI::App& app) {
    for (const auto* option : app.get_options([](const CLI::Option*) { return true; })) {
      for (const auto& name : option->get_lnames())
        help.push_back({command, "--" + name, option->get_description(), option->get_type_size() > 0});
    }
  };
  add("", grammar.app);
  for (const auto* sub : grammar.app.get_subcommands([](const CLI::App*) { return true; })) {
    help.push_back({sub->get_name(), "", sub->get_description()});
    add(sub->get_name(), *sub);
  }
  return help;
}

}  // namespace crypelab::cli
