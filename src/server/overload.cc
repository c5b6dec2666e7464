#include "server/overload.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "config/values.h"
#include "core/log.h"
#include "http/exchange.h"

namespace weir {
namespace {

constexpr double kLess = 0.8;  // from sample to sample
constexpr double kMore = 1.25;
constexpr double kAtFirst =
    4;  // requests of each worker, at least: a moment's lag stops no idle one
constexpr double kMost = 1e15;
constexpr double kBelow = 0.9;             // of a ceiling: where it grows again
constexpr std::uint16_t kRetrySpread = 4;  // seconds over which clients are to come again

}  // namespace

OverloadPolicy policy_of(const OverloadConfig& config, std::uint64_t limit) {
  OverloadPolicy policy;
  policy.max_memory = config.max_memory ? config.max_memory->bytes : limit / 10 * 9;
  policy.max_lag = config.max_lag.value_or(Duration::zero());
  return policy;
}

Task<Result<Response>> Overload::Refusal::handle(Exchange& exchange) const {
  Error error(ErrorCode::overloaded, Origin::weir, "the process has too much to do");
  error.retry_after = static_cast<std::uint16_t>(1 + exchange.loop().random().below(kRetrySpread));
  co_return std::unexpected(error);
}

void Overload::Allowed::begin(double under_way) {
  now = std::clamp(under_way, least, kMost);
  enough = 2 * std::max(now, 1.0);
}

void Overload::Allowed::less() { now = std::max(least, std::floor(now * kLess)); }

void Overload::Allowed::more() { now = std::min(kMost, std::max(now + 1, now * kMore)); }

void Overload::sense(const OverloadPolicy& policy, const Sample& sample) {
  auto memory = static_cast<double>(sample.memory) /
                static_cast<double>(policy.max_memory > 0 ? policy.max_memory : kUnlimited);
  auto lag = policy.max_lag > Duration::zero() ? static_cast<double>(sample.lag.count()) /
                                                     static_cast<double>(policy.max_lag.count())
                                               : 0;
  memory_.store(memory > 1, std::memory_order_relaxed);
  lag_.store(lag > 1, std::memory_order_relaxed);
  double pressure = std::max(memory, lag);
  if (!overloaded_) {
    if (pressure <= 1) return;
    return begin(policy, sample);
  }
  if (pressure > 1) {
    allowed_requests_.less();
    allowed_connections_.less();
  } else if (pressure < kBelow) {
    allowed_requests_.more();
    allowed_connections_.more();
    if (allowed_requests_.now >= allowed_requests_.enough) return end();
  }
  publish(sample.workers);
}

void Overload::begin(const OverloadPolicy& policy, const Sample& sample) {
  WorkerLoad load;
  loads_.add_to(load);
  overloaded_ = true;
  double first = kAtFirst * sample.workers;
  allowed_requests_.begin(std::max(first, static_cast<double>(load.requests.value())));
  allowed_connections_.least = kLeastConnections;
  allowed_connections_.begin(static_cast<double>(sample.connections));
  publish(sample.workers);  // before the line: who reads it may go by it
  log("overload_began",
      {{"memory", config::write_byte_size({sample.memory})},
       {"max_memory", policy.max_memory > 0 ? config::write_byte_size({policy.max_memory}) : "off"},
       {"lag", fmt::format("{}ms", sample.lag / std::chrono::milliseconds(1))},
       {"max_lag",
        policy.max_lag > Duration::zero() ? config::write_duration(policy.max_lag) : "off"},
       {"requests", std::to_string(load.requests.value())},
       {"connections", std::to_string(sample.connections)}});
}

void Overload::end() {
  overloaded_ = false;
  connections_.store(kUnlimited, std::memory_order_relaxed);
  requests_.store(kUnlimited, std::memory_order_relaxed);
  OverloadFigures told = figures();
  log("overload_ended", {{"refused_requests", std::to_string(told.refused_requests)},
                         {"refused_connections", std::to_string(told.refused_connections)}});
}

OverloadFigures Overload::figures() const {
  constexpr auto relaxed = std::memory_order_relaxed;
  return {.memory = memory_.load(relaxed),
          .lag = lag_.load(relaxed),
          .refused_requests = refused_requests_.load(relaxed),
          .refused_connections = refused_connections_.load(relaxed)};
}

// Requests are shared out evenly: a worker that has fewer leaves the rest unused.
void Overload::publish(unsigned workers) {
  requests_.store(static_cast<std::uint64_t>(allowed_requests_.now / std::max(1u, workers)),
                  std::memory_order_relaxed);
  connections_.store(static_cast<std::uint64_t>(allowed_connections_.now),
                     std::memory_order_relaxed);
}

}  // namespace weir
