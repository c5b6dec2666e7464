#include "app/arguments.h"

#include <algorithm>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "config/suggest.h"
#include "config/values.h"
#include "core/version.h"

namespace weir {
namespace {

constexpr std::string_view kFooter =
    "`weir help COMMAND` tells more about one; `weir version` tells which weir this is.\n"
    "Exit status: 0 done; 1 refused (a wrong configuration, an address in use, a process that "
    "says\n"
    "no); 2 a command line that makes no sense.";

/// The options as texts, until they are checked.
struct Raw {
  Arguments arguments;
  std::string engine;
  std::string drain_timeout;
  std::string shell;
};

void add_file(CLI::App& command, Raw& raw) {
  command.add_option("FILE", raw.arguments.file, "The configuration; - reads the standard input")
      ->required();
}

void add_json(CLI::App& command, Raw& raw) {
  command.add_flag("--json", raw.arguments.json, "JSON for programs");
}

void add_control(CLI::App& command, Raw& raw) {
  command
      .add_option("--control", raw.arguments.run.control_path,
                  "Path of the control socket (default: weir.sock in $RUNTIME_DIRECTORY,\n"
                  "$XDG_RUNTIME_DIR, /run/weir or /tmp/weir-UID)")
      ->type_name("FILE");
}

void add_process_options(CLI::App& command, Raw& raw) {
  command.add_option("--engine", raw.engine, "How the workers wait (default: auto)")
      ->type_name("auto|epoll|io_uring");
  command.add_option("--drain-timeout", raw.drain_timeout,
                     "How long the end waits for connections (default: 30s)");
  add_control(command, raw);
}

void add_serving(CLI::App& app, Raw& raw) {
  CLI::App* run = app.add_subcommand("run", "Serve what a configuration file says");
  add_file(*run, raw);
  add_process_options(*run, raw);
  CLI::App* proxy = app.add_subcommand("proxy", "A reverse proxy without a file");
  ProxyOptions& options = raw.arguments.proxy;
  proxy->add_option("--from", options.from, "Where it listens: an address or a port")
      ->capture_default_str();
  proxy->add_option("--to", options.to, "An origin: an address or a port; may be repeated")
      ->required()
      ->type_size(1)
      ->allow_extra_args(false);
  proxy->add_flag("--print", raw.arguments.print, "Print the configuration it stands for");
  add_process_options(*proxy, raw);
  CLI::App* serve = app.add_subcommand("serve", "A web server for a directory, without a file");
  ServeOptions& site = raw.arguments.serve;
  serve->add_option("DIR", site.root, "The directory")->required();
  serve->add_option("--listen", site.listen, "Where it listens: an address or a port")
      ->capture_default_str();
  serve->add_flag("--listing", site.listing, "Show what directories hold");
  serve->add_flag("--spa", site.single_page, "Answer with /index.html where there is no file");
  serve->add_flag("--print", raw.arguments.print, "Print the configuration it stands for");
  add_process_options(*serve, raw);
}

void add_dry_run(CLI::App& command, Raw& raw) {
  command.add_flag("--dry-run", raw.arguments.config.dry_run, "Judge it, and change nothing");
}

// What speaks to the configuration of the running process.
void add_live_configuration(CLI::App& config, Raw& raw) {
  ConfigVerb& what = raw.arguments.config;
  auto add = [&](const char* name, const char* text) {
    CLI::App* command = config.add_subcommand(name, text);
    add_json(*command, raw);
    add_control(*command, raw);
    return command;
  };
  constexpr const char* kPath = "Such as /upstreams/api/endpoints/0";
  CLI::App* get = add("get", "What the running process is configured with");
  get->add_option("PATH", what.path, kPath);
  get->add_flag("--brief", what.brief, "Leave out what is the default anyway");
  for (auto [name, text] : {std::pair{"set", "Put a value in a place of the running configuration"},
                            {"patch", "Change a part of a value there (JSON Merge Patch)"}}) {
    CLI::App* command = add(name, text);
    command->add_option("PATH", what.path, kPath)->required();
    command->add_option("VALUE", what.value, "JSON, or a text; - reads JSON from the input")
        ->required();
    add_dry_run(*command, raw);
  }
  CLI::App* unset = add("unset", "Take a value away: its default counts again");
  unset->add_option("PATH", what.path, kPath)->required();
  add_dry_run(*unset, raw);
  add("versions", "The configurations that have been in force");
  CLI::App* diff = add("diff", "What differs between two of them");
  diff->add_option("FROM", what.from, "A version (default: the one before)");
  diff->add_option("TO", what.version, "A version (default: the one in force)");
  CLI::App* rollback = add("rollback", "Put an earlier version in force again");
  rollback->add_option("VERSION", what.version, "Its number")->required();
  add_dry_run(*rollback, raw);
}

void add_configuration(CLI::App& app, Raw& raw) {
  CLI::App* check = app.add_subcommand("check", "Judge a configuration without serving it");
  add_file(*check, raw);
  add_json(*check, raw);
  CLI::App* config = app.add_subcommand(
      "config", "What a configuration says or may say, and changes while it is in force");
  config->require_subcommand(1);
  CLI::App* dump = config->add_subcommand("dump", "The configuration with all defaults, as YAML");
  add_file(*dump, raw);
  add_json(*dump, raw);
  dump->add_flag("--show-secrets", raw.arguments.show_secrets, "Passwords and keys as they are");
  config->add_subcommand("schema", "A JSON Schema for editors");
  config->add_subcommand("docs", "The reference, in Markdown");
  config->add_subcommand("codes", "Every code of a diagnostic, in Markdown");
  config->add_subcommand("expressions", "Facts and formats of expressions, in Markdown");
  config->add_subcommand("metrics", "The table of all metrics, in Markdown");
  config->add_subcommand("logs", "All messages of the log, with cause and remedy, in Markdown");
  add_live_configuration(*config, raw);
}

void add_running(CLI::App& app, Raw& raw) {
  CLI::App* explain = app.add_subcommand(
      "explain", "Which listener, route and handler would answer, and why not the others");
  ExplainQuestion& question = raw.arguments.question;
  explain->add_option("REQUEST", question.request, "'GET https://host/path', or a URL alone")
      ->required();
  explain->add_option("-H,--header", question.headers, "A header: 'Name: value'; may be repeated")
      ->type_size(1)
      ->allow_extra_args(false);
  explain->add_option("--listener", question.listener,
                      "Its name or address, if the port does not tell");
  explain->add_option("--client", question.client, "The address of the client");
  explain
      ->add_option("--config", raw.arguments.file,
                   "A configuration file, instead of asking the running process")
      ->type_name("FILE");
  add_json(*explain, raw);
  add_control(*explain, raw);
  CLI::App* purge = app.add_subcommand("purge", "Remove responses from a cache");
  PurgeOrder& gone = raw.arguments.purge;
  purge->add_option("URL", gone.url, "All responses to one address: https://host/path?query");
  purge->add_option("--prefix", gone.prefix, "All whose address begins so");
  purge->add_option("--tag", gone.tag, "All with this word in Surrogate-Key or Cache-Tag");
  purge->add_option("--cache", gone.cache, "In this cache only (default: in all)");
  purge->add_flag("--soft", gone.soft, "They stay, and are checked with the origin before use");
  add_json(*purge, raw);
  add_control(*purge, raw);
  CLI::App* endpoint =
      app.add_subcommand("endpoint", "Drain an endpoint of the running process, or disable it");
  ConfigVerb& what = raw.arguments.config;
  endpoint->add_option("UPSTREAM", what.upstream, "The name of its upstream")->required();
  endpoint->add_option("ADDRESS", what.endpoint, "Such as 10.0.0.1:8080")->required();
  endpoint->add_option("STATE", what.state, "What it is to be")
      ->required()
      ->type_name("enabled|draining|disabled");
  add_json(*endpoint, raw);
  add_control(*endpoint, raw);
  const std::pair<const char*, const char*> verbs[] = {
      {"status", "What the running process does"},
      {"reload", "Have the running process read its configuration again"},
      {"reopen", "Have the running process open its access log anew, after a rotation"},
      {"drain", "End the running process when its connections have ended"},
      {"stop", "End the running process now"}};
  for (const auto& [name, text] : verbs) {
    CLI::App* command = app.add_subcommand(name, text);
    add_json(*command, raw);
    add_control(*command, raw);
  }
}

void add_texts(CLI::App& app, Raw& raw) {
  app.add_subcommand("man", "The manual page, in roff");
  app.add_subcommand("completion", "Completion of this command line, a script for a shell")
      ->add_option("SHELL", raw.shell, "Which shell")
      ->required()
      ->type_name("bash|zsh|fish");
}

void write_plainly(CLI::App& app) {
  auto formatter = app.get_formatter();
  formatter->column_width(26);
  formatter->label("SUBCOMMAND", "COMMAND");
  formatter->label("Positionals", "Arguments");
  formatter->label("REQUIRED", "");
  formatter->label("TEXT", "");
}

Usage wrong(std::string_view message, std::string_view verb = {}) {
  return {kExitUsage, fmt::format("weir: {}\n      see `weir help{}{}`\n", message,
                                  verb.empty() ? "" : " ", verb)};
}

std::string help_of(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  std::string before;
  for (; parent != nullptr; parent = parent->get_parent()) {
    before = before.empty() ? parent->get_name() : parent->get_name() + " " + before;
  }
  return command.help(before);
}

std::vector<std::string_view> names_of(const std::vector<const CLI::App*>& commands) {
  std::vector<std::string_view> names = {"version", "help"};
  for (const CLI::App* each : commands) names.push_back(each->get_name());
  return names;
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

/// The innermost command that the words name.
const CLI::App* named(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* command = &app;
  for (const std::string& word : words) {
    const CLI::App* next = nullptr;
    for (const CLI::App* each : commands_of(*command)) {
      if (each->get_name() == word) next = each;
    }
    if (next == nullptr) break;
    command = next;
  }
  return command;
}

std::optional<Usage> unknown_command(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* group = &app;
  for (const std::string& word : words) {
    std::vector<const CLI::App*> known = commands_of(*group);
    if (known.empty() || word.starts_with('-')) return std::nullopt;
    auto found = std::ranges::find(known, word, &CLI::App::get_name);
    if (found == known.end()) {
      return wrong(fmt::format("there is no command \"{}\"; {}", word,
                               config::suggestion(word, names_of(known))));
    }
    group = *found;
  }
  return std::nullopt;
}

Usage unknown_option(const CLI::App& command, const CLI::ExtrasError& error,
                     const std::vector<std::string>& words) {
  std::vector<std::string> known;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  std::vector<std::string_view> views(known.begin(), known.end());
  for (const std::string& word : words) {
    std::string name = word.substr(0, word.find('='));
    if (!word.starts_with("--") || std::ranges::find(known, name) != known.end()) continue;
    return wrong(fmt::format("there is no option {}; {}", name, config::suggestion(name, views)),
                 command.get_name());
  }
  return wrong(error.what(), command.get_name());
}

std::optional<Usage> check_options(Raw& raw) {
  RunOptions& run = raw.arguments.run;
  if (raw.engine == "epoll") {
    run.engine = Engine::epoll;
  } else if (raw.engine == "io_uring") {
    run.engine = Engine::io_uring;
  } else if (raw.engine == "auto") {
    run.engine = Engine::automatic;
  } else if (!raw.engine.empty()) {
    return wrong(fmt::format("--engine {}: known are auto, epoll and io_uring", raw.engine));
  }
  if (raw.shell == "zsh") {
    raw.arguments.shell = Shell::zsh;
  } else if (raw.shell == "fish") {
    raw.arguments.shell = Shell::fish;
  } else if (!raw.shell.empty() && raw.shell != "bash") {
    return wrong(fmt::format("completion {}: known are bash, zsh and fish", raw.shell));
  }
  if (raw.drain_timeout.empty()) return std::nullopt;
  if (auto problem = config::read_duration(raw.drain_timeout, run.drain_timeout)) {
    return wrong(fmt::format("--drain-timeout: {}", problem->message));
  }
  return std::nullopt;
}

constexpr const char* kTitle = "Weir: a reverse proxy and load balancer";

void add_all(CLI::App& app, Raw& raw) {
  write_plainly(app);
  app.require_subcommand(1);
  add_serving(app, raw);
  add_configuration(app, raw);
  add_running(app, raw);
  add_texts(app, raw);
  for (CLI::App* each : app.get_subcommands({})) each->group("Commands");
  app.footer(std::string(kFooter));  // of the whole program: not inherited
}

WordText word_text(const CLI::Option& option) {
  WordText word;
  bool takes = option.get_items_expected_max() > 0;
  std::string type = option.get_type_name();
  word.flag = option.get_positional() ? option.get_name(true) : "--" + option.get_lnames().front();
  if (!option.get_snames().empty()) word.brief = "-" + option.get_snames().front();
  if (type != "TEXT") word.value = type;
  if (word.is_option() && takes && word.value.empty()) word.value = "VALUE";
  word.about = option.get_description();
  word.otherwise = option.get_default_str();
  word.required = option.get_required();
  return word;
}

CommandText command_text(const CLI::App& app, const std::string& name) {
  CommandText command{.name = name, .about = app.get_description(), .words = {}, .commands = {}};
  for (const CLI::Option* each : app.get_options()) command.words.push_back(word_text(*each));
  for (const CLI::App* each : commands_of(app)) {
    std::string inner = name.empty() ? each->get_name() : name + " " + each->get_name();
    command.commands.push_back(command_text(*each, inner));
  }
  return command;
}

}  // namespace

CommandText command_table() {
  Raw raw;
  CLI::App app(kTitle, "weir");
  add_all(app, raw);
  return command_text(app, {});
}

std::expected<Arguments, Usage> parse_arguments(std::vector<std::string> words) {
  Raw raw;
  CLI::App app(kTitle, "weir");
  add_all(app, raw);
  bool help = words.empty() || words[0] == "help";
  if (words.empty() || words[0] == "version" || words[0] == "--version") {
    if (!help) return std::unexpected(Usage{kExitOk, fmt::format("weir {}\n", kVersion)});
  }
  if (help) {
    int status = words.empty() ? kExitUsage : kExitOk;
    if (!words.empty()) words.erase(words.begin());
    if (auto unknown = unknown_command(app, words)) return std::unexpected(*unknown);
    return std::unexpected(Usage{status, help_of(*named(app, words))});
  }
  if (auto unknown = unknown_command(app, words)) return std::unexpected(*unknown);
  const CLI::App& command = *named(app, words);
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());  // as CLI11 wants them
    app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    return std::unexpected(Usage{kExitOk, help_of(command)});
  } catch (const CLI::ExtrasError& error) {
    return std::unexpected(unknown_option(command, error, words));
  } catch (const CLI::ParseError& error) {
    return std::unexpected(wrong(error.what(), command.get_name()));
  }
  if (auto problem = check_options(raw)) return std::unexpected(*problem);
  raw.arguments.verb = command.get_parent() == &app
                           ? command.get_name()
                           : command.get_parent()->get_name() + " " + command.get_name();
  return raw.arguments;
}

}  // namespace weir
