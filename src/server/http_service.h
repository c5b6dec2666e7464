// One HTTP listener on one worker: gives connections to sessions, and pins the configuration of
// each exchange.
#pragma once

#include <memory>
#include <string_view>

#include "core/list.h"
#include "http/service.h"
#include "server/exchange_observer.h"
#include "server/listener_service.h"

namespace weir {

class HttpService final : public ListenerService, public Service {
 public:
  /// `load` is the worker's, `observer` too.
  HttpService(Loop& loop, std::shared_ptr<SharedListener> shared, ExchangeObserver& observer,
              WorkerLoad& load)
      : ListenerService(loop, std::move(shared)), observer_(observer), load_(load) {}

  void use(PinnedSnapshot& pinned, const ListenerPlan& plan) override;
  /// Sessions end after their current exchange, idle ones at once.
  void drain() override;
  /// Connections that cannot move (TLS) end after their next exchange: no client loses the request
  /// that it is just sending.
  void retire(MoveConnection others) override;
  bool adopt(const MovedConnection& moved) override;
  void abort(const Error& why) override;

  const SessionLimits& limits() const override { return limits_; }
  const Handler& attach(Exchange& exchange) override;
  void detach(Exchange& exchange) override;
  void closed(const Peer& peer) override { left(peer); }
  bool take_over_http2(std::unique_ptr<Stream>& stream, const ConnectionFacts& facts,
                       Slice& unread) override;
  SessionCounters& counters() override { return *counters_; }
  bool draining() const override { return draining_; }
  bool retiring() const override { return others_ != nullptr; }
  bool hand_over(std::unique_ptr<Stream>& stream, const Peer& peer,
                 std::string_view received) override;

 private:
  void begin(std::unique_ptr<Stream> stream, Arrival facts, Slice received) override;
  void begin_trace(Exchange& exchange);
  void begin_session(std::unique_ptr<Stream> stream, const ConnectionFacts& facts, Slice received);

  ExchangeObserver& observer_;
  WorkerLoad& load_;
  SessionLimits limits_;
  Link sessions_;
  MoveConnection others_;
};

}  // namespace weir
