#include "io/dns/resolver.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "io/dns/simulated_resolver.h"

namespace weir::dns {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

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

}  // namespace
}  // namespace weir::dns
