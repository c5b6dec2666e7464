#include "http/grpc.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace weir::grpc {
namespace {

constexpr std::string_view kGrpc = "application/grpc";
// Eight digits of hours are more than a clock of nanoseconds holds; a year is no deadline.
constexpr Duration kLongest = std::chrono::hours(24 * 365);

std::string_view number(Code code) {
  switch (code) {
    case Code::unknown: return "2";
    case Code::deadline_exceeded: return "4";
    case Code::permission_denied: return "7";
    case Code::resource_exhausted: return "8";
    case Code::unimplemented: return "12";
    case Code::internal: return "13";
    case Code::unavailable: return "14";
    case Code::unauthenticated: return "16";
  }
  return "2";
}

class CallBody final : public Body {
 public:
  CallBody(Exchange& exchange, Body& origin) : exchange_(exchange), origin_(origin) {}

  Task<Result<Slice>> read() override {
    Result<Slice> piece = co_await origin_.read();
    if (piece) co_return piece;
    const Error& error = piece.error();
    if (error.origin == Origin::client || error.code == ErrorCode::cancelled) co_return piece;
    exchange_.outcome().error = error;
    failed_ = exchange_.own<Headers>(exchange_.arena());
    failed_->add("grpc-status", number(code_of(error)));
    failed_->add("grpc-message", name(error.code));
    co_return Slice();
  }
  std::optional<Slice> try_read() override { return origin_.try_read(); }
  void let_pass() override { origin_.let_pass(); }
  std::optional<std::uint64_t> length() const override { return std::nullopt; }
  const Headers* trailers() const override { return failed_ ? failed_ : origin_.trailers(); }

 private:
  Exchange& exchange_;
  Body& origin_;
  Headers* failed_ = nullptr;
};

}  // namespace

bool is_grpc(std::string_view content_type) {
  if (content_type.size() < kGrpc.size()) return false;
  if (!iequals(content_type.substr(0, kGrpc.size()), kGrpc)) return false;
  if (content_type.size() == kGrpc.size()) return true;
  char next = content_type[kGrpc.size()];
  return next == '+' || next == ';' || next == ' ';
}

std::optional<Duration> parse_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > 9) return std::nullopt;
  std::int64_t value = 0;
  const char* unit = text.data() + text.size() - 1;
  auto [end, error] = std::from_chars(text.data(), unit, value);
  if (error != std::errc() || end != unit || value < 0) return std::nullopt;
  Duration one{};
  switch (*unit) {
    case 'H': one = std::chrono::hours(1); break;
    case 'M': one = std::chrono::minutes(1); break;
    case 'S': one = std::chrono::seconds(1); break;
    case 'm': one = std::chrono::milliseconds(1); break;
    case 'u': one = std::chrono::microseconds(1); break;
    case 'n': one = std::chrono::nanoseconds(1); break;
    default: return std::nullopt;
  }
  return value < kLongest / one ? value * one : kLongest;
}

std::string_view write_timeout(Duration time, Arena& arena) {
  constexpr std::int64_t kMost = 99'999'999;
  constexpr std::pair<char, std::int64_t> kUnits[] = {
      {'n', 1}, {'u', 1000}, {'m', 1'000'000}, {'S', 1'000'000'000}};
  std::int64_t left = std::max<std::int64_t>(1, time.count());
  for (const auto& [unit, size] : kUnits) {
    if (left / size > kMost && unit != 'S') continue;
    char* out = arena.allocate(24);
    char* end = std::to_chars(out, out + 20, left / size).ptr;
    *end++ = unit;
    return {out, static_cast<std::size_t>(end - out)};
  }
  return {};
}

Code code_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::timeout:
    case ErrorCode::response_timeout:
    case ErrorCode::idle_timeout: return Code::deadline_exceeded;
    case ErrorCode::no_route:
    case ErrorCode::not_found: return Code::unimplemented;
    case ErrorCode::body_too_large:
    case ErrorCode::head_too_large:
    case ErrorCode::limit:
    case ErrorCode::rate_limited:
    case ErrorCode::in_flight_limited:
    case ErrorCode::max_requests:
    case ErrorCode::max_pending:
    case ErrorCode::max_retries:
    case ErrorCode::concurrency_limit:
    case ErrorCode::queue_full:
    case ErrorCode::queue_timeout:
    case ErrorCode::overloaded: return Code::resource_exhausted;
    case ErrorCode::auth_required: return Code::unauthenticated;
    case ErrorCode::ip_denied:
    case ErrorCode::cors_denied:
    case ErrorCode::auth_denied: return Code::permission_denied;
    case ErrorCode::auth_failures: return Code::resource_exhausted;
    case ErrorCode::auth_unavailable:
    case ErrorCode::store_unavailable:
    case ErrorCode::breaker_open: return Code::unavailable;
    default: break;
  }
  switch (error.origin) {
    case Origin::client: return Code::internal;
    case Origin::upstream: return Code::unavailable;
    case Origin::weir: break;
  }
  return error.code == ErrorCode::shutting_down ? Code::unavailable : Code::internal;
}

// As gRPC maps statuses of HTTP; but 413 and 431 say what they mean.
Code code_of(std::uint16_t http_status) {
  switch (http_status) {
    case 400: return Code::internal;
    case 401: return Code::unauthenticated;
    case 403: return Code::permission_denied;
    case 404: return Code::unimplemented;
    case 413:
    case 431: return Code::resource_exhausted;
    case 429:
    case 502:
    case 503:
    case 504: return Code::unavailable;
    default: return Code::unknown;
  }
}

Response error_response(Exchange& exchange, Code code, std::string_view message) {
  Response response(exchange.arena());
  response.headers.add(HeaderId::content_type, kGrpc);
  response.headers.add("grpc-status", number(code));
  response.headers.add("grpc-message", message);
  return response;
}

Body* with_status(Exchange& exchange, Body* body) {
  return body != nullptr ? exchange.own<CallBody>(exchange, *body) : nullptr;
}

}  // namespace weir::grpc
