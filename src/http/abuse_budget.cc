#include "http/abuse_budget.h"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

struct Entry {
  std::string_view name;
  std::uint32_t cost;
};

// Costs follow from what an ordinary client does in its worst second: a browser tab that is
// closed cancels a hundred streams; nobody sends a hundred malformed messages.
constexpr std::array<Entry, kMisdeeds> kTable = {{
    {"reset", 4},
    {"malformed", 20},
    {"refused", 4},
    {"ping", 2},
    {"settings", 10},
    {"priority", 1},
    {"empty_frame", 4},
    {"window_update", 1},
    {"continuation", 10},
    {"oversized_head", 50},
    {"stalled", 100},
    {"ignored_frame", 1},
}};

const Entry& entry(Misdeed misdeed) { return kTable[static_cast<std::size_t>(misdeed)]; }

}  // namespace

std::string_view name(Misdeed misdeed) { return entry(misdeed).name; }

std::uint32_t cost(Misdeed misdeed) { return entry(misdeed).cost; }

std::optional<Misdeed> misdeed_of(const Error& error) {
  if (error.origin != Origin::client) return std::nullopt;
  switch (error.code) {
    case ErrorCode::client_gone:
    case ErrorCode::truncated:
    case ErrorCode::reset: return Misdeed::reset;
    case ErrorCode::header_timeout:
    case ErrorCode::slow_peer: return Misdeed::stalled;
    case ErrorCode::head_too_large:
    case ErrorCode::target_too_long: return Misdeed::oversized_head;
    case ErrorCode::parse:
    case ErrorCode::bad_framing:
    case ErrorCode::bad_target:
    case ErrorCode::bad_host:
    case ErrorCode::limit: return Misdeed::malformed;
    default: return std::nullopt;
  }
}

void AbuseCounters::add(const AbuseCounters& other) {
  for (std::size_t i = 0; i < kMisdeeds; ++i) misdeeds[i].add(other.misdeeds[i].value());
  closed.add(other.closed.value());
}

bool AbuseBudget::spend(Misdeed misdeed, TimePoint now, AbuseCounters& counters) {
  counters.of(misdeed).add();
  if (exhausted_ || limits_.points == 0) return !exhausted_;
  // Whole milliseconds, so that many misdeeds in a short time do not lose what is due in between.
  auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - refilled_).count();
  if (passed > 0) {
    auto back = static_cast<std::uint64_t>(passed) * limits_.refill / 1000;
    spent_ -= static_cast<std::uint32_t>(std::min<std::uint64_t>(back, spent_));
    if (back > 0 || spent_ == 0) refilled_ = now;
  }
  spent_ += cost(misdeed);
  if (spent_ <= limits_.points) return true;
  exhaust(counters);
  return false;
}

void AbuseBudget::exhaust(AbuseCounters& counters) {
  if (std::exchange(exhausted_, true)) return;
  counters.closed.add();
}

}  // namespace weir
