// Admin: what the admin listener answers: dashboard, metrics, health, readiness, endpoints, log,
// and the API that reads and changes the configuration.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "admin/api.h"
#include "http/exchange.h"
#include "http/handler.h"
#include "server/process_status.h"
#include "server/server.h"

namespace weir {

/// Runs on the workers' loops like every handler. What takes time in proportion to the
/// configuration or the log is done on the thread that owns the server, so that it stalls no
/// worker; health and readiness ask nobody. Who may ask is decided before (`server/admin_gate.h`).
/// Answers JSON, but for /metrics and the dashboard. Errors: 404, 405 with Allow, 413, and those of
/// the API.
class Admin final : public Handler {
 public:
  /// Bytes of one request's body, and of all that are held at a time.
  static constexpr std::size_t kMostBody = 4u << 20;
  static constexpr std::size_t kMostHeld = 64u << 20;

  /// All outlive every exchange. Without `api` there are only pages.
  Admin(ProcessStatus& status, WorkerHost& host, AdminApi* api = nullptr)
      : status_(status), host_(host), api_(api) {}
  Task<Result<Response>> handle(Exchange& exchange) const override;

 private:
  Task<Result<Response>> page(Exchange& exchange) const;
  Task<Result<Response>> ask_api(Exchange& exchange) const;
  Task<Result<Response>> log_page(Exchange& exchange) const;
  Task<std::string> on_owner(Loop& loop, std::function<std::string()> write) const;
  std::string ready_json(bool& ready) const;

  ProcessStatus& status_;
  WorkerHost& host_;
  AdminApi* api_;
  mutable std::atomic<std::size_t> held_{0};  // bytes of bodies, over all workers
};

}  // namespace weir
