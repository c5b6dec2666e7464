// Process: the life of `weir run`: start, serve, reload, drain, end.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "admin/admin.h"
#include "admin/config_switch.h"
#include "admin/live_config.h"
#include "admin/turns.h"
#include "app/activation.h"
#include "app/control_server.h"
#include "app/control_socket.h"
#include "app/event.h"
#include "app/loaded_config.h"
#include "app/privileges.h"
#include "app/status.h"
#include "app/supervisor.h"
#include "app/thread_host.h"
#include "server/access_log.h"
#include "server/endpoint_discovery.h"
#include "server/health_checks.h"
#include "server/log_writer.h"
#include "server/ocsp_stapling.h"
#include "server/process_status.h"
#include "server/server.h"
#include "server/trace_exporter.h"

namespace weir {

struct RunOptions {
  ConfigSource config;
  Engine engine = kDefaultEngine;
  Duration drain_timeout = std::chrono::seconds(30);
  std::string control_path;  // empty: the default place
};

/// Returns the exit status: 0 after an orderly end, 1 if the start failed. SIGHUP reloads, SIGTERM
/// and SIGINT drain, a second one cuts what is left. Called once, from the only thread.
int run_process(const RunOptions& options);

/// Everything of the process that is not a worker; lives on the control thread's loop.
class Process final : ControlHandler, ConfigSwitch {
 public:
  /// Both outlive the process.
  Process(const RunOptions& options, Loop& loop);

  /// Runs from start to end; `signals` is a signalfd. Gives the exit status.
  int run(int signals);

 private:
  enum class Phase : std::uint8_t { starting, running, draining };
  struct Loaded {
    bool ok = false;
    config::Diagnostics diagnostics;
  };

  // process.cc
  Task<void> live(int signals);
  Task<bool> start();
  Status claim_control();
  Status before_workers();
  void announce();
  Task<Loaded> load();
  Task<void> restore();
  bool check(ServerConfig config, config::Diagnostics& diagnostics) override;
  Task<bool> put_in_force(ServerConfig config, config::Diagnostics& diagnostics,
                          Seal seal) override;
  Task<void> watch_signals(int signals);
  Task<void> reload_by_signal();
  config::Diagnostics reopen_access_log();
  void log_reload(const Loaded& loaded) const;
  void ask_to_end();
  Task<void> drain();
  Task<void> cut_later(StopToken stop);
  Task<void> watch_tls_files(StopToken stop);
  Task<void> tend_clusters(StopToken stop);
  Task<void> watch_load(StopToken stop);
  Task<void> show_life(StopToken stop);
  std::string state_text() const;

  // process_answers.cc
  Task<ControlAnswer> answer(ControlRequest request) override;
  Task<ControlAnswer> answer_reload(ControlRequest request);
  Task<ControlAnswer> answer_config(ControlRequest request);
  ControlAnswer answer_explain(const ControlRequest& request);
  ControlAnswer answer_reopen();
  ControlAnswer answer_drain();
  ControlAnswer answer_stop();
  ProcessFacts facts() const;
  std::uint64_t generation() const;
  std::uint64_t connections() const;

  const RunOptions& options_;
  Loop& loop_;
  const TimePoint started_;
  const std::string config_name_;
  const std::size_t descriptors_;  // that the system lets the process have
  const std::uint64_t memory_;     // bytes, the same; 0: no bound
  Supervisor supervisor_;
  bool workers_asked_ = false;  // whether they live, and not all have answered
  Phase phase_ = Phase::starting;
  Turns turns_;                                   // one configuration at a time
  bool signal_reload_ = false;                    // one that a signal asked for is under way
  std::optional<Account> account_;                // to become before the first thread
  std::optional<AccessLog::Prepared> first_log_;  // in use before the first request
  ActivatedNetwork network_;
  ControlSocket socket_;
  ControlServer control_;
  EndpointDiscovery discovery_;
  HealthChecks health_;
  LogWriter log_writer_;
  AccessLog access_log_;
  TraceExporter traces_;
  ProcessStatus status_;
  ThreadHost host_;
  LiveConfig live_;
  AdminApi api_;
  Admin admin_;
  Server server_;
  OcspStapling stapling_;
  Scope tasks_;
  Event end_asked_;
  int exit_status_ = 1;
};

}  // namespace weir
