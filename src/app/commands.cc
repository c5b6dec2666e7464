#include "app/commands.h"

#include <unistd.h>

#include <cstdio>

#include <fmt/format.h>

#include "app/control_client.h"
#include "app/manual.h"
#include "config/dump.h"
#include "config/json_schema.h"
#include "config/reference.h"
#include "expression/reference.h"
#include "io/epoll_loop.h"
#include "server/metric_table.h"

namespace weir {
namespace {

int print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  return std::fflush(stdout) == 0 ? kExitOk : kExitRefused;
}

void complain(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

std::string rendered(const config::Diagnostics& diagnostics) {
  return diagnostics.render(::isatty(STDERR_FILENO));
}

/// The text of an answer goes where a command's own would.
int show(const ControlAnswer& answer, bool json) {
  if (json && !answer.data.empty()) {
    print(answer.data + "\n");
  } else if (answer.ok) {
    print(answer.text);
  } else {
    complain(answer.text);
  }
  return answer.ok ? kExitOk : kExitRefused;
}

std::string counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

int check(const Arguments& arguments) {
  config::Diagnostics diagnostics;
  std::unique_ptr<Snapshot> snapshot;
  ConfigSource source{arguments.file, {}};
  if (auto config = load_config(source, diagnostics)) {
    snapshot = compile_config(std::move(*config), diagnostics);
  }
  if (arguments.json) {
    print(diagnostics.render_json() + "\n");
  } else {
    complain(rendered(diagnostics));
  }
  if (!snapshot) return kExitRefused;
  if (arguments.json) return kExitOk;
  std::size_t routes = 0;
  for (const auto& plan : snapshot->listeners) routes += plan->site ? plan->site->routes.size() : 0;
  const ServerConfig& config = snapshot->config;
  std::size_t listeners = config.listeners.size() + config.tcp.size() + config.udp.size();
  return print(fmt::format("{}: ok ({}, {}, {})\n", source.name(), counted(listeners, "listener"),
                           counted(routes, "route"),
                           counted(config.upstreams.entries.size(), "upstream")));
}

int dump(const Arguments& arguments) {
  config::Diagnostics diagnostics;
  auto config = load_config({arguments.file, {}}, diagnostics);
  complain(rendered(diagnostics));
  if (!config) return kExitRefused;
  auto secrets = arguments.show_secrets ? config::Secrets::shown : config::Secrets::redacted;
  return print(arguments.json ? config::dump_json(*config, secrets) + "\n"
                              : config::dump_yaml(*config, secrets));
}

int explain_file(const Arguments& arguments) {
  config::Diagnostics diagnostics;
  std::unique_ptr<Snapshot> snapshot;
  ConfigSource source{arguments.file, {}};
  if (auto config = load_config(source, diagnostics)) {
    snapshot = compile_config(std::move(*config), diagnostics);
  }
  complain(rendered(diagnostics));
  if (!snapshot) return kExitRefused;
  Result<std::unique_ptr<Loop>> loop = make_epoll_loop(0, 0);
  if (!loop) return kExitRefused;
  std::string name = source.name();
  return show(explain({*snapshot, name, {}}, arguments.question, **loop), arguments.json);
}

int ask(const Arguments& arguments, ControlRequest request) {
  const std::string& given = arguments.run.control_path;
  std::string path = given.empty() ? control_path() : given;
  if (::isatty(STDERR_FILENO)) request.arguments["colour"] = {"yes"};
  return show(ask_process(path, request), arguments.json);
}

/// What a one-liner stands for.
int run_text(const Arguments& arguments, std::string text) {
  if (arguments.print) return print(text);
  RunOptions options = arguments.run;
  options.config.text = std::move(text);
  return run_process(options);
}

int run(const Arguments& arguments) {
  RunOptions options = arguments.run;
  options.config.path = arguments.file;
  return run_process(options);
}

std::string reference() {
  return "# Configuration reference\n\nWritten by `weir config docs`.\n\n" +
         config::reference_markdown<ServerConfig>();
}

std::string codes() {
  return "# Codes of diagnostics\n\nWritten by `weir config codes`.\n\n" + config::codes_markdown();
}

std::string logs() {
  return "# Messages of the log\n\nWritten by `weir config logs`; where they go and how they look "
         "is "
         "described in [logs](../guides/logs.md).\n\n" +
         log_messages_markdown();
}

std::string expressions() {
  return "# Facts and formats of expressions\n\nWritten by `weir config expressions`; the language "
         "itself is described in [expressions](../expressions.md).\n\n" +
         expression::reference_markdown();
}

int ask_config(const Arguments& arguments) {
  auto request = to_request(arguments.verb, arguments.config);
  if (request) return ask(arguments, *request);
  complain(fmt::format("weir: {}\n", request.error()));
  return kExitUsage;
}

}  // namespace

int execute(const Arguments& arguments) {
  const std::string& verb = arguments.verb;
  if (verb == "run") return run(arguments);
  if (verb == "proxy") return run_text(arguments, proxy_config(arguments.proxy));
  if (verb == "serve") return run_text(arguments, serve_config(arguments.serve));
  if (verb == "check") return check(arguments);
  if (verb == "config dump") return dump(arguments);
  if (verb == "config schema") return print(config::json_schema<ServerConfig>() + "\n");
  if (verb == "config docs") return print(reference());
  if (verb == "config codes") return print(codes());
  if (verb == "config expressions") return print(expressions());
  if (verb == "config metrics") return print(metrics_markdown());
  if (verb == "config logs") return print(logs());
  if (verb == "man") return print(manual_page(command_table()));
  if (verb == "completion") return print(completion(command_table(), arguments.shell));
  if (verb == "endpoint" || verb.starts_with("config ")) return ask_config(arguments);
  if (verb == "purge") return ask(arguments, to_request(arguments.purge));
  if (verb != "explain") return ask(arguments, {verb, {}});
  if (!arguments.file.empty()) return explain_file(arguments);
  return ask(arguments, arguments.question.to_request());
}

}  // namespace weir
