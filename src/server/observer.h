// Observer: what a worker does with every exchange that has ended: count it, then log it.
#pragma once

#include <memory>

#include "server/access_log.h"
#include "server/exchange_observer.h"
#include "server/process_status.h"

namespace weir {

class Observer final : public ExchangeObserver {
 public:
  /// Both outlive the worker.
  Observer(ProcessStatus& status, AccessLog& log, Loop& loop)
      : status_(status), metrics_(status.join(loop)), log_(log), loop_(loop) {}
  ~Observer() override { status_.leave(metrics_); }

  void exchange_ended(Exchange& exchange) override {
    metrics_->record(exchange);
    log_.write(exchange);
  }
  void tunnel_ended(const TunnelRecord& record) override { log_.write(record, loop_.wall_now()); }

 private:
  ProcessStatus& status_;
  std::shared_ptr<WorkerMetrics> metrics_;
  WorkerLog log_;
  Loop& loop_;
};

}  // namespace weir
