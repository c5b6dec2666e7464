// What a configuration says about repeating requests.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "config/schema.h"
#include "config/values.h"

namespace weir {

/// Kinds of failure after which a request may be repeated; bits of a mask.
enum class RetryOn : std::uint8_t {
  connect = 1,
  refused_stream = 2,
  reset = 4,
  timeout = 8,
  grpc_unavailable = 16
};

constexpr auto enum_names(RetryOn) {
  return std::array{
      config::Name{"connect", RetryOn::connect,
                   "No connection could be made: nothing was sent, so any method is repeated."},
      config::Name{"refused_stream", RetryOn::refused_stream,
                   "An HTTP/2 endpoint says that it did not look at the request (REFUSED_STREAM, "
                   "GOAWAY): any method is repeated."},
      config::Name{"reset", RetryOn::reset,
                   "The connection was lost before a byte of the response had come; idempotent "
                   "methods only."},
      config::Name{"timeout", RetryOn::timeout,
                   "No response head came within `response_timeout` or `per_try_timeout`; "
                   "idempotent methods only."},
      config::Name{
          "grpc_unavailable", RetryOn::grpc_unavailable,
          "A gRPC call was answered with nothing but status 14 (UNAVAILABLE). Whoever asks "
          "for it says that the calls may be repeated."}};
}

// Growing pauses between attempts.
struct BackoffConfig {
  config::Duration base = std::chrono::milliseconds(25);
  config::Duration max = std::chrono::milliseconds(250);

  void check(const config::Found& found) const;

  static constexpr auto schema = config::object(
      "backoff", "Pauses between attempts, drawn by lot so that requests do not return together.",
      config::field<&BackoffConfig::base>(
          "base", "The longest pause before the second attempt; it doubles with each one more.",
          config::range(std::chrono::milliseconds(1), std::chrono::minutes(1))),
      config::field<&BackoffConfig::max>(
          "max", "No pause is longer, and no `Retry-After` is waited for that says more.",
          config::range(std::chrono::milliseconds(1), std::chrono::minutes(10))));
};

// How much repeating may add to the load of a cluster.
struct RetryBudgetConfig {
  double share = 0.2;
  std::uint32_t min_per_second = 10;

  static constexpr auto schema = config::object(
      "retry budget",
      "A bound of what repeating adds to the load of all endpoints together, so that trouble does "
      "not grow by it. What an endpoint never had to work on is free.",
      config::field<&RetryBudgetConfig::share>(
          "share", "Repeated and hedged requests for each request of the last ten seconds.",
          config::range(0, 10)),
      config::field<&RetryBudgetConfig::min_per_second>(
          "min_per_second", "So many are allowed each second however few requests there are.",
          config::range(0, 100000)));
};

struct RetriesConfig {
  std::uint32_t attempts = 2;
  std::vector<RetryOn> on = {RetryOn::connect, RetryOn::refused_stream, RetryOn::reset,
                             RetryOn::timeout};
  std::vector<std::uint16_t> statuses;
  std::optional<BackoffConfig> backoff;
  std::optional<config::Duration> per_try_timeout;
  std::optional<RetryBudgetConfig> budget;
  std::optional<config::ByteSize> body_limit;

  static constexpr auto schema = config::object(
      "retries", "What happens when an attempt fails before its response has begun.",
      config::field<&RetriesConfig::attempts>(
          "attempts",
          "Attempts in all, each on another endpoint if there is one; 1 never retries. A request "
          "that reached an origin is repeated only if its method is idempotent.",
          config::range(1, 10)),
      config::field<&RetriesConfig::on>("on", "After which failures.", config::one_or_many),
      config::field<&RetriesConfig::statuses>("statuses",
                                              "Statuses of responses that count as failures, for "
                                              "idempotent methods; the last attempt's "
                                              "response is passed on whatever it says.",
                                              config::one_or_many, config::range(400, 599),
                                              config::example("[502, 503, 504]")),
      config::field<&RetriesConfig::backoff>(
          "backoff", "Pauses between attempts. Without them an attempt follows at once.",
          config::none("off")),
      config::field<&RetriesConfig::per_try_timeout>(
          "per_try_timeout",
          "How long one attempt may take to the head of its response, connecting included.",
          config::none("unlimited"),
          config::range(std::chrono::milliseconds(1), std::chrono::hours(24))),
      config::field<&RetriesConfig::budget>("budget", "A bound for all requests together.",
                                            config::none("unlimited")),
      config::field<&RetriesConfig::body_limit>(
          "body_limit",
          "Request bodies up to this size are kept in memory until a response has begun, so that "
          "they can be sent again. Without it a request is not repeated once some of its body was "
          "sent.",
          config::none("off"), config::range(config::ByteSize{1}, config::mebibytes(64)),
          config::example("64KiB")));
};

// A second attempt while the first is still under way.
struct HedgeConfig {
  std::optional<config::Duration> after;
  std::optional<double> percentile;

  // One of the two.
  void check(const config::Found& found) const;

  static constexpr auto schema = config::object(
      "hedge",
      "When the response to a safe request (GET, HEAD, OPTIONS) without a body is late, it is sent "
      "to another endpoint as well. The first response wins, and the other request is cancelled.",
      config::field<&HedgeConfig::after>(
          "after", "How long to wait before.", config::none("the percentile"),
          config::range(std::chrono::milliseconds(1), std::chrono::minutes(10)),
          config::example("50ms")),
      config::field<&HedgeConfig::percentile>(
          "percentile",
          "To wait as long as so many percent of recent responses took; nothing is hedged until a "
          "worker has seen a hundred.",
          config::none("the time of `after`"), config::range(50, 99.9), config::example("95")));
};

}  // namespace weir
