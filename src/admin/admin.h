// Admin: what the admin listener answers: dashboard, metrics, health, readiness, endpoints, log,
// the effective configuration.
#pragma once

#include <functional>
#include <string>

#include "http/exchange.h"
#include "http/handler.h"
#include "server/process_status.h"
#include "server/server.h"

namespace weir {

/// Runs on the workers' loops like every handler. What takes time in proportion to the
/// configuration or the log (/metrics, /endpoints, /config, /log) is written on the thread that
/// owns the server, so that a scrape stalls no worker; health and readiness ask nobody. Reads only;
/// answers JSON, but for /metrics and the dashboard. Errors: 404, and 405 with Allow for every
/// method but GET and HEAD.
class Admin final : public Handler {
 public:
  /// Both outlive every exchange.
  Admin(ProcessStatus& status, WorkerHost& host) : status_(status), host_(host) {}
  Task<Result<Response>> handle(Exchange& exchange) const override;

 private:
  Task<Result<Response>> log_page(Exchange& exchange) const;
  Task<std::string> on_owner(Loop& loop, std::function<std::string()> write) const;
  std::string ready_json(bool& ready) const;
  std::string config_json() const;

  ProcessStatus& status_;
  WorkerHost& host_;
};

}  // namespace weir
