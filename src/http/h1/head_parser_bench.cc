// What a head costs to parse and to write, per instruction set.
#include <benchmark/benchmark.h>

#include <string>

#include "http/h1/engine.h"
#include "http/h1/framing.h"
#include "http/h1/head_parser.h"
#include "http/h1/writer.h"

namespace weir::h1 {
namespace {

constexpr std::string_view kSmallRequest =
    "GET /api/v1/items/42 HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: wrk/4.1\r\n\r\n";

constexpr std::string_view kRequest =
    "GET /api/v1/customers/8812/orders?limit=50&status=open HTTP/1.1\r\n"
    "Host: shop.example.com\r\n"
    "User-Agent: orders-service/2.14.3 (linux; amd64)\r\n"
    "Accept: application/json\r\n"
    "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkEifQ."
    "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U\r\n"
    "X-Request-Id: 0b8c1f8e-5a0a-4f0d-9a53-6f1f0a6b7c11\r\n\r\n";

constexpr std::string_view kBrowserRequest =
    "GET /products/chairs?color=blue HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "Connection: keep-alive\r\n"
    "Cache-Control: max-age=0\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;"
    "q=0.8\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Referer: https://www.example.com/products\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-US,en;q=0.9,de;q=0.8\r\n"
    "Cookie: session=8f1a2b3c4d5e6f708192a3b4c5d6e7f8; theme=dark; consent=1\r\n"
    "If-None-Match: \"5f3e-61a1b2c3\"\r\n\r\n";

constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\n"
    "Server: nginx/1.22.1\r\n"
    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    "Content-Type: application/octet-stream\r\n"
    "Content-Length: 1024\r\n"
    "Last-Modified: Sat, 05 Nov 1994 08:49:37 GMT\r\n"
    "Connection: keep-alive\r\n"
    "ETag: \"5f3e61a1-400\"\r\n"
    "Accept-Ranges: bytes\r\n\r\n";

Isa isa_of(const benchmark::State& state) { return static_cast<Isa>(state.range(0)); }

void parse_request(benchmark::State& state, std::string_view text) {
  if (!is_available(isa_of(state))) return state.SkipWithError("not available");
  const Engine& parser = engine(isa_of(state));
  Arena arena;
  Headers headers(arena);
  RequestHead head;
  std::string bytes(text);
  for (auto _ : state) {
    benchmark::DoNotOptimize(parser.request_head(bytes, 0, Limits{}, head, headers));
    benchmark::DoNotOptimize(head.target);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes.size()));
}

void parse_response(benchmark::State& state, std::string_view text) {
  if (!is_available(isa_of(state))) return state.SkipWithError("not available");
  const Engine& parser = engine(isa_of(state));
  Arena arena;
  Headers headers(arena);
  ResponseHead head;
  std::string bytes(text);
  for (auto _ : state) {
    benchmark::DoNotOptimize(parser.response_head(bytes, 0, Limits{}, head, headers));
    benchmark::DoNotOptimize(head.reason);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes.size()));
}

void request_framing_of(benchmark::State& state, std::string_view text) {
  Arena arena;
  Headers headers(arena);
  RequestHead head;
  (void)parse_request_head(text, 0, Limits{}, head, headers);
  for (auto _ : state) benchmark::DoNotOptimize(request_framing(head, headers));
}

void response_framing_of(benchmark::State& state, std::string_view text) {
  Arena arena;
  Headers headers(arena);
  ResponseHead head;
  (void)parse_response_head(text, 0, Limits{}, head, headers);
  for (auto _ : state) {
    benchmark::DoNotOptimize(response_framing(head, headers, Method::get));
  }
}

void write_request(benchmark::State& state, std::string_view text) {
  Arena arena;
  Headers headers(arena);
  RequestHead head;
  (void)parse_request_head(text, 0, Limits{}, head, headers);
  char out[4096];
  for (auto _ : state) {
    HeadWriter writer(out, out + sizeof(out));
    writer.request_line(head.method_text, head.target);
    writer.fields(headers);
    benchmark::DoNotOptimize(writer.finish());
  }
}

void write_response(benchmark::State& state, std::string_view text) {
  Arena arena;
  Headers headers(arena);
  ResponseHead head;
  (void)parse_response_head(text, 0, Limits{}, head, headers);
  char out[4096];
  for (auto _ : state) {
    HeadWriter writer(out, out + sizeof(out));
    writer.status_line(head.status, head.reason);
    writer.fields(headers);
    benchmark::DoNotOptimize(writer.finish());
  }
}

BENCHMARK_CAPTURE(parse_request, small, kSmallRequest)->DenseRange(0, 2);
BENCHMARK_CAPTURE(parse_request, service, kRequest)->DenseRange(0, 2);
BENCHMARK_CAPTURE(parse_request, browser, kBrowserRequest)->DenseRange(0, 2);
BENCHMARK_CAPTURE(parse_response, nginx, kResponse)->DenseRange(0, 2);
BENCHMARK_CAPTURE(request_framing_of, service, kRequest);
BENCHMARK_CAPTURE(request_framing_of, browser, kBrowserRequest);
BENCHMARK_CAPTURE(response_framing_of, nginx, kResponse);
BENCHMARK_CAPTURE(write_request, service, kRequest);
BENCHMARK_CAPTURE(write_request, browser, kBrowserRequest);
BENCHMARK_CAPTURE(write_response, nginx, kResponse);

}  // namespace
}  // namespace weir::h1
