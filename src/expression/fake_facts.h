// A fixed exchange for tests and fuzzing of expressions.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "expression/facts.h"

namespace weir::expression {

class FakeFacts final : public Facts {
 public:
  std::array<Value, kFacts> values;
  std::vector<std::pair<std::string, std::string>> fields[4];  ///< by Source

  void set(Fact fact, Value value) { values[static_cast<std::size_t>(fact)] = value; }
  void add(Source source, std::string name, std::string value) {
    fields[static_cast<std::size_t>(source)].emplace_back(std::move(name), std::move(value));
  }

  Value get(Fact fact) const override { return values[static_cast<std::size_t>(fact)]; }

  bool next(Source source, std::string_view name, std::size_t& position,
            std::string_view& value) const override {
    const auto& all = fields[static_cast<std::size_t>(source)];
    while (position < all.size()) {
      const auto& [field, text] = all[position++];
      if (field != name) continue;
      value = text;
      return true;
    }
    return false;
  }

  /// A finished request over plain HTTP/1.1 that went to an endpoint on a new connection.
  static FakeFacts sample();
};

inline FakeFacts FakeFacts::sample() {
  using namespace std::string_view_literals;
  FakeFacts facts;
  facts.set(Fact::client_ip, Value::of(*IpAddress::parse("10.1.2.3")));
  facts.set(Fact::client_port, Value::of(50123));
  facts.set(Fact::listener, Value::of(":8080"sv));
  facts.set(Fact::scheme, Value::of("http"sv));
  std::int64_t time = 1772368200'123'456'789;  // 2026-03-01 12:30:00.123 UTC
  for (Fact fact : {Fact::time, Fact::time_clf, Fact::time_unix}) facts.set(fact, Value::of(time));
  facts.set(Fact::request_id, Value::of("abc123"sv));
  facts.set(Fact::trace_id, Value::of("0af7651916cd43dd8448eb211c80319c"sv));
  facts.set(Fact::span_id, Value::of("b7ad6b7169203331"sv));
  facts.set(Fact::protocol, Value::of("HTTP/1.1"sv));
  facts.set(Fact::method, Value::of("GET"sv));
  facts.set(Fact::host, Value::of("shop.example"sv));
  facts.set(Fact::path, Value::of("/api/v1/items"sv));
  facts.set(Fact::query, Value::of("page=2&q=a%20b"sv));
  facts.set(Fact::target, Value::of("/api/./v1/items?page=2&q=a%20b"sv));
  facts.set(Fact::raw_path, Value::of("/api/./v1/items"sv));
  facts.set(Fact::route, Value::of("api"sv));
  facts.set(Fact::upstream, Value::of("backend"sv));
  facts.set(Fact::endpoint, Value::of("10.0.0.7:9000"sv));
  facts.set(Fact::status, Value::of(200));
  facts.set(Fact::reason, Value::of(""sv));
  facts.set(Fact::bytes_in, Value::of(0));
  facts.set(Fact::bytes_out, Value::of(1024));
  facts.set(Fact::duration, Value::of(12'345'678));
  facts.set(Fact::first_byte, Value::of(9'000'000));
  facts.set(Fact::upstream_connect, Value::of_duration(300'000));
  facts.set(Fact::upstream_response, Value::of_duration(-1));
  facts.add(Source::header, "user-agent", "curl/8.0 \"test\"");
  facts.add(Source::header, "accept", "text/html");
  facts.add(Source::header, "accept", "application/json");
  facts.add(Source::header, "x-empty", "");
  facts.add(Source::header, "x-bytes", "a\x01\r\n\xff\xc3\xa9\\");
  facts.add(Source::response_header, "content-type", "text/plain");
  facts.add(Source::query, "page", "2");
  facts.add(Source::query, "q", "a b");
  facts.add(Source::cookie, "session", "S1");
  return facts;
}

}  // namespace weir::expression
