#include "app/run.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>
#include <optional>

#include "config/parse.h"
#include "core/log.h"
#include "io/epoll_loop.h"
#include "io/sockets.h"
#include "server/server.h"

namespace weir {
namespace {

struct Unobserved final : ExchangeObserver {
  void exchange_ended(Exchange&) override {}
};

class Process {
 public:
  Process(const RunOptions& options, Loop& loop)
      : options_(options),
        loop_(loop),
        host_(loop, options.engine, [](Loop&) { return std::make_unique<Unobserved>(); }),
        server_(network_, host_) {}

  bool load() {
    config::Diagnostics diagnostics;
    std::optional<config::Document> document;
    if (options_.config_path.empty()) {
      document = config::read_text("command line", options_.config_text, diagnostics);
    } else {
      document = config::read_file(options_.config_path, diagnostics);
    }
    bool ok = false;
    if (document) {
      ServerConfig config = parse_server_config(*document, diagnostics);
      ok = diagnostics.ok() && server_.apply(std::move(config), diagnostics, [] {
        log_info("configuration_in_force", {});
      });
    }
    std::string text = diagnostics.render(::isatty(STDERR_FILENO));
    std::fputs(text.c_str(), stderr);
    return ok;
  }

  Task<void> watch_signals(int signals) {
    while (true) {
      Status ready = co_await loop_.wait_ready(signals, false);
      if (!ready) co_return;
      signalfd_siginfo info;
      if (::read(signals, &info, sizeof info) != sizeof info) continue;
      if (info.ssi_signo == SIGHUP) {
        load();
      } else {
        begin_end();
      }
    }
  }

  void begin_end() {
    if (ending_) {
      server_.abort();
      return;
    }
    ending_ = true;
    log_info("draining", {});
    scope_.spawn(limit_drain());
    server_.drain([this] { loop_.stop(); });
  }

  Task<void> limit_drain() {
    co_await loop_.sleep_for(options_.drain_timeout, stop_.token());
    server_.abort();
  }

  void join() { host_.join(); }

 private:
  const RunOptions& options_;
  Loop& loop_;
  KernelNetwork network_;
  ThreadHost host_;
  Server server_;
  Scope scope_;
  StopSource stop_;
  bool ending_ = false;
};

int block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int each : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, each);
  ::signal(SIGPIPE, SIG_IGN);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

}  // namespace

int run(const RunOptions& options) {
  raise_descriptor_limit();
  int signals = block_signals();
  Result<std::unique_ptr<Loop>> loop = make_epoll_loop(0, 1);
  if (!loop) return 1;
  Process process(options, **loop);
  if (!process.load()) return 1;
  Scope scope;
  scope.spawn(process.watch_signals(signals));
  (*loop)->run();
  process.join();
  std::fflush(nullptr);
  ::_exit(0);
}

}  // namespace weir
