// How the resolver treats its servers: silent, broken, lying, or too full for UDP.
#include <gtest/gtest.h>

#include "io/dns/simulated_resolver.h"

namespace weir::dns {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(ResolverTest, asks_the_second_server_after_a_failure_of_the_first) {
  for (unsigned code : {2u, 5u, 9u}) {
    serve_udp(kFirst, with_code(code));
    serve_udp(kSecond, always(1, "10.1.1.2"));
    seen_.clear();
    EXPECT_EQ(texts(lookup("app.example")->addresses), (Texts{"10.1.1.2"}));
    EXPECT_EQ(seen_.size(), 2u);
    world_.run_for(seconds(2));
  }
}

TEST_F(ResolverTest, asks_the_second_server_after_nonsense_from_the_first) {
  serve_udp(kFirst, [](std::string_view query, bool) -> Texts {
    return {ScriptedAnswer(query).record(wire_name("app.example"), 1, 60, "abc").bytes()};
  });
  serve_udp(kSecond, always(60, "10.1.1.2"));
  EXPECT_EQ(texts(lookup("app.example")->addresses), (Texts{"10.1.1.2"}));
}

TEST_F(ResolverTest, asks_the_second_server_when_the_first_cannot_be_reached) {
  serve_udp(kSecond, always(60, "10.1.1.2"));
  TimePoint before = loop_.now();
  EXPECT_EQ(texts(lookup("app.example")->addresses), (Texts{"10.1.1.2"}));
  EXPECT_LT(loop_.now() - before, milliseconds(100));
}

TEST_F(ResolverTest, asks_the_second_server_after_the_time_of_the_first_and_prefers_it_then) {
  serve_udp(kFirst, silence());
  serve_udp(kSecond, always(1, "10.1.1.2"));
  TimePoint before = loop_.now();
  EXPECT_TRUE(lookup("app.example"));
  EXPECT_GE(loop_.now() - before, seconds(1));
  before = loop_.now();
  EXPECT_TRUE(lookup("other.example"));
  EXPECT_LT(loop_.now() - before, milliseconds(100));
  world_.run_for(Resolver::kSilentTime);
  seen_.clear();
  EXPECT_TRUE(lookup("third.example"));
  EXPECT_EQ(seen_.size(), 2u) << "the first server got another chance";
}

TEST_F(ResolverTest, gives_up_after_all_attempts) {
  serve_udp(kFirst, silence());
  serve_udp(kSecond, silence());
  TimePoint before = loop_.now();
  EXPECT_EQ(failure("app.example"), "timeout");
  EXPECT_EQ(seen_.size(), 4u);
  EXPECT_GE(loop_.now() - before, seconds(4));
  EXPECT_LT(loop_.now() - before, milliseconds(4100));
  EXPECT_EQ(resolver().counters().timeouts, 4u);
  EXPECT_EQ(resolver().counters().failures, 1u);
  EXPECT_EQ(resolver().cached(), 0u);
}

TEST_F(ResolverTest, says_why_it_failed) {
  serve_udp(kSecond, with_code(2));
  serve_udp(kFirst, with_code(2));
  EXPECT_EQ(failure("app.example"), "servfail");
  serve_udp(kSecond, with_code(5));
  EXPECT_EQ(failure("app.example"), "refused");
  EXPECT_EQ(failure("not a name"), "not a host name");
  world_.network().refuse(*Address::parse(kFirst));
  world_.network().refuse(*Address::parse(kSecond));
  EXPECT_EQ(failure("app.example"), "server not reachable: connection refused");
}

TEST_F(ResolverTest, spends_sixteen_exchanges_on_a_query_at_most) {
  settings_.servers.attempts = 5;
  settings_.servers.timeout = milliseconds(10);
  settings_.servers.servers.clear();
  for (int i = 1; i <= 4; ++i) {
    std::string server = "10.0.1." + std::to_string(i) + ":53";
    settings_.servers.servers.push_back(*Address::parse(server));
    serve_udp(server, silence());
  }
  EXPECT_EQ(failure("app.example"), "timeout");
  EXPECT_EQ(seen_.size(), 16u);
}

TEST_F(ResolverTest, spends_twenty_seconds_on_a_query_at_most) {
  settings_.servers.timeout = seconds(30);
  serve_udp(kFirst, silence());
  TimePoint before = loop_.now();
  EXPECT_EQ(failure("app.example"), "timeout");
  EXPECT_LT(loop_.now() - before, milliseconds(20'100));
}

TEST_F(ResolverTest, skips_forged_answers_and_waits_for_the_right_one) {
  serve_udp(kFirst, [](std::string_view query, bool) -> Texts {
    std::string other = wire_name("app.exampel") + wire16(1) + wire16(1);
    return {ScriptedAnswer(query).other_id().a("app.example", 60, "6.6.6.6").bytes(),
            ScriptedAnswer(query).question(other).a("app.example", 60, "6.6.6.6").bytes(),
            "",
            "short",
            std::string(query),
            ScriptedAnswer(query).a("app.example", 60, "10.1.1.1").bytes()};
  });
  for (int round = 0; round < 20; ++round) {  // datagrams come in any order
    EXPECT_EQ(texts(lookup("app.example")->addresses), (Texts{"10.1.1.1"}));
    resolver().configure(std::make_shared<Settings>(settings_));
  }
  EXPECT_GT(resolver().counters().strays, 20u);
}

TEST_F(ResolverTest, goes_to_tcp_when_the_case_of_the_name_comes_back_changed) {
  serve_udp(kFirst, [](std::string_view query, bool) -> Texts {
    std::string lowered = wire_name("app.example") + wire16(1) + wire16(1);
    return {ScriptedAnswer(query).question(lowered).a("app.example", 60, "6.6.6.6").bytes()};
  });
  serve_tcp(kFirst, always(60, "10.1.1.1"));
  EXPECT_EQ(texts(lookup("app.example")->addresses), (Texts{"10.1.1.1"}));
  EXPECT_EQ(resolver().counters().tcp, 1u);
}

TEST_F(ResolverTest, goes_to_tcp_after_sixteen_strays) {
  std::size_t strays = 15;
  serve_udp(kFirst, [&](std::string_view query, bool) -> Texts {
    return Texts(strays, ScriptedAnswer(query).other_id().bytes());
  });
  serve_tcp(kFirst, always(60, "10.1.1.1"));
  serve_udp(kSecond, always(60, "10.1.1.2"));
  EXPECT_EQ(texts(lookup("a.example")->addresses), (Texts{"10.1.1.2"})) << "after a timeout";
  world_.run_for(Resolver::kSilentTime);
  strays = 16;
  EXPECT_EQ(texts(lookup("b.example")->addresses), (Texts{"10.1.1.1"}));
}

TEST_F(ResolverTest, goes_to_tcp_for_a_truncated_answer) {
  serve_udp(kFirst, [](std::string_view query, bool) -> Texts {
    return {ScriptedAnswer(query).truncated().bytes()};
  });
  serve_tcp(kFirst, [](std::string_view query, bool) -> Texts {
    ScriptedAnswer answer(query);
    for (int i = 0; i < 250; ++i) answer.a("app.example", 60, "10.1.1." + std::to_string(i));
    return {answer.bytes()};
  });
  world_.faults().partial = 300;
  Result<Answer> answer = lookup("app.example");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->addresses.size(), 250u);
  EXPECT_EQ(resolver().counters().tcp, 1u);
}

TEST_F(ResolverTest, asks_the_second_server_when_tcp_fails) {
  serve_udp(kFirst, [](std::string_view query, bool) -> Texts {
    return {ScriptedAnswer(query).truncated().bytes()};
  });
  serve_tcp(kFirst, silence());
  serve_udp(kSecond, always(60, "10.1.1.2"));
  EXPECT_EQ(texts(lookup("app.example")->addresses), (Texts{"10.1.1.2"}));
}

TEST_F(ResolverTest, believes_no_tcp_answer_to_another_question) {
  settings_.servers.use_tcp = true;
  serve_tcp(kFirst, [](std::string_view query, bool) -> Texts {
    return {ScriptedAnswer(query).other_id().a("app.example", 60, "6.6.6.6").bytes()};
  });
  serve_tcp(kSecond, always(60, "10.1.1.2"));
  EXPECT_EQ(texts(lookup("app.example")->addresses), (Texts{"10.1.1.2"}));
  EXPECT_EQ(resolver().counters().tcp, 2u);
}

TEST_F(ResolverTest, asks_again_without_edns_where_it_is_not_understood) {
  serve_udp(kFirst, [](std::string_view query, bool) -> Texts {
    if (asked(query).edns) return {ScriptedAnswer(query).code(1).bytes()};
    return {ScriptedAnswer(query).a("app.example", 60, "10.1.1.1").bytes()};
  });
  EXPECT_EQ(texts(lookup("app.example")->addresses), (Texts{"10.1.1.1"}));
  serve_udp(kFirst, with_code(1));
  serve_udp(kSecond, with_code(4));
  EXPECT_EQ(failure("b.example"), "notimp");
}

TEST_F(ResolverTest, rotates_over_the_servers_when_told_to) {
  settings_.servers.rotate = true;
  serve_udp(kFirst, always(60, "10.1.1.1"));
  serve_udp(kSecond, always(60, "10.1.1.2"));
  EXPECT_EQ(texts(lookup("a.example")->addresses), (Texts{"10.1.1.1"}));
  EXPECT_EQ(texts(lookup("b.example")->addresses), (Texts{"10.1.1.2"}));
  EXPECT_EQ(texts(lookup("c.example")->addresses), (Texts{"10.1.1.1"}));
}

TEST(ResolverInBadWeather, answers_right_or_not_at_all) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SimFaults faults = SimFaults::drawn(seed);
    SimWorld world(seed, faults);
    SimLoop& loop = world.add_loop();
    Settings settings;
    settings.servers.servers = {*Address::parse("10.0.0.53:53"), *Address::parse("10.0.0.54:53")};
    for (const Address& server : settings.servers.servers) {
      world.network().serve_datagrams(server, [](std::string_view query) -> Texts {
        return {ScriptedAnswer(query).a(asked(query).name, 1, "10.1.1.1").bytes()};
      });
    }
    Resolver resolver(loop, std::make_shared<Settings>(settings), seed);
    struct Client {
      static Task<void> run(Resolver& resolver, Loop& loop, std::string name) {
        for (int round = 0; round < 5; ++round) {
          Result<Answer> answer = co_await resolver.lookup(name, RecordType::a);
          if (answer) EXPECT_EQ(texts(answer->addresses), (Texts{"10.1.1.1"}));
          (void)co_await loop.sleep_for(milliseconds(700));
        }
      }
    };
    for (int i = 0; i < 6; ++i) {
      world.spawn(loop, Client::run(resolver, loop, "n" + std::to_string(i / 2) + ".example"));
    }
    EXPECT_EQ(world.run(), SimWorld::End::reached) << seed;
    EXPECT_EQ(resolver.queries(), 0u) << seed;
    EXPECT_EQ(world.check_clean(), "") << seed;
  }
}

}  // namespace
}  // namespace weir::dns
