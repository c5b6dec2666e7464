#include "middleware/server_timing.h"

#include <array>

#include <fmt/format.h>

#include "http/trace.h"

namespace weir {
namespace {

constexpr std::size_t kMostBytes = 256;

using Text = fmt::basic_memory_buffer<char, kMostBytes>;

void append(Text& out, std::string_view name, Duration took) {
  if (took < Duration::zero()) return;
  fmt::format_to(std::back_inserter(out), "{}{};dur={:.3f}", out.size() > 0 ? ", " : "", name,
                 static_cast<double>(took.count()) / 1e6);
}

}  // namespace

Task<Result<Response>> ServerTimingMiddleware::handle(Exchange& exchange, Next next) const {
  Result<Response> response = co_await next(exchange);
  if (response) response->headers.add("Server-Timing", value_for(exchange));
  co_return response;
}

std::string_view ServerTimingMiddleware::value_for(Exchange& exchange) const {
  const UpstreamFacts& upstream = exchange.upstream();
  Text out;
  append(out, "total", exchange.loop().now() - exchange.outcome().started);
  append(out, "connect", upstream.connect);
  append(out, "upstream", upstream.response);
  if (exchange.cache_use() != CacheUse::none) {
    fmt::format_to(std::back_inserter(out), ", cache;desc=\"{}\"", name(exchange.cache_use()));
  }
  const TraceSpan* span = exchange.span();
  if (trace_ && span != nullptr) {
    std::array<char, kTraceParentSize> text;
    write_traceparent({span->trace->id(), span->id, span->trace->sampled()}, text.data());
    fmt::format_to(std::back_inserter(out), ", traceparent;desc=\"{}\"",
                   std::string_view(text.data(), text.size()));
  }
  return exchange.arena().copy({out.data(), out.size()});
}

}  // namespace weir
