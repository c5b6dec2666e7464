// Test support: what a handler answers to one request, without a session around it. Included by
// tests only.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "http/exchange.h"
#include "http/handler.h"
#include "io/testing.h"

namespace weir::test {

/// A request as a session would hand it over.
struct Asked {
  std::string method = "GET";
  std::string target = "/";
  std::string host = "shop.example";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string peer = "192.0.2.7:4711";
  bool trusted = false;
  std::string upgrade;
  Version version = Version::http_1_1;
};

struct Answer {
  Error error;
  std::uint16_t status = 0;
  std::string fields;  // "name: value\n", in order
  std::string body;
};

inline Task<void> answer_into(const Handler& handler, Exchange& exchange, const Asked& asked,
                              Answer& answer) {
  Request& request = exchange.request();
  request.method = parse_method(asked.method);
  request.method_text = asked.method;
  request.version = asked.version;
  request.upgrade = asked.upgrade;
  auto target = parse_target(asked.target, target_rule(asked.method), exchange.arena());
  EXPECT_TRUE(target) << asked.target;
  if (target) request.target = *target;
  if (!asked.host.empty()) {
    request.authority = parse_authority(asked.host, exchange.arena()).value();
    request.headers.add("Host", asked.host);
  }
  for (const auto& [name, value] : asked.headers) request.headers.add(name, value);
  exchange.set_peer_trusted(asked.trusted);
  Result<Response> response = co_await handler.handle(exchange);
  if (!response) {
    answer.error = response.error();
    co_return;
  }
  answer.status = response->status;
  for (const Header& each : response->headers) {
    answer.fields += std::string(each.name()) + ": " + std::string(each.value()) + "\n";
  }
  while (response->body != nullptr) {
    Result<Slice> piece = co_await response->body->read();
    if (!piece) answer.error = piece.error();
    if (!piece || piece->empty()) break;
    answer.body += piece->view();
  }
}

inline Task<Answer> answer_of(Loop& loop, const Handler& handler, Asked asked) {
  Answer answer;
  ConnectionFacts facts{*Address::parse(asked.peer), "front", false};
  StopSource client;
  auto exchange = std::make_unique<Exchange>(loop, facts, client.token());
  exchange->set_client_ip(facts.peer.ip());
  co_await answer_into(handler, *exchange, asked, answer);
  co_await exchange->finish();
  co_return answer;
}

}  // namespace weir::test
