#include "io/dns/resolver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "core/scope.h"
#include "io/dns/scripted_server.h"
#include "io/sim/loop.h"

namespace weir::dns {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Texts = std::vector<std::string>;

Texts texts(const std::vector<IpAddress>& list) {
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
    settings_.servers.timeout = seconds(1);
  }
  ~ResolverTest() override {
    EXPECT_EQ(resolver_ ? resolver_->queries() : 0, 0u);
    resolver_.reset();
    servers_.stop({ErrorCode::cancelled});
    world_.run_for(seconds(1));
    EXPECT_EQ(servers_.running(), 0u);
    tcp_.clear();
    EXPECT_EQ(world_.check_clean(), "");
  }

  Resolver& resolver() {
    if (!resolver_) {
      resolver_ = std::make_unique<Resolver>(loop_, std::make_shared<Settings>(settings_), 42,
                                             limits_);
    }
    return *resolver_;
  }

  void serve_udp(std::string_view at, Script script) {
    world_.network().serve_datagrams(
        *Address::parse(at),
        [this, script = std::move(script)](std::string_view query) -> Texts {
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

Script always(std::uint32_t ttl, std::string ip) {
  return [ttl, ip](std::string_view query, bool) -> Texts {
    ScriptedAnswer answer(query);
    if (asked(query).type == 1) answer.a(asked(query).name, ttl, ip);
    return {answer.bytes()};
  };
}
Script with_code(unsigned code) {
  return [code](std::string_view query, bool) -> Texts {
    return {ScriptedAnswer(query).code(code).bytes()};
  };
}
Script silence() {
  return [](std::string_view, bool) -> Texts { return {}; };
}

TEST_F(ResolverTest, finds_an_address) {
  serve_udp(kFirst, always(60, "10.1.1.1"));
  Result<Answer> answer = lookup("App.Example");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->kind, Answer::Kind::found);
  EXPECT_EQ(texts(answer->addresses), (Texts{"10.1.1.1"}));
  EXPECT_EQ(seen(), (Texts{"app.example 1"}));
}

TEST_F(ResolverTest, keeps_an_answer_for_its_ttl) {
  serve_udp(kFirst, always(60, "10.1.1.1"));
  Result<Answer> first = lookup("app.example");
  world_.run_for(seconds(59));
  EXPECT_EQ(lookup("APP.example.")->expires, first->expires);
  EXPECT_EQ(seen_.size(), 1u);
  EXPECT_EQ(resolver().counters().cache_hits, 1u);
  world_.run_for(seconds(1));
  EXPECT_GT(lookup("app.example")->expires, first->expires);
  EXPECT_EQ(seen_.size(), 2u);
}

TEST_F(ResolverTest, keeps_answers_for_a_second_at_least_and_a_day_at_most) {
  serve_udp(kFirst, always(0, "10.1.1.1"));
  TimePoint before = loop_.now();
  EXPECT_LE(lookup("a.example")->expires - before, seconds(1) + milliseconds(10));
  EXPECT_GE(lookup("a.example")->expires - before, seconds(1));
  serve_udp(kFirst, always(1'000'000, "10.1.1.1"));
  EXPECT_LE(lookup("b.example")->expires - loop_.now(), std::chrono::hours(24));
}

TEST_F(ResolverTest, takes_the_least_ttl_along_the_aliases) {
  serve_udp(kFirst, [](std::string_view query, bool) -> Texts {
    return {ScriptedAnswer(query)
                .cname("app.example", 600, "b.example")
                .cname("b.example", 7, "c.example")
                .a("c.example", 60, "10.1.1.1")
                .bytes()};
  });
  Result<Answer> answer = lookup("app.example");
  ASSERT_TRUE(answer);
  Duration left = answer->expires - loop_.now();
  EXPECT_LE(left, seconds(7));
  EXPECT_GT(left, seconds(6));
}

TEST_F(ResolverTest, tells_no_name_from_no_data_and_remembers_both) {
  serve_udp(kFirst, [](std::string_view query, bool) -> Texts {
    bool gone = asked(query).name == "gone.example";
    return {ScriptedAnswer(query).code(gone ? 3 : 0).soa("example", 20, 20).bytes()};
  });
  EXPECT_EQ(lookup("gone.example")->kind, Answer::Kind::no_name);
  EXPECT_EQ(lookup("bare.example")->kind, Answer::Kind::no_data);
  world_.run_for(seconds(19));
  EXPECT_EQ(lookup("gone.example")->kind, Answer::Kind::no_name);
  EXPECT_EQ(seen_.size(), 2u);
  world_.run_for(seconds(2));
  EXPECT_EQ(lookup("gone.example")->kind, Answer::Kind::no_name);
  EXPECT_EQ(seen_.size(), 3u);
}

TEST_F(ResolverTest, remembers_an_answer_without_a_negative_ttl_for_five_seconds) {
  serve_udp(kFirst, with_code(3));
  EXPECT_EQ(lookup("gone.example")->kind, Answer::Kind::no_name);
  world_.run_for(milliseconds(4900));
  lookup("gone.example");
  EXPECT_EQ(seen_.size(), 1u);
  world_.run_for(milliseconds(200));
  lookup("gone.example");
  EXPECT_EQ(seen_.size(), 2u);
}

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

TEST_F(ResolverTest, reads_services) {
  serve_udp(kFirst, [](std::string_view query, bool) -> Texts {
    return {ScriptedAnswer(query).srv("_http._tcp.example", 60, 1, 2, 80, "a.example").bytes()};
  });
  Result<Answer> answer = lookup("_http._tcp.example", RecordType::srv);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->services, (std::vector<Service>{{1, 2, 80, "a.example"}}));
}

TEST_F(ResolverTest, tries_search_domains_until_a_name_exists) {
  settings_.servers.search = {"one.example", "two.example"};
  serve_udp(kFirst, [](std::string_view query, bool) -> Texts {
    if (asked(query).name == "app.two.example") {
      return {ScriptedAnswer(query).a("app.two.example", 60, "10.1.1.1").bytes()};
    }
    return {ScriptedAnswer(query).code(3).bytes()};
  });
  EXPECT_EQ(texts(lookup("app")->addresses), (Texts{"10.1.1.1"}));
  EXPECT_EQ(lookup("app.")->kind, Answer::Kind::no_name);
  EXPECT_EQ(lookup("a.b")->kind, Answer::Kind::no_name);
  EXPECT_EQ(seen(), (Texts{"app.one.example 1", "app.two.example 1", "app 1", "a.b 1",
                           "a.b.one.example 1", "a.b.two.example 1"}));
}

TEST_F(ResolverTest, takes_both_families_from_the_same_search_domain) {
  settings_.servers.search = {"one.example", "two.example"};
  serve_udp(kFirst, [](std::string_view query, bool) -> Texts {
    ScriptedAnswer answer(query);
    if (asked(query).name == "app.one.example" && asked(query).type == 1) {
      answer.a("app.one.example", 60, "10.1.1.1");
    }
    if (asked(query).name == "app.two.example" && asked(query).type == 28) {
      answer.aaaa("app.two.example", 60, "2001:db8::6");
    }
    return {answer.bytes()};
  });
  EXPECT_EQ(texts(resolve("app")->list), (Texts{"10.1.1.1"}));
}

TEST_F(ResolverTest, does_not_go_on_to_another_name_after_a_failure) {
  settings_.servers.search = {"one.example", "two.example"};
  serve_udp(kFirst, [](std::string_view query, bool) -> Texts {
    if (asked(query).name == "app.one.example") return {ScriptedAnswer(query).code(2).bytes()};
    return {ScriptedAnswer(query).a(asked(query).name, 60, "6.6.6.6").bytes()};
  });
  serve_udp(kSecond, with_code(2));
  EXPECT_EQ(failure("app"), "servfail");
}

TEST_F(ResolverTest, looks_into_the_hosts_file_first) {
  settings_.hosts = Hosts::parse("10.9.9.9 App.example\n");
  EXPECT_EQ(texts(lookup("app.EXAMPLE")->addresses), (Texts{"10.9.9.9"}));
  EXPECT_EQ(lookup("app.example", RecordType::aaaa)->kind, Answer::Kind::no_data);
  EXPECT_TRUE(seen_.empty());
}

TEST_F(ResolverTest, never_asks_for_localhost) {
  EXPECT_EQ(texts(resolve("localhost")->list), (Texts{"::1", "127.0.0.1"}));
  EXPECT_EQ(texts(resolve("App.LocalHost.")->list), (Texts{"::1", "127.0.0.1"}));
  settings_.hosts = Hosts::parse("127.0.0.1 localhost\n");
  resolver().configure(std::make_shared<Settings>(settings_));
  EXPECT_EQ(texts(resolve("localhost")->list), (Texts{"127.0.0.1"}));
}

TEST_F(ResolverTest, takes_an_address_for_its_own_answer) {
  EXPECT_EQ(texts(resolve("10.1.2.3")->list), (Texts{"10.1.2.3"}));
  EXPECT_EQ(texts(resolve("2001:db8::1")->list), (Texts{"2001:db8::1"}));
}

TEST_F(ResolverTest, asks_once_for_lookups_at_the_same_time) {
  serve_udp(kFirst, always(60, "10.1.1.1"));
  Result<Answer> answers[3];
  for (auto& answer : answers) {
    world_.spawn(loop_, keep(answer, "app.example", RecordType::a, {}));
  }
  run();
  EXPECT_EQ(seen_.size(), 1u);
  EXPECT_EQ(resolver().counters().joined, 2u);
  for (auto& answer : answers) EXPECT_EQ(texts(answer->addresses), (Texts{"10.1.1.1"}));
}

TEST_F(ResolverTest, goes_on_for_the_others_when_the_one_that_asked_leaves) {
  serve_udp(kFirst, silence());
  serve_udp(kSecond, always(60, "10.1.1.1"));
  Result<Answer> leaving, staying;
  StopSource stop;
  world_.spawn(loop_, keep(leaving, "app.example", RecordType::a, stop.token()));
  world_.spawn(loop_, keep(staying, "app.example", RecordType::a, {}));
  world_.after(milliseconds(500), [&] { stop.request({ErrorCode::client_gone}); });
  run();
  EXPECT_EQ(leaving.error().code, ErrorCode::client_gone);
  EXPECT_EQ(texts(staying->addresses), (Texts{"10.1.1.1"}));
}

TEST_F(ResolverTest, ends_a_query_that_nobody_waits_for) {
  serve_udp(kFirst, silence());
  Result<Answer> answers[2];
  StopSource stop;
  for (auto& answer : answers) {
    world_.spawn(loop_, keep(answer, "app.example", RecordType::a, stop.token()));
  }
  world_.after(milliseconds(500), [&] { stop.request({ErrorCode::client_gone}); });
  TimePoint before = loop_.now();
  run();
  EXPECT_LT(loop_.now() - before, milliseconds(600));
  for (auto& answer : answers) EXPECT_EQ(answer.error().code, ErrorCode::client_gone);
  EXPECT_EQ(resolver().queries(), 0u);
  serve_udp(kFirst, always(60, "10.1.1.1"));
  EXPECT_TRUE(lookup("app.example"));
}

TEST_F(ResolverTest, has_a_limit_of_queries_under_way) {
  limits_.queries = 3;
  serve_udp(kFirst, always(60, "10.1.1.1"));
  std::vector<Result<Answer>> answers(4);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    world_.spawn(loop_, keep(answers[i], std::to_string(i) + ".example", RecordType::a, {}));
  }
  run();
  auto good = std::ranges::count_if(answers, [](const auto& answer) { return answer.has_value(); });
  EXPECT_EQ(good, 3);
  EXPECT_EQ(resolver().counters().overloaded, 1u);
  EXPECT_EQ(failure("x y"), "not a host name");
}

TEST_F(ResolverTest, has_a_limit_of_answers_kept) {
  limits_.cache_entries = 3;
  serve_udp(kFirst, [](std::string_view query, bool) -> Texts {
    const std::string name = asked(query).name;
    std::uint32_t ttl = name == "b.example" ? 10 : 60;
    return {ScriptedAnswer(query).a(name, ttl, "10.1.1.1").bytes()};
  });
  for (const char* name : {"a.example", "b.example", "c.example"}) lookup(name);
  EXPECT_EQ(resolver().cached(), 3u);
  EXPECT_EQ(resolver().counters().evictions, 0u);
  lookup("d.example");
  EXPECT_EQ(resolver().cached(), 3u);
  EXPECT_EQ(resolver().counters().evictions, 1u);
  seen_.clear();
  for (const char* name : {"a.example", "c.example", "d.example"}) lookup(name);
  EXPECT_TRUE(seen_.empty()) << "what expired first has made room";
}

TEST_F(ResolverTest, resolves_both_families_side_by_side) {
  serve_udp(kFirst, [](std::string_view query, bool) -> Texts {
    ScriptedAnswer answer(query);
    asked(query).type == 1 ? answer.a("app.example", 60, "10.1.1.1")
                           : answer.aaaa("app.example", 30, "2001:db8::1");
    return {answer.bytes()};
  });
  Result<Addresses> addresses = resolve("app.example");
  ASSERT_TRUE(addresses);
  EXPECT_EQ(texts(addresses->list), (Texts{"2001:db8::1", "10.1.1.1"}));
  EXPECT_LE(addresses->expires - loop_.now(), seconds(30));
}

TEST_F(ResolverTest, does_not_wait_long_for_one_family_when_it_has_the_other) {
  serve_udp(kFirst, [](std::string_view query, bool) -> Texts {
    if (asked(query).type == 28) return {};
    return {ScriptedAnswer(query).a("app.example", 60, "10.1.1.1").bytes()};
  });
  for (int round = 0; round < 2; ++round) {  // the second from the cache
    TimePoint before = loop_.now();
    EXPECT_EQ(texts(resolve("app.example")->list), (Texts{"10.1.1.1"}));
    EXPECT_LT(loop_.now() - before, milliseconds(60));
  }
}

TEST_F(ResolverTest, waits_for_a_slow_family_when_the_other_has_no_addresses) {
  serve_udp(kFirst, [](std::string_view query, bool) -> Texts {
    if (asked(query).type == 28) return {};
    return {ScriptedAnswer(query).bytes()};
  });
  serve_udp(kSecond, [](std::string_view query, bool) -> Texts {
    return {ScriptedAnswer(query).aaaa("app.example", 60, "2001:db8::1").bytes()};
  });
  EXPECT_EQ(texts(resolve("app.example")->list), (Texts{"2001:db8::1"}));
}

TEST_F(ResolverTest, tells_why_there_is_no_address) {
  serve_udp(kFirst, [](std::string_view query, bool) -> Texts {
    return {ScriptedAnswer(query).code(asked(query).name == "gone.example" ? 3 : 0).bytes()};
  });
  EXPECT_EQ(resolve("gone.example").error().detail, "nxdomain");
  EXPECT_EQ(resolve("bare.example").error().detail, "nodata");
  serve_udp(kFirst, with_code(2));
  serve_udp(kSecond, with_code(2));
  EXPECT_EQ(resolve("broken.example").error().detail, "servfail");
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
