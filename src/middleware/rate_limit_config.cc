#include "middleware/rate_limit_config.h"

#include <fmt/format.h>

#include "config/dump.h"

namespace weir {
namespace {

constexpr std::uint64_t kMostPerSecond = 1'000'000;
constexpr std::uint64_t kMostOfAStore = 100'000;
constexpr double kSecondsOfAYear = 366.0 * 86400;

std::uint64_t seconds_of(const config::Rate& rate) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(rate.per).count());
}

void check_rate(const config::Rate& rate, std::optional<std::uint32_t> burst,
                const config::Found& found) {
  double seconds = std::chrono::duration<double>(rate.per).count();
  double count = static_cast<double>(rate.count);
  if (rate.count == 0 || count > static_cast<double>(kMostPerSecond) * seconds) {
    found.error("rate", config::Code::out_of_range,
                fmt::format("{} is too {}", write_rate(rate), rate.count == 0 ? "small" : "large"),
                fmt::format("at least 1, and at most {}/s", kMostPerSecond));
    return;
  }
  if (!burst && rate.count > 1'000'000) {
    found.error("rate", config::Code::missing_key,
                fmt::format("{} needs a \"burst\"", write_rate(rate)),
                "how many may come at once, at most 1000000");
    return;
  }
  double window = seconds / count * burst.value_or(static_cast<std::uint32_t>(rate.count));
  if (window <= kSecondsOfAYear) return;
  found.error("burst", config::Code::out_of_range, "the burst takes more than a year to come back",
              "lower it, or raise the rate");
}

}  // namespace

std::optional<config::Problem> check_limit_name(std::string_view text) {
  constexpr std::size_t kMost = 64;
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  if (!text.empty() && text.size() <= kMost &&
      text.find_first_not_of(kAllowed) == std::string_view::npos) {
    return std::nullopt;
  }
  return config::Problem{config::Code::bad_text, fmt::format("\"{}\" is no name of a limit", text),
                         "use letters, digits, _, - and ., at most 64 of them"};
}

void RateLimitConfig::check(const config::Found& found) const {
  if (on_failure != RateLimitConfig().on_failure && store->empty()) {
    found.error("on_failure", config::Code::contradiction,
                "a limit without a \"store\" has none that could fail",
                "name one, or leave \"on_failure\" out");
  }
  if (!store->empty() && rate && rate->count > kMostOfAStore * seconds_of(*rate)) {
    found.error("rate", config::Code::out_of_range,
                fmt::format("{} is too large for a store", write_rate(*rate)),
                fmt::format("at most {}/s", kMostOfAStore));
  }
  if (rate) return check_rate(*rate, burst, found);
  found.error("rate", config::Code::missing_key, "a rate limit needs a \"rate\"",
              "write it like `rate: 100/s`");
}

void RateLimitUseConfig::check(const config::Found& found) const {
  if (limit->empty()) return RateLimitConfig::check(found);
  const RateLimitConfig defaults;
  auto text = [](const config::Field& field, const RateLimitConfig* of) {
    return config::dump_json(field.type(), field.address_in(of));
  };
  for (const config::Field& field : RateLimitConfig::schema.fields) {
    if (!found.given(field.name) || text(field, this) == text(field, &defaults)) continue;
    found.error(field.name, config::Code::contradiction,
                fmt::format("a limit that is named has its \"{}\" below `rate_limits`", field.name),
                "say it there, or leave \"limit\" out");
  }
}

}  // namespace weir
