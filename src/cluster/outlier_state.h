// What is known of one endpoint as an outlier: part of the Endpoint, and so kept over reloads.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "io/timer.h"

namespace weir {

enum class EjectionReason : std::uint8_t {
  connect_failures,
  gateway_errors,
  errors,
  success_rate,
  latency
};
inline constexpr std::size_t kEjectionReasons = 5;

/// As logs, metrics and the admin listener say it.
std::string_view name(EjectionReason reason);

/// Relaxed throughout: two workers that tell something in the same instant may be counted as one.
struct OutlierState {
  // In a row, as all workers saw it. Written only when something fails, and by the first success
  // after that.
  std::atomic<std::uint32_t> connect_failures{0};
  std::atomic<std::uint32_t> gateway_errors{0};
  std::atomic<std::uint32_t> errors{0};
  // Since endpoints were compared; counted only where they are.
  std::atomic<std::uint32_t> attempts{0};
  std::atomic<std::uint32_t> failures{0};
  std::atomic<std::uint32_t> answers{0};
  std::atomic<std::uint64_t> microseconds{0};  // of all answers together

  // Written by OutlierDetection alone, under its lock.
  std::atomic<std::uint32_t> lately{0};  // ejections that are not forgotten yet
  std::atomic<std::int64_t> until{0};    // of the latest ejection; on the monotonic clock, ns
  std::atomic<EjectionReason> reason{};  // of the latest ejection
  std::array<std::atomic<std::uint64_t>, kEjectionReasons> ejections{};  // ever

  bool ever() const {
    for (const auto& each : ejections) {
      if (each.load(std::memory_order_relaxed) > 0) return true;
    }
    return false;
  }
  TimePoint ejected_until() const {
    return TimePoint(Duration(until.load(std::memory_order_relaxed)));
  }
};

}  // namespace weir
