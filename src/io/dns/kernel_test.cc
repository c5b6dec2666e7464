// The resolver against sockets of the kernel, on each of its engines.
#include <gtest/gtest.h>

#include "io/dns/resolver.h"
#include "io/dns/scripted_server.h"
#include "io/epoll_loop.h"
#include "io/sockets.h"
#include "io/uring_loop.h"

namespace weir::dns {
namespace {

using Texts = std::vector<std::string>;

class KernelResolver : public testing::TestWithParam<std::string_view> {
 protected:
  void SetUp() override {
    auto made = GetParam() == "epoll" ? make_epoll_loop(0, 1) : make_uring_loop(0, 1);
    if (!made) GTEST_SKIP() << "the kernel refuses " << GetParam();
    loop_ = std::move(*made);
  }

  /// Looks `name` up while `script` serves both protocols on one port.
  Result<Answer> lookup(std::string name, Script script) {
    // The port is free for TCP; that it is taken for UDP is rare, and then another is tried.
    for (int tries = 0; tries < 50; ++tries) {
      ScriptedTcp tcp(*loop_, network_, *Address::parse("127.0.0.1:0"), script);
      ScriptedUdp udp(*loop_, tcp.address(), script);
      if (!udp.bound()) continue;
      Settings settings;
      settings.servers.servers = {tcp.address()};
      settings.servers.timeout = std::chrono::seconds(20);
      Resolver resolver(*loop_, std::make_shared<Settings>(settings), 42);
      Result<Answer> answer = fail(ErrorCode::internal, Origin::weir);
      Scope servers, client;
      loop_->post([&] {
        servers.spawn(udp.serve(servers.token()));
        servers.spawn(tcp.serve(servers.token()));
        client.spawn(ask(resolver, std::move(name), answer, servers));
      });
      loop_->run();
      return answer;
    }
    return fail(ErrorCode::internal, Origin::weir, "no port");
  }

  Task<void> ask(Resolver& resolver, std::string name, Result<Answer>& into, Scope& servers) {
    into = co_await resolver.lookup(std::move(name), RecordType::a);
    servers.stop({ErrorCode::cancelled});
    co_await servers.join();
    loop_->stop();
  }

  KernelNetwork network_;
  std::unique_ptr<Loop> loop_;
};

TEST_P(KernelResolver, finds_an_address_over_udp) {
  bool over_tcp = false;
  Result<Answer> answer = lookup("app.example", [&](std::string_view query, bool tcp) -> Texts {
    over_tcp = tcp;
    return {ScriptedAnswer(query).a("app.example", 60, "10.1.1.1").bytes()};
  });
  ASSERT_TRUE(answer) << answer.error().detail;
  ASSERT_EQ(answer->addresses.size(), 1u);
  EXPECT_EQ(answer->addresses[0].text(), "10.1.1.1");
  EXPECT_FALSE(over_tcp);
}

TEST_P(KernelResolver, sees_the_right_answer_behind_forged_and_empty_datagrams) {
  Result<Answer> answer = lookup("app.example", [](std::string_view query, bool) -> Texts {
    Texts all(5, ScriptedAnswer(query).other_id().a("app.example", 60, "6.6.6.6").bytes());
    all[2].clear();
    all.push_back(ScriptedAnswer(query).a("app.example", 60, "10.1.1.1").bytes());
    return all;
  });
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->addresses[0].text(), "10.1.1.1");
}

TEST_P(KernelResolver, goes_to_tcp_for_a_truncated_answer) {
  Result<Answer> answer = lookup("app.example", [](std::string_view query, bool tcp) -> Texts {
    ScriptedAnswer reply(query);
    if (!tcp) return {reply.truncated().bytes()};
    for (int i = 0; i < 2000; ++i) reply.record(wire16(0xc00c), 1, 60, wire32(0x0a000000u + i));
    return {reply.bytes()};
  });
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->addresses.size(), 2000u);
}

TEST_P(KernelResolver, hears_at_once_that_nobody_serves) {
  Settings settings;
  int taken_for_tcp = network_.bind(*Address::parse("127.0.0.1:0"), {}).value();
  settings.servers.servers = {network_.bound_address(taken_for_tcp).value()};
  settings.servers.timeout = std::chrono::seconds(20);
  Resolver resolver(*loop_, std::make_shared<Settings>(settings), 42);
  Result<Answer> answer;
  Scope nothing, client;
  loop_->post([&] { client.spawn(ask(resolver, "app.example", answer, nothing)); });
  loop_->run();
  network_.close(taken_for_tcp);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().detail, "server not reachable: connection refused");
}

INSTANTIATE_TEST_SUITE_P(Engines, KernelResolver, testing::Values("epoll", "uring"),
                         [](const auto& engine) { return std::string(engine.param); });

}  // namespace
}  // namespace weir::dns
