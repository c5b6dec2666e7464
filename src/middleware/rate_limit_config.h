// The options of `rate_limit`, and of the limits that a configuration declares by name.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/parse.h"
#include "config/schema.h"
#include "config/values.h"

namespace weir {

enum class StoreFailure : std::uint8_t { local, allow, deny };

constexpr auto enum_names(StoreFailure) {
  return std::array{
      config::Name{"local", StoreFailure::local,
                   "Each process holds the rate by itself, with a budget of its own."},
      config::Name{"allow", StoreFailure::allow, "Every request passes."},
      config::Name{"deny", StoreFailure::deny, "Every request is refused, with 503."}};
}

std::optional<config::Problem> check_limit_name(std::string_view text);

// One limit: how much, and for whom.
struct RateLimitConfig {
  std::optional<config::Rate> rate;
  std::optional<std::uint32_t> burst;
  std::vector<config::Located<std::string>> key = {{"client_ip"}};
  std::uint32_t max_keys = 100'000;
  config::Located<std::string> store;
  StoreFailure on_failure = StoreFailure::local;
  bool headers = true;
  bool shadow = false;

  void check(const config::Found& found) const;

  static constexpr auto schema = config::object(
      "rate limit", "How many requests each key may make.",
      config::field<&RateLimitConfig::rate>(
          "rate", "How many requests in which time: `100/s`, `5/m`, `1000/d`.", config::shorthand,
          config::example("100/s")),
      config::field<&RateLimitConfig::burst>(
          "burst",
          "How many requests may come at once, before they are held to the rate; by default as "
          "many "
          "as the rate counts: `5/m` are five at once, and then one every 12 seconds.",
          config::range(1, 1'000'000)),
      config::field<&RateLimitConfig::key>(
          "key",
          "Expressions that together say whose requests are counted: `client_ip`, `route`, "
          "`header.x-api-key`, `cookie.session`, `tls.client_fingerprint`. IPv6 addresses count by "
          "their /64. Requests that lack a value share one budget; without any value (`[]`) all "
          "requests do.",
          config::one_or_many, config::example("[client_ip, route]")),
      config::field<&RateLimitConfig::max_keys>(
          "max_keys",
          "How many keys are remembered, at 20 to 64 bytes each. Beyond that a new key takes the "
          "place of one that has used little of its budget.",
          config::range(16, 100'000'000)),
      config::field<&RateLimitConfig::store>("store",
                                             "Name of a store below `stores`: all processes that "
                                             "use the limit share its budgets there. "
                                             "Not given: each process has its own.",
                                             config::example("main")),
      config::field<&RateLimitConfig::on_failure>("on_failure",
                                                  "What happens while the store does not answer."),
      config::field<&RateLimitConfig::headers>(
          "headers", "Whether responses carry `RateLimit` and `RateLimit-Policy`."),
      config::field<&RateLimitConfig::shadow>(
          "shadow", "Counts what would be refused, and refuses nothing: to try a limit out."));
};

// The table of a struct that adds to what it inherits from its only base, which it begins with. It
// has a shorthand of its own.
template <std::size_t kSize, class... Fields>
constexpr auto extend(const config::Table<kSize>& base, std::string_view name,
                      std::string_view text, Fields... fields) {
  config::Table<kSize + sizeof...(Fields)> whole{name, text, {}};
  std::size_t size = 0;
  for (const config::Field& field : base.fields) {
    whole.fields[size] = field;
    whole.fields[size++].rules.shorthand = false;
  }
  ((whole.fields[size++] = fields), ...);
  return whole;
}

// `rate_limit` in a chain: a limit of its own, or one that is declared under `rate_limits`.
struct RateLimitUseConfig : RateLimitConfig {
  config::Located<std::string> limit;
  config::Located<std::string> when;

  void check(const config::Found& found) const;

  static constexpr auto schema = extend(
      RateLimitConfig::schema, "rate_limit",
      "Refuses requests (429, reason `limit`) above a rate for each client, or another key. What "
      "is "
      "declared under the top-level `rate_limits` and used by its name has one budget wherever it "
      "is used; all workers share it, and it survives reloads.",
      config::field<&RateLimitUseConfig::limit>(
          "limit", "Name of a limit below `rate_limits`; nothing else of it is said here.",
          config::shorthand, config::example("per_client")),
      config::field<&RateLimitUseConfig::when>(
          "when", "An expression: only requests for which it is true; all, if not given.",
          config::example("'method == \"POST\"'")));
};

}  // namespace weir
