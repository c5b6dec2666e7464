// Overload: how much new work the process takes while it has too much.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "core/counter.h"
#include "core/gathered.h"
#include "http/handler.h"
#include "io/timer.h"
#include "server/overload_config.h"

namespace weir {

/// 0: no ceiling.
struct OverloadPolicy {
  std::uint64_t max_memory = 0;  // bytes
  Duration max_lag{0};

  bool on() const { return max_memory > 0 || max_lag > Duration::zero(); }
};

/// `limit`: of the memory that the system lets the process have; 0: not bounded.
OverloadPolicy policy_of(const OverloadConfig& config, std::uint64_t limit);

struct OverloadFigures {
  bool memory = false;  // above its ceiling
  bool lag = false;
  std::uint64_t refused_requests = 0;
  std::uint64_t refused_connections = 0;
};

/// What a worker has under way.
struct WorkerLoad {
  Counter requests;

  void add(const WorkerLoad& other) { requests.add(other.requests.value()); }
};

/// One per process. Above a ceiling, what may be under way is what is under way at that moment, or
/// a little if that is next to nothing, and less from sample to sample: a new request is refused
/// while the running ones finish. Connections are cheaper to refuse, and are cut back the same way;
/// a few are always let in, so that a client hears why. Below nine tenths of the ceilings more and
/// more may be under way again, until it is twice what it was at the beginning; then the overload
/// is over.
class Overload {
 public:
  /// Of the whole process.
  struct Sample {
    std::uint64_t memory = 0;  // resident bytes
    Duration lag{0};
    std::uint64_t connections = 0;
    unsigned workers = 1;
  };

  /// Between two samples.
  static constexpr Duration kInterval = std::chrono::milliseconds(250);
  static constexpr std::uint64_t kLeastConnections = 64;

  /// The owner's thread. Logs a line when an overload begins and when it ends.
  void sense(const OverloadPolicy& policy, const Sample& sample);

  /// By a worker, for each connection that comes, when `open` are, itself included.
  bool refuses_connection(std::uint64_t open) {
    if (open <= connections_.load(std::memory_order_relaxed)) return false;
    refused_connections_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  /// By a worker, for each request that comes, itself included in `load`.
  bool refuses_request(const WorkerLoad& load) {
    if (load.requests.value() <= requests_.load(std::memory_order_relaxed)) return false;
    refused_requests_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  /// Answers what is refused: 503, and after how long to try again.
  const Handler& refusal() const { return refusal_; }

  Gathered<WorkerLoad>& loads() { return loads_; }
  /// Any thread.
  OverloadFigures figures() const;

 private:
  class Refusal final : public Handler {
   public:
    Task<Result<Response>> handle(Exchange& exchange) const override;
  };
  /// What may be under way, as it moves.
  struct Allowed {
    double now = 0;
    double enough = 0;  // when there are that many again, it is over
    double least = 0;

    void begin(double under_way);
    void less();
    void more();
  };

  void begin(const OverloadPolicy& policy, const Sample& sample);
  void end();
  void publish(unsigned workers);

  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();
  std::atomic<std::uint64_t> connections_{kUnlimited};
  std::atomic<std::uint64_t> requests_{kUnlimited};  // of one worker
  std::atomic<std::uint64_t> refused_connections_{0};
  std::atomic<std::uint64_t> refused_requests_{0};
  std::atomic<bool> memory_{false};
  std::atomic<bool> lag_{false};
  Gathered<WorkerLoad> loads_;
  Refusal refusal_;
  bool overloaded_ = false;
  Allowed allowed_requests_;
  Allowed allowed_connections_;
};

}  // namespace weir
