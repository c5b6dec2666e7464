// ExchangeObserver: who is told of everything that has ended on a worker.
#pragma once

#include "http/exchange.h"
#include "http/trace.h"
#include "tunnel/record.h"

namespace weir {

/// Told about every exchange and every tunnel that ended, once; one per worker, outlives its
/// services.
class ExchangeObserver {
 public:
  virtual ~ExchangeObserver() = default;
  virtual void exchange_ended(Exchange& exchange) = 0;
  virtual void tunnel_ended(const TunnelRecord&) {}
  /// Who takes what is traced; null: nothing is.
  virtual TraceSink* traces() { return nullptr; }
};

}  // namespace weir
