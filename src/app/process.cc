#include "app/process.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/log.h"
#include "core/recycle.h"
#include "io/dns/config.h"
#include "io/epoll_loop.h"
#include "server/observer.h"
#include "server/process_usage.h"

namespace weir {
namespace {

constexpr Duration kTlsFileInterval = std::chrono::seconds(2);
constexpr Duration kClusterInterval = std::chrono::seconds(1);
constexpr Duration kReleaseInterval = std::chrono::seconds(2);
constexpr Duration kEndingTime = std::chrono::seconds(15);  // after the drain, at most

std::shared_ptr<const dns::Settings> system_dns() {
  return std::make_shared<const dns::Settings>(dns::load_settings());
}

void print(std::FILE* file, const std::string& text) {
  std::fputs(text.c_str(), file);
  std::fflush(file);
}

// The signals that the process lives by come through a descriptor, to the control thread alone.
int block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int each : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set, each);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of its writer
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

void use_log_config(const LogConfig& config) {
  bool terminal = ::isatty(STDERR_FILENO);
  bool text = config.format == LogStyle::automatic ? terminal : config.format == LogStyle::text;
  set_log_text(text);
  set_log_level(config.level);
}

}  // namespace

int run_process(const RunOptions& options) {
  set_log_text(::isatty(STDERR_FILENO));
  int signals = block_signals();
  Result<std::unique_ptr<Loop>> loop = make_epoll_loop(0, system_seed());
  if (!loop || signals < 0) {
    print(stderr, "weir: the system gives no descriptors for a loop\n");
    return 1;
  }
  int status = Process(options, **loop).run(signals);
  ::close(signals);
  return status;
}

Process::Process(const RunOptions& options, Loop& loop)
    : options_(options),
      loop_(loop),
      started_(loop.now()),
      config_name_(options.config.name()),
      descriptors_(raise_descriptor_limit()),
      memory_(read_memory_limit()),
      supervisor_(&std::getenv, ::getpid()),
      turns_(loop),
      control_(loop, *this),
      discovery_(loop, system_dns(), system_seed()),
      health_(loop),
      access_log_(log_writer_),
      traces_(loop),
      status_(loop.wall_now(), {.usage = &read_process_usage,
                                .dns = [this] { return discovery_.status(); },
                                .access_log = [this] { return log_writer_.figures(); },
                                .health = &health_,
                                .overload = [this] { return server_.overload().figures(); },
                                .caches = [this] { return server_.caches(); },
                                .buffers = [this] { return server_.buffers(); },
                                .traces = [this] { return traces_.figures(); }}),
      host_(
          loop, options.engine,
          [this](Loop& worker) {
            return std::make_unique<Observer>(status_, access_log_, traces_, worker);
          },
          [this] { return before_workers(); }),
      live_(*this, loop),
      api_(live_, turns_, server_, status_, loop),
      admin_(status_, host_, &api_),
      server_(network_, host_),
      stapling_(loop, discovery_.resolver(), server_.certificates()) {
  server_.set_discovery(&discovery_);
  server_.set_health(&health_);
  server_.set_traces(&traces_);
  server_.set_admin(&admin_);
}

int Process::run(int signals) {
  Scope life;
  life.spawn(live(signals));
  loop_.run();
  return exit_status_;
}

Task<void> Process::live(int signals) {
  tasks_.spawn(watch_signals(signals));
  if (co_await start()) {
    phase_ = Phase::running;
    exit_status_ = 0;
    co_await restore();
    announce();
    tasks_.spawn(watch_tls_files(tasks_.token()));
    tasks_.spawn(tend_clusters(tasks_.token()));
    tasks_.spawn(watch_load(tasks_.token()));
    tasks_.spawn(show_life(tasks_.token()));
    co_await end_asked_;
  }
  co_await drain();
  co_await control_.finish();
  co_await api_.finish();
  tasks_.stop(Error(ErrorCode::shutting_down));
  co_await tasks_.join();
  co_await stapling_.finish();
  co_await traces_.finish();
  co_await health_.finish();
  co_await discovery_.finish();
  if (exit_status_ == 0) log("ended", {});
  loop_.stop();
}

// --- the start ---------------------------------------------------------------------------------

Task<bool> Process::start() {
  if (!claim_control()) co_return false;
  for (const std::string& name : network_.adopt(&std::getenv, ::getpid())) {
    print(stderr, fmt::format("weir: the socket {} of the service manager is not one that listens "
                              "for connections, and was closed\n",
                              name));
  }
  Loaded loaded = co_await load();
  print(stderr, loaded.diagnostics.render(::isatty(STDERR_FILENO)));
  co_return loaded.ok;
}

Status Process::claim_control() {
  std::string path = options_.control_path.empty() ? control_path() : options_.control_path;
  auto claimed = socket_.claim(path);
  if (!claimed) {
    print(stderr, fmt::format("weir: {}\n", claimed.error()));
    return fail(ErrorCode::address_in_use, Origin::weir);
  }
  return control_.listen(socket_.socket());
}

// The listeners are bound. From here on requests may come, and each has its line in the log.
Status Process::before_workers() {
  if (account_) {
    socket_.give_to(account_->user, account_->group);
    auto became = become(*account_);
    if (!became) {
      print(stderr,
            fmt::format("weir: cannot become user {}: {}\n", account_->name, became.error()));
      return fail(ErrorCode::permission, Origin::weir, "the user of the configuration");
    }
  }
  if (first_log_) access_log_.use(std::move(*first_log_));
  first_log_.reset();
  return {};
}

void Process::announce() {
  std::vector<std::string> addresses;
  for (const auto& listener : server_.listeners()) addresses.push_back(listener->bound.text());
  log("ready", {{"config", config_name_},
                {"listeners", fmt::format("{}", fmt::join(addresses, " "))},
                {"workers", std::to_string(server_.worker_count())},
                {"engine", host_.engine_name()},
                {"control", socket_.path()},
                {"pid", std::to_string(::getpid())}});
  for (const Address& each : network_.unwanted()) {
    print(stderr, fmt::format("weir: the service manager listens on {}, which is no listener's "
                              "address: clients there wait for nothing\n",
                              each.text()));
  }
  supervisor_.ready(state_text());
  // A log that goes to the standard output is for programs, unless someone looks at it.
  const auto& log = server_.snapshot()->config.access_log;
  bool logged_there = log && !log->syslog && *log->file == "stdout";
  if (!logged_there || ::isatty(STDOUT_FILENO)) print(stdout, greeting(server_, facts()));
}

// --- configurations ----------------------------------------------------------------------------

Task<Process::Loaded> Process::load() {
  Turn turn = co_await turns_.take();
  bool again = phase_ == Phase::running;
  if (again) discovery_.configure(system_dns());
  if (again) supervisor_.reloading();
  Loaded loaded;
  std::optional<FileConfig> file = load_file(options_.config, loaded.diagnostics);
  if (file) loaded.ok = co_await live_.use_file(std::move(*file), loaded.diagnostics);
  if (!loaded.ok) status_.refuse();
  if (again && phase_ == Phase::running)
    supervisor_.ready((loaded.ok ? "" : "a reload was refused; ") + state_text());
  co_return loaded;
}

Task<void> Process::restore() {
  Turn turn = co_await turns_.take();
  co_await live_.restore();
}

bool Process::check(ServerConfig config, config::Diagnostics& diagnostics) {
  account_to_become(config, diagnostics);
  return compile_config(std::move(config), diagnostics) != nullptr;
}

// Nothing changes unless all of it can be put in force.
Task<bool> Process::put_in_force(ServerConfig config, config::Diagnostics& diagnostics, Seal seal) {
  std::optional<Account> account = account_to_become(config, diagnostics);
  if (!diagnostics.ok()) co_return false;
  unsigned workers = config.workers.value_or(host_.default_workers());
  settle_connection_limit(config, descriptors_, workers, diagnostics);
  co_await discovery_.prepare(config);
  if (phase_ == Phase::draining) co_return false;
  std::optional<AccessLog::Prepared> log =
      access_log_.prepare(config.access_log, config.redact, diagnostics);
  if (!log) co_return false;
  if (phase_ == Phase::starting) {
    account_ = account;
    if (account_) log->file.give_to(account_->user, account_->group);
  }
  LogConfig messages = config.log;
  Event in_force;
  auto done = [&in_force] { in_force.set(); };
  bool first = phase_ == Phase::starting;
  if (first) first_log_ = std::move(*log);
  if (!server_.apply(std::move(config), diagnostics, done, seal)) co_return false;
  if (!first) access_log_.use(std::move(*log));
  use_log_config(messages);
  status_.use(server_);
  co_await in_force;
  co_return true;
}

// Certificates are renewed on disk; nobody should have to reload for that.
Task<void> Process::watch_tls_files(StopToken stop) {
  do {
    stapling_.look();
    server_.refresh_tls(loop_.now());
  } while (co_await loop_.sleep_for(kTlsFileInterval, stop));
}

Task<void> Process::tend_clusters(StopToken stop) {
  do {
    server_.tend_clusters(loop_.now(), loop_.wall_now());
    server_.tend_limits(loop_.now());
    log_repeats();
  } while (co_await loop_.sleep_for(kClusterInterval, stop));
}

// Above its memory ceiling the process keeps nothing for reuse.
Task<void> Process::watch_load(StopToken stop) {
  TimePoint released{};
  while (co_await loop_.sleep_for(Overload::kInterval, stop)) {
    TimePoint now = loop_.now();
    server_.sense_load(now, read_resident_bytes(), memory_);
    if (!server_.overload().figures().memory || now - released < kReleaseInterval) continue;
    released = now;
    server_.on_each_worker([](Worker&) { recycle_trim(); }, [] { release_free_memory(); });
  }
}

// Says that the process lives each time that every worker has answered. One that hangs never does,
// and the supervisor's patience ends.
Task<void> Process::show_life(StopToken stop) {
  if (supervisor_.watchdog() == Duration::zero()) co_return;
  while (co_await loop_.sleep_for(supervisor_.watchdog() / 4, stop)) {
    if (std::exchange(workers_asked_, true)) continue;
    server_.on_each_worker([](Worker&) {},
                           [this] {
                             workers_asked_ = false;
                             supervisor_.alive();
                           });
  }
}

std::string Process::state_text() const {
  return fmt::format("generation {} of {}, {} listeners, {} workers", generation(), config_name_,
                     server_.listeners().size(), server_.worker_count());
}

// --- signals -----------------------------------------------------------------------------------

Task<void> Process::watch_signals(int signals) {
  while (true) {
    Status ready = co_await loop_.wait_ready(signals, false, tasks_.token());
    if (!ready) co_return;
    signalfd_siginfo info;
    if (::read(signals, &info, sizeof info) != sizeof info) continue;
    if (info.ssi_signo == SIGUSR1) {
      reopen_access_log();
    } else if (info.ssi_signo != SIGHUP) {
      ask_to_end();
    } else if (!signal_reload_) {
      tasks_.spawn(reload_by_signal());
    }
  }
}

// After a rotation: the file at the path is another one now.
config::Diagnostics Process::reopen_access_log() {
  config::Diagnostics diagnostics;
  if (phase_ == Phase::starting || !server_.snapshot()) return diagnostics;
  const ServerConfig& config = server_.snapshot()->config;
  if (!config.access_log) return diagnostics;
  auto opened = access_log_.prepare(config.access_log, config.redact, diagnostics);
  if (!opened) {
    log("access_log_not_reopened", {{"diagnostics", diagnostics.render()}});
    return diagnostics;
  }
  access_log_.use(std::move(*opened));
  log("access_log_reopened", {});
  return diagnostics;
}

Task<void> Process::reload_by_signal() {
  signal_reload_ = true;
  log_reload(co_await load());
  signal_reload_ = false;
}

void Process::log_reload(const Loaded& loaded) const {
  std::string number = std::to_string(generation());
  if (loaded.ok) {
    log("reloaded", {{"config", config_name_}, {"generation", number}});
  } else {
    log("reload_refused", {{"config", config_name_},
                           {"generation", number},
                           {"diagnostics", loaded.diagnostics.render()}});
  }
}

// --- the end -----------------------------------------------------------------------------------

// The first time asks; whoever asks again does not want to wait.
void Process::ask_to_end() {
  if (phase_ == Phase::draining) {
    server_.abort();
  } else {
    loop_.post([this] { end_asked_.set(); });
  }
}

Task<void> Process::drain() {
  phase_ = Phase::draining;
  status_.drain();
  if (exit_status_ == 0) {
    log("draining", {{"connections", std::to_string(connections())}});
    supervisor_.stopping(options_.drain_timeout + kEndingTime,
                         fmt::format("drains, {} connections", connections()));
  }
  Event empty;
  server_.drain([&empty] { empty.set(); });
  tasks_.spawn(cut_later(tasks_.token()));
  co_await empty;
}

Task<void> Process::cut_later(StopToken stop) {
  Status waited = co_await loop_.sleep_for(options_.drain_timeout, stop);
  if (!waited) co_return;
  log("drain_cut_short", {{"connections", std::to_string(connections())}});
  server_.abort();
}

}  // namespace weir
