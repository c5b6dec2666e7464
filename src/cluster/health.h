// Health: what the checks of one endpoint have told so far, and what follows from it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "io/timer.h"

namespace weir {

/// Well, or why not: a text for people.
using CheckResult = std::expected<void, std::string>;

/// A value without time or I/O of its own. An endpoint that was never checked counts as healthy;
/// its first check counts alone, for nothing is known that it would have to outweigh.
class Health {
 public:
  /// How many in a row change the verdict.
  struct Thresholds {
    std::uint32_t fail = 3;
    std::uint32_t pass = 2;
  };

  /// True if the verdict changed. `now`: nanoseconds since the Unix epoch.
  bool note(const CheckResult& result, Duration took, const Thresholds& thresholds,
            std::int64_t now);
  /// What is checked has changed: the verdict stays until the new checks have outweighed it.
  void restart();

  bool healthy() const { return healthy_; }
  bool checked() const { return passed_ + failed_ > 0; }
  /// When the verdict was made; 0: none was.
  std::int64_t since() const { return since_; }
  std::uint32_t passes() const { return passes_; }      // in a row, up to now
  std::uint32_t failures() const { return failures_; }  // in a row, up to now
  std::uint64_t passed() const { return passed_; }      // in all
  std::uint64_t failed() const { return failed_; }      // in all
  bool last_passed() const { return last_passed_; }     // only if `checked`
  std::int64_t last_at() const { return last_at_; }
  Duration last_took() const { return last_took_; }
  /// Of the last failure, even if passes followed; empty: there was none.
  const std::string& last_failure() const { return last_failure_; }

 private:
  bool healthy_ = true;
  bool last_passed_ = false;
  std::uint32_t passes_ = 0;
  std::uint32_t failures_ = 0;
  std::uint64_t passed_ = 0;
  std::uint64_t failed_ = 0;
  std::int64_t since_ = 0;
  std::int64_t last_at_ = 0;
  Duration last_took_{0};
  std::string last_failure_;
};

}  // namespace weir
