// RetryPolicy: after what a request is sent again, and when a second attempt joins the first.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>

#include "cluster/retries_config.h"
#include "cluster/retry_budget.h"

namespace weir {

/// See HedgeConfig; off if neither is set.
struct HedgePolicy {
  Duration after{0};
  double percentile = 0;

  explicit operator bool() const { return after > Duration::zero() || percentile > 0; }
};

/// See RetriesConfig. The defaults are those of a configuration that says nothing.
struct RetryPolicy {
  static constexpr unsigned kFirstStatus = 400;

  std::uint32_t attempts = 2;
  std::uint8_t on = 15;         // of RetryOn: all but grpc_unavailable
  bool on_responses = false;    // some response may count as a failure
  std::bitset<200> statuses{};  // from kFirstStatus on
  Duration backoff{0};
  Duration most_backoff{0};
  Duration per_try{0};  // zero: unlimited
  std::size_t body_limit = 0;
  std::optional<RetryBudgetTerms> budget{};
  HedgePolicy hedge{};

  bool has(RetryOn condition) const { return (on & static_cast<std::uint8_t>(condition)) != 0; }
  bool has_status(std::uint16_t status) const {
    return status >= kFirstStatus && status - kFirstStatus < statuses.size() &&
           statuses.test(status - kFirstStatus);
  }
  /// An attempt may be stopped while its exchange goes on.
  bool cuts_attempts_short() const { return per_try > Duration::zero() || on_responses || hedge; }
};

RetryPolicy retry_policy(const RetriesConfig& retries, const std::optional<HedgeConfig>& hedge);

}  // namespace weir
