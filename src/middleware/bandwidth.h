// bandwidth: sends the bodies of responses no faster than so many bytes in a second.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/keyed_numbers.h"
#include "expression/budget_key.h"
#include "expression/expression.h"
#include "http/handler.h"
#include "middleware/bandwidth_config.h"
#include "upstream/build_parts.h"

namespace weir {

/// A rate of bytes. Whoever wants to send takes a place in time, and sends when it has come.
struct BytePace {
  std::uint64_t per_second = 1;
  std::uint64_t burst = 1;  // bytes

  std::int64_t time_of(std::uint64_t bytes) const;

  /// Time until `bytes` may be sent, whose place is taken if that is at most `patience`.
  Duration take(std::int64_t& full_at, TimePoint now, std::uint64_t bytes, Duration patience) const;
};

/// By key, when its budget is whole again; for all workers.
class ByteBudgets {
 public:
  ByteBudgets();
  std::uint64_t seed() const { return seed_; }

  KeyedNumbers full_at;
  std::atomic<std::uint64_t> waits{0};  // pieces of bodies that had to wait for their time

 private:
  std::uint64_t seed_ = 0;
};

class BandwidthMiddleware final : public Middleware {
 public:
  BandwidthMiddleware(const BandwidthConfig& config, const BuildParts& parts);
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;

 private:
  Task<Result<Response>> slow_down(Exchange& exchange, Next next) const;

  BytePace pace_;
  std::shared_ptr<ByteBudgets> budgets_;  // null without a key
  expression::BudgetKey key_;
  std::optional<expression::Expression> when_;
};

}  // namespace weir
