// What a running process answers on its control socket.
#include <unistd.h>

#include <array>

#include <fmt/format.h>

#include "app/config_verbs.h"
#include "app/explain.h"
#include "app/process.h"
#include "app/purge.h"
#include "config/suggest.h"
#include "config/values.h"

namespace weir {

Task<ControlAnswer> Process::answer(ControlRequest request) {
  if (request.verb == "reload") co_return co_await answer_reload(std::move(request));
  if (request.verb == "status") co_return status_of_process(server_, facts());
  if (request.verb == "explain") co_return answer_explain(request);
  if (request.verb == "purge") co_return answer_purge(server_, purge_order(request));
  if (request.verb == "config") co_return co_await answer_config(std::move(request));
  if (request.verb == "reopen") co_return answer_reopen();
  if (request.verb == "drain") co_return answer_drain();
  if (request.verb == "stop") co_return answer_stop();
  static constexpr std::array<std::string_view, 8> kVerbs = {"reload", "status", "explain", "purge",
                                                             "config", "reopen", "drain",   "stop"};
  std::string text = fmt::format("the process knows no request \"{}\"; {}\n", request.verb,
                                 config::suggestion(request.verb, kVerbs));
  co_return ControlAnswer{false, std::move(text), {}};
}

namespace {

// The file wins, and whoever asked should know what it won over.
std::string superseded(const VersionPointer& before, const VersionPointer& now) {
  bool live = before && before->origin != VersionOrigin::file;
  if (!live || before == now) return {};
  return fmt::format(
      "changes that were made through the API are not in the file and no longer in force;\n"
      "`weir config diff {0} {1}` shows them, `weir config rollback {0}` brings them back\n",
      before->number, now->number);
}

}  // namespace

Task<ControlAnswer> Process::answer_config(ControlRequest request) {
  ApiAnswer answer = co_await api_.answer(to_api(request));
  co_return to_control(answer);
}

Task<ControlAnswer> Process::answer_reload(ControlRequest request) {
  ControlAnswer answer;
  if (!options_.config.readable_again()) {
    answer.text = "the configuration came from the standard input and cannot be read again\n";
    co_return answer;
  }
  VersionPointer before = live_.history().head();
  Loaded loaded = co_await load();
  log_reload(loaded);
  answer.ok = loaded.ok;
  answer.data = fmt::format(R"({{"generation":{},"diagnostics":{}}})", generation(),
                            loaded.diagnostics.render_json());
  answer.text = loaded.diagnostics.render(request.argument("colour") == "yes");
  if (loaded.ok) {
    answer.text += fmt::format("{} is in force (generation {})\n", config_name_, generation());
    answer.text += superseded(before, live_.history().head());
  } else if (phase_ == Phase::draining) {
    answer.text += "the process is about to end\n";
  } else {
    answer.text += fmt::format(
        "{} was refused; the configuration before it stays in force "
        "(generation {})\n",
        config_name_, generation());
  }
  co_return answer;
}

ControlAnswer Process::answer_explain(const ControlRequest& request) {
  std::shared_ptr<const Snapshot> snapshot = server_.snapshot();
  if (!snapshot) return {false, "the process is still starting\n", {}};
  ExplainedConfiguration configuration{*snapshot, config_name_, server_.listeners()};
  return explain(configuration, ExplainQuestion::from(request), loop_);
}

ControlAnswer Process::answer_reopen() {
  if (!server_.snapshot()) return {false, "the process is still starting\n", {}};
  if (!server_.snapshot()->config.access_log) return {true, "there is no access log\n", {}};
  config::Diagnostics diagnostics = reopen_access_log();
  if (!diagnostics.ok()) return {false, diagnostics.render(), {}};
  return {true, "the access log is open anew\n", {}};
}

ControlAnswer Process::answer_drain() {
  bool first = phase_ != Phase::draining;
  if (first) ask_to_end();
  std::string text = fmt::format("process {} {} (open connections: {}, drain timeout: {})\n",
                                 ::getpid(), first ? "drains" : "is draining already",
                                 connections(), config::write_duration(options_.drain_timeout));
  return {true, std::move(text), {}};
}

ControlAnswer Process::answer_stop() {
  std::uint64_t left = connections();
  if (phase_ != Phase::draining) ask_to_end();
  loop_.post([this] { server_.abort(); });
  return {true, fmt::format("process {} ends (open connections: {})\n", ::getpid(), left), {}};
}

ProcessFacts Process::facts() const {
  static constexpr std::array<std::string_view, 3> kPhases = {"starting", "running", "draining"};
  return {kPhases[static_cast<std::size_t>(phase_)], config_name_, host_.engine_name(), ::getpid(),
          loop_.now() - started_};
}

std::uint64_t Process::generation() const {
  return server_.snapshot() ? server_.snapshot()->generation : 0;
}

std::uint64_t Process::connections() const {
  std::uint64_t open = 0;
  for (const auto& listener : server_.listeners()) open += listener->limits.open();
  return open;
}

}  // namespace weir
