// For tests: a resolver in a simulated room, and the servers that it asks.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "core/scope.h"
#include "io/dns/resolver.h"
#include "io/dns/scripted_server.h"
#include "io/sim/loop.h"

namespace weir::dns {

using Texts = std::vector<std::string>;

inline Texts texts(const std::vector<IpAddress>& list) {
  Texts all;
  for (const IpAddress& ip : list) all.push_back(ip.text());
  return all;
}

/// A resolver in a simulated room with servers at 10.0.0.53 and 10.0.0.54.
class ResolverTest : public testing::Test {
 protected:
  static constexpr std::string_view kFirst = "10.0.0.53:53", kSecond = "10.0.0.54:53";

  ResolverTest() {
    settings_.servers.servers = {*Address::parse(kFirst), *Address::parse(kSecond)};
    settings_.servers.timeout = std::chrono::seconds(1);
  }
  ~ResolverTest() override {
    EXPECT_EQ(resolver_ ? resolver_->queries() : 0, 0u);
    resolver_.reset();
    servers_.stop({ErrorCode::cancelled});
    world_.run_for(std::chrono::seconds(1));
    EXPECT_EQ(servers_.running(), 0u);
    tcp_.clear();
    EXPECT_EQ(world_.check_clean(), "");
  }

  Resolver& resolver() {
    if (!resolver_) {
      resolver_ =
          std::make_unique<Resolver>(loop_, std::make_shared<Settings>(settings_), 42, limits_);
    }
    return *resolver_;
  }

  void serve_udp(std::string_view at, Script script) {
    world_.network().serve_datagrams(
        *Address::parse(at), [this, script = std::move(script)](std::string_view query) -> Texts {
          seen_.push_back(asked(query));
          return script(query, false);
        });
  }
  void serve_tcp(std::string_view at, Script script) {
    auto& server =
        tcp_.emplace_back(loop_, world_.network(), *Address::parse(at), std::move(script));
    world_.spawn(loop_, spawn_server(server));
  }
  Task<void> spawn_server(ScriptedTcp& server) {
    servers_.spawn(server.serve(servers_.token()));
    co_return;
  }

  Task<void> keep(Result<Answer>& into, std::string name, RecordType type, StopToken stop) {
    into = co_await resolver().lookup(std::move(name), type, stop);
  }
  Task<void> keep(Result<Addresses>& into, std::string name, StopToken stop) {
    into = co_await resolver().resolve(std::move(name), stop);
  }

  void run() { EXPECT_EQ(world_.run(), SimWorld::End::reached); }
  Result<Answer> lookup(std::string name, RecordType type = RecordType::a) {
    Result<Answer> answer;
    world_.spawn(loop_, keep(answer, std::move(name), type, {}));
    run();
    return answer;
  }
  Result<Addresses> resolve(std::string name) {
    Result<Addresses> addresses;
    world_.spawn(loop_, keep(addresses, std::move(name), {}));
    run();
    return addresses;
  }
  std::string failure(std::string name, RecordType type = RecordType::a) {
    Result<Answer> answer = lookup(std::move(name), type);
    if (answer) return "no failure";
    EXPECT_EQ(answer.error().code, ErrorCode::dns_failure);
    return std::string(answer.error().detail);
  }
  /// Names and types as they reached the servers over UDP.
  Texts seen() const {
    Texts all;
    for (const Asked& one : seen_) all.push_back(one.name + " " + std::to_string(one.type));
    return all;
  }

  SimWorld world_{1};
  SimLoop& loop_ = world_.add_loop();
  Settings settings_;
  ResolverLimits limits_;
  std::unique_ptr<Resolver> resolver_;
  std::vector<Asked> seen_;
  std::deque<ScriptedTcp> tcp_;
  Scope servers_;
};

inline Script always(std::uint32_t ttl, std::string ip) {
  return [ttl, ip](std::string_view query, bool) -> Texts {
    ScriptedAnswer answer(query);
    if (asked(query).type == 1) answer.a(asked(query).name, ttl, ip);
    return {answer.bytes()};
  };
}
inline Script with_code(unsigned code) {
  return [code](std::string_view query, bool) -> Texts {
    return {ScriptedAnswer(query).code(code).bytes()};
  };
}
inline Script silence() {
  return [](std::string_view, bool) -> Texts { return {}; };
}

}  // namespace weir::dns
