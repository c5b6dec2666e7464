// RateLimit: a limit as one configuration has it, and what it remembers over configurations.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/gcra.h"
#include "core/keyed_numbers.h"
#include "expression/budget_key.h"
#include "http/exchange.h"
#include "middleware/rate_limit/shared.h"
#include "middleware/rate_limit_config.h"
#include "upstream/build_parts.h"

namespace weir {

/// `denied`: the store was away, and the policy says so.
enum class RateLimitResult : std::uint8_t { allowed, limited, shadowed, denied };
inline constexpr std::size_t kRateLimitResults = 4;
std::string_view name(RateLimitResult result);

/// What the keys of one limit have used, for all workers; outlives configurations by its name.
class RateBudgets {
 public:
  RateBudgets();

  void count(unsigned worker, RateLimitResult result) {
    auto& counter = counts_[worker % kStripes].of[static_cast<std::size_t>(result)];
    counter.fetch_add(1, std::memory_order_relaxed);
  }
  std::uint64_t counted(RateLimitResult result) const;
  std::uint64_t seed() const { return seed_; }

  /// Forgets keys whose budget is whole. To be called about every second.
  void tend(TimePoint now);
  /// Those whose budget was not whole when it was last tended.
  std::size_t keys() const { return full_at.keys(tended_.load(std::memory_order_relaxed)); }

  /// By key, when its budget is full again: on the monotonic clock, in nanoseconds.
  KeyedNumbers full_at;

 private:
  static constexpr std::size_t kStripes = 8;
  struct alignas(64) Counts {
    std::array<std::atomic<std::uint64_t>, kRateLimitResults> of{};
  };
  std::array<Counts, kStripes> counts_;
  std::atomic<std::int64_t> tended_{0};
  std::uint64_t seed_;
};

class RateLimit {
 public:
  /// `label`: in `RateLimit` fields. `name`: of its budgets, here and in a store.
  RateLimit(const RateLimitConfig& config, std::string label, const std::string& name,
            const BuildParts& parts);

  /// Draws on the exchange's budget in this process, and counts what came of it.
  Gcra::Answer take(Exchange& exchange) const;

  /// Whether the budgets are in a store: then take_shared is asked.
  bool shared() const { return shared_.has_value(); }
  /// The same there. While it does not answer the policy says what happens; an error is a refusal.
  Task<Result<Gcra::Answer>> take_shared(Exchange& exchange) const;

  /// Whether refusals are only counted.
  bool shadow() const { return shadow_; }
  /// Whether responses tell of it; not in shadow.
  bool has_fields() const { return has_fields_; }
  /// RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10).
  void add_fields(Exchange& exchange, const Gcra::Answer& answer, Headers& headers) const;

 private:
  Gcra::Answer count(Exchange& exchange, Gcra::Answer answer) const;

  Gcra rate_;
  expression::BudgetKey key_;
  std::shared_ptr<RateBudgets> budgets_;
  std::optional<SharedBudgets> shared_;
  StoreFailure on_failure_;
  std::size_t max_keys_;
  bool has_fields_;
  bool shadow_;
  std::string label_;   // "name"
  std::string policy_;  // "name";q=100;w=1
};

/// The limit of a top-level name, which all its uses share.
std::shared_ptr<RateLimit> declare_rate_limit(const std::string& name,
                                              const RateLimitConfig& config,
                                              const BuildParts& parts);

}  // namespace weir
