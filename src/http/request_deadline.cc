#include "http/request_deadline.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "http/grpc.h"

namespace weir {
namespace {

constexpr std::string_view kField = "X-Request-Timeout";
constexpr Duration kLongest = std::chrono::hours(24 * 365);

struct DeadlineTimer : Timer {
  DeadlineTimer(Exchange& owner, TimePoint at)
      : Timer([](Timer& self) {
          static_cast<DeadlineTimer&>(self).exchange.scope().stop(
              Error(ErrorCode::timeout, Origin::upstream, "deadline"));
        }),
        exchange(owner) {
    owner.loop().timers().arm(*this, at);
  }
  Exchange& exchange;
};

// What the caller says, if it may.
std::optional<Duration> asked_for(Exchange& exchange, bool call) {
  Headers& headers = exchange.request().headers;
  if (call) {
    const Header* field = headers.find("grpc-timeout");
    return field != nullptr ? grpc::parse_timeout(field->value()) : std::nullopt;
  }
  const Header* field = headers.has(HeaderId::unknown) ? headers.find(kField) : nullptr;
  if (field == nullptr) return std::nullopt;
  if (exchange.peer_trusted()) return parse_request_timeout(field->value());
  headers.remove(kField);
  return std::nullopt;
}

}  // namespace

std::optional<Duration> parse_request_timeout(std::string_view text) {
  double unit = 1;
  if (text.ends_with("ms")) {
    unit = 1e-3;
    text.remove_suffix(2);
  } else if (text.ends_with('s')) {
    text.remove_suffix(1);
  }
  bool digits = !text.empty() && text.find_first_not_of("0123456789.") == text.npos;
  if (!digits || text.size() > 20) return std::nullopt;
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  double seconds = std::min(value * unit, std::chrono::duration<double>(kLongest).count());
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

std::string_view write_request_timeout(Duration time, Arena& arena) {
  auto all = std::max<std::int64_t>(
      1, std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
  char* out = arena.allocate(24);
  char* end = std::to_chars(out, out + 20, all / 1000).ptr;
  if (all % 1000 != 0) {
    *end++ = '.';
    for (int scale = 100; scale > 0; scale /= 10) {
      *end++ = static_cast<char>('0' + all / scale % 10);
    }
  }
  return {out, static_cast<std::size_t>(end - out)};
}

RequestDeadline keep_deadline(Exchange& exchange, Duration route) {
  bool call = grpc::is_call(exchange.request());
  std::optional<Duration> asked = asked_for(exchange, call);
  if (route > Duration::zero()) asked = std::min(route, asked.value_or(route));
  if (!asked || *asked >= kLongest) return {};
  TimePoint now = exchange.loop().now();
  TimePoint begun = exchange.outcome().started;
  if (begun == TimePoint()) begun = now;  // made here, not by a session
  RequestDeadline deadline{begun + *asked, call};
  exchange.own<DeadlineTimer>(exchange, deadline.at);
  return deadline;
}

void tell_deadline(const RequestDeadline& deadline, TimePoint now, Headers& headers) {
  if (!deadline.known()) return;
  Duration left = deadline.at - now;
  if (deadline.grpc) {
    headers.set("grpc-timeout", grpc::write_timeout(left, headers.arena()));
  } else {
    headers.set(kField, write_request_timeout(left, headers.arena()));
  }
}

}  // namespace weir
