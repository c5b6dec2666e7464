// Observer: what a worker does with every exchange that has ended: count it, then log it. Traces
// tell of their end themselves.
#pragma once

#include <memory>

#include "server/access_log.h"
#include "server/exchange_observer.h"
#include "server/process_status.h"
#include "server/trace_exporter.h"

namespace weir {

class Observer final : public ExchangeObserver {
 public:
  /// All outlive the worker.
  Observer(ProcessStatus& status, AccessLog& log, TraceExporter& traces, Loop& loop)
      : status_(status),
        metrics_(status.join(loop)),
        log_(log),
        traces_(traces.join()),
        loop_(loop) {}
  ~Observer() override { status_.leave(metrics_); }

  void exchange_ended(Exchange& exchange) override {
    metrics_->record(exchange);
    log_.write(exchange);
  }
  TraceSink* traces() override { return traces_.get(); }
  void tunnel_ended(const TunnelRecord& record) override { log_.write(record, loop_.wall_now()); }

 private:
  ProcessStatus& status_;
  std::shared_ptr<WorkerMetrics> metrics_;
  WorkerLog log_;
  std::unique_ptr<TraceRecorder> traces_;
  Loop& loop_;
};

}  // namespace weir
