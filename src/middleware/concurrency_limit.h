// concurrency_limit: refuses requests of a client, or another key, that has too many under way.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/keyed_numbers.h"
#include "expression/budget_key.h"
#include "expression/expression.h"
#include "http/handler.h"
#include "middleware/concurrency_limit_config.h"
#include "upstream/build_parts.h"

namespace weir {

/// What is under way, for all workers; outlives configurations by its name. As many keys as there
/// are requests under way at most.
class RequestsUnderWay {
 public:
  RequestsUnderWay();
  bool enter(std::uint64_t key, std::uint32_t max);
  void leave(std::uint64_t key);

  std::uint64_t seed() const { return seed_; }
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }
  std::size_t keys() const { return counts_.keys(0); }

 private:
  KeyedNumbers counts_;
  std::atomic<std::uint64_t> refused_{0};
  std::uint64_t seed_ = 0;
};

class ConcurrencyLimitMiddleware final : public Middleware {
 public:
  ConcurrencyLimitMiddleware(const ConcurrencyLimitConfig& config, const BuildParts& parts);
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;

 private:
  static Task<Result<Response>> refuse(Exchange& exchange);

  std::shared_ptr<RequestsUnderWay> under_way_;
  expression::BudgetKey key_;
  std::optional<expression::Expression> when_;
  std::uint32_t max_;
};

}  // namespace weir
