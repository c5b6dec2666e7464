#include <map>

#include "middleware/cache/testing.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::Cached;
using test::CacheTest;
using test::Client;
using test::Said;
using test::SlowBody;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(CacheTest, AnswersTheSecondRequestItself) {
  test::Answer first = get("/a");
  EXPECT_EQ(first.body, "hello");
  EXPECT_THAT(first.fields, HasSubstr("Cache-Status: weir; fwd=uri-miss; fwd-status=200; stored"));
  EXPECT_EQ(chain_->use, CacheUse::miss);
  world_.run_for(3s);
  test::Answer second = get("/a");
  EXPECT_EQ(second.body, "hello");
  EXPECT_THAT(second.fields, HasSubstr("Age: 3\n"));
  EXPECT_THAT(second.fields, HasSubstr("Cache-Status: weir; hit; ttl=57"));
  EXPECT_EQ(chain_->use, CacheUse::hit);
  EXPECT_EQ(origin_.asked, 1);
}

// Without asking again: the first request may have been for a part, which its client has long
// before the rest is there.
TEST_F(CacheTest, AHeadWaitsForWhatIsComingAnyway) {
  origin_.says = [](int, Exchange&) {
    Said said{.pieces = std::vector<std::string>(50, std::string(1000, 'x'))};
    said.headers.emplace_back("ETag", "\"v1\"");
    return said;
  };
  EXPECT_EQ(get("/a", {{"Range", "bytes=0-9"}}).status, 206);
  EXPECT_EQ(ask({.method = "HEAD", .target = "/a"}).status, 200);
  EXPECT_EQ(chain_->use, CacheUse::collapsed);
  EXPECT_EQ(get("/a", {{"If-None-Match", "\"v1\""}}).status, 304);
  EXPECT_EQ(get("/a", {{"Range", "bytes=-5"}}).body, "xxxxx");
  EXPECT_EQ(origin_.asked, 1);
}

// Only that: what begins within a megabyte of what is there is waited for.
TEST_F(CacheTest, WhoWantsTheEndOfSomethingLargeAsksByHimself) {
  origin_.says = [](int, Exchange&) {
    return Said{.pieces = std::vector<std::string>(24, std::string(100'000, 'x'))};
  };
  std::vector<Client> clients(3);
  for (Client& each : clients) each.asked.target = "/large";
  clients[1].at = clients[2].at = 30ms;  // little is there yet
  clients[1].asked.headers = {{"Range", "bytes=1000000-1000009"}};
  clients[2].asked.headers = {{"Range", "bytes=-10"}};
  visit_all(clients);
  EXPECT_EQ(clients[1].answer.status, 206);
  EXPECT_THAT(clients[1].answer.fields, HasSubstr("collapsed"));
  EXPECT_THAT(clients[2].answer.fields, HasSubstr("fwd=bypass"));
  EXPECT_EQ(origin_.asked, 2);
}

TEST_F(CacheTest, Attack43TellsSchemeHostPathAndQueryApart) {
  origin_.says = [](int number, Exchange&) { return Said{.pieces = {std::to_string(number)}}; };
  EXPECT_EQ(get("/a").body, "1");
  EXPECT_EQ(get("/b").body, "2");
  EXPECT_EQ(get("/a?x").body, "3");
  EXPECT_EQ(get("/a?").body, "4");
  EXPECT_EQ(ask({.target = "/a", .host = "other.example"}).body, "5");
  EXPECT_EQ(ask({.target = "/a", .host = "shop.example:81"}).body, "6");
  EXPECT_EQ(get("/a").body, "1");
}

TEST_F(CacheTest, Attack43AsksWithoutFieldsThatAreNoPartOfTheKey) {
  get("/a", {{"X-Forwarded-Prefix", "/evil"},
             {"x-original-url", "/admin"},
             {"Range", "bytes=0-1"},
             {"X-HTTP-Method-Override", "POST"},
             {"X-Good", "1"},
             {"Cache-Control", "no-cache"}});
  EXPECT_EQ(origin_.last, "Host: shop.example\nX-Good: 1\n");
  ask({.target = "/b", .headers = {{"X-Forwarded-Prefix", "/app"}}, .trusted = true});
  EXPECT_THAT(origin_.last, HasSubstr("X-Forwarded-Prefix: /app"));
}

TEST_F(CacheTest, Attack44DoesNotStoreUnderAPathThatHadToBeResolved) {
  EXPECT_THAT(get("/account/../a.css").fields, HasSubstr("fwd=bypass"));
  EXPECT_THAT(get("//a.css").fields, HasSubstr("fwd=bypass"));
  EXPECT_THAT(get("/x/%2e%2e/a.css").fields, HasSubstr("fwd=bypass"));
  EXPECT_THAT(get("/%61.css").fields, HasSubstr("stored"));
  EXPECT_THAT(get("/a.css").fields, HasSubstr("hit"));
}

TEST_F(CacheTest, AHundredClientsCostTheOriginOneRequest) {
  origin_.says = [](int, Exchange&) {
    return Said{.pieces = {std::string(100'000, 'a'), std::string(100'000, 'b')}, .pause = 1s};
  };
  std::vector<Client> clients(100);
  for (std::size_t i = 0; i < clients.size(); ++i) clients[i].at = 20ms * i;
  visit_all(clients);
  for (const Client& each : clients) {
    EXPECT_EQ(each.answer.body, std::string(100'000, 'a') + std::string(100'000, 'b'));
  }
  EXPECT_EQ(origin_.asked, 1);
  EXPECT_THAT(clients[1].answer.fields, HasSubstr("collapsed"));
}

TEST_F(CacheTest, ReadersGetBytesAsTheyCome) {
  origin_.says = [](int, Exchange&) {
    return Said{.pieces = {"one", "two"}, .pause = 2s, .knows_length = false};
  };
  std::vector<Client> clients(2);
  clients[1].leaves = 3s;  // after the first piece
  visit_all(clients);
  EXPECT_EQ(clients[0].answer.body, "onetwo");
  EXPECT_EQ(clients[1].answer.body, "one");
}

TEST_F(CacheTest, TheFillGoesOnWithoutTheClientForWhichItWasBegun) {
  origin_.says = [](int, Exchange&) { return Said{.before = 1s, .pause = 1s}; };
  std::vector<Client> clients(2);
  clients[0].leaves = 500ms;
  clients[1].at = 100ms;
  visit_all(clients);
  EXPECT_NE(clients[0].answer.error.code, ErrorCode::none);
  EXPECT_EQ(clients[1].answer.body, "hello");
  EXPECT_EQ(origin_.asked, 1);
}

TEST_F(CacheTest, Attack45WhatTurnsOutPrivateIsForOneClientAndHoldsUpNobody) {
  origin_.says = [](int number, Exchange&) {
    return Said{.headers = {{"Cache-Control", "private"}},
                .pieces = {std::to_string(number)},
                .before = 1s,
                .pause = 1s};
  };
  std::vector<Client> clients(20);
  visit_all(clients);
  std::map<std::string, int> seen;
  for (const Client& each : clients) {
    ++seen[each.answer.body];
    EXPECT_LT(each.took, 5s);
  }
  EXPECT_EQ(seen.size(), 20u);
  EXPECT_EQ(origin_.asked, 20);
  // For a while nobody waits for another.
  std::vector<Client> later(5);
  for (Client& each : later) each.asked.target = "/";
  origin_.asked = 0;
  visit_all(later);
  EXPECT_EQ(origin_.asked, 5);
}

TEST_F(CacheTest, AClientThatLeavesInsideAPrivateAnswerEndsIt) {
  origin_.says = [](int, Exchange&) {
    return Said{
        .headers = {{"Cache-Control", "private"}}, .pieces = {"one", "two", "three"}, .pause = 1s};
  };
  std::vector<Client> clients(2);
  clients[0].leaves = 1500ms;
  clients[1].at = 5s;
  visit_all(clients);
  EXPECT_EQ(clients[0].answer.body, "one");
  EXPECT_NE(clients[0].answer.error.code, ErrorCode::none);
  EXPECT_EQ(clients[1].answer.body, "onetwothree");
}

TEST_F(CacheTest, IfTheFirstFailsTheOthersGoByThemselves) {
  origin_.says = [](int number, Exchange&) {
    Said said{.before = 1s};
    if (number == 1) said.failure = Error(ErrorCode::reset, Origin::upstream);
    return said;
  };
  std::vector<Client> clients(10);
  visit_all(clients);
  int failed = 0;
  for (const Client& each : clients) {
    bool reset = each.answer.error.code == ErrorCode::reset;
    if (reset) ++failed;
    EXPECT_EQ(each.answer.body, reset ? "" : "hello");
    EXPECT_LT(each.took, 3s);
  }
  EXPECT_EQ(failed, 1);
}

TEST_F(CacheTest, ABodyThatEndsEarlyIsAnErrorForAllAndIsNotStored) {
  origin_.says = [](int number, Exchange&) {
    Said said{.pause = 1s};
    if (number == 1) said.end = Error(ErrorCode::truncated, Origin::upstream);
    return said;
  };
  std::vector<Client> clients(4);
  visit_all(clients);
  for (const Client& each : clients) {
    EXPECT_EQ(each.answer.body, "hello");
    EXPECT_EQ(each.answer.error.code, ErrorCode::truncated);
  }
  test::Answer again = get("/");
  EXPECT_EQ(again.error.code, ErrorCode::none);
  EXPECT_EQ(origin_.asked, 2);
}

TEST_F(CacheTest, RenewsWhatIsStaleWithA304) {
  origin_.says = [](int number, Exchange&) {
    Said said{.headers = {{"Cache-Control", "max-age=10"},
                          {"ETag", "\"v1\""},
                          {"X-N", std::to_string(number)}}};
    if (number > 1) said.status = 304;
    return said;
  };
  get("/a");
  world_.run_for(11s);
  test::Answer renewed = get("/a");
  EXPECT_EQ(renewed.status, 200);
  EXPECT_EQ(renewed.body, "hello");
  EXPECT_THAT(origin_.last, HasSubstr("If-None-Match: \"v1\""));
  EXPECT_THAT(renewed.fields, HasSubstr("fwd=stale; fwd-status=304"));
  EXPECT_THAT(renewed.fields, HasSubstr("X-N: 2"));
  EXPECT_EQ(chain_->use, CacheUse::renewed);
  EXPECT_THAT(get("/a").fields, HasSubstr("hit; ttl="));
  EXPECT_EQ(origin_.asked, 2);
}

TEST_F(CacheTest, ReplacesWhatHasChanged) {
  origin_.says = [](int number, Exchange&) {
    std::string n = std::to_string(number);
    return Said{.headers = {{"Cache-Control", "max-age=10"}, {"ETag", "\"" + n + "\""}},
                .pieces = {n}};
  };
  EXPECT_EQ(get("/a").body, "1");
  world_.run_for(11s);
  EXPECT_EQ(get("/a").body, "2");
  EXPECT_EQ(get("/a").body, "2");
  EXPECT_EQ(store().totals().objects, 1u);
}

TEST_F(CacheTest, ServesStaleWhileItIsRenewed) {
  origin_.says = [](int number, Exchange&) {
    return Said{.headers = {{"Cache-Control", "max-age=10, stale-while-revalidate=20"}},
                .pieces = {std::to_string(number)},
                .before = 1s};
  };
  get("/a");
  world_.run_for(15s);
  EXPECT_EQ(get("/a").body, "1");
  EXPECT_EQ(chain_->use, CacheUse::stale);
  EXPECT_EQ(get("/a").body, "1");
  EXPECT_EQ(origin_.asked, 2);
  world_.run_for(3s);
  EXPECT_EQ(get("/a").body, "2");
  world_.run_for(40s);
  EXPECT_EQ(get("/a").body, "3");
}

TEST_F(CacheTest, WhatIsRenewedForNobodyEndsThoughItMayNotBeStored) {
  origin_.says = [](int number, Exchange&) {
    const char* how = number == 1 ? "max-age=10, stale-while-revalidate=20" : "private";
    return Said{.headers = {{"Cache-Control", how}}, .pieces = {std::to_string(number)}};
  };
  get("/a");
  world_.run_for(15s);
  EXPECT_EQ(get("/a").body, "1");
  world_.run_for(1s);
  EXPECT_EQ(origin_.asked, 2);
  EXPECT_EQ(cache::FillScope::of(loop_).running(), 0u);
  EXPECT_EQ(get("/a").body, "3");
}

TEST_F(CacheTest, ServesStaleIfTheOriginFails) {
  bool ill = false;
  origin_.says = [&](int, Exchange&) {
    Said said{.headers = {{"Cache-Control", "max-age=10, stale-if-error=20"}}};
    if (ill) said.status = 503;
    return said;
  };
  get("/a");
  world_.run_for(11s);
  ill = true;
  test::Answer stale = get("/a");
  EXPECT_EQ(stale.status, 200);
  EXPECT_EQ(stale.body, "hello");
  EXPECT_EQ(origin_.asked, 2);
  get("/a");  // not asked again at once
  EXPECT_EQ(origin_.asked, 2);
  world_.run_for(25s);
  EXPECT_EQ(get("/a").status, 503);
}

TEST_F(CacheTest, AnswersConditionsAndRangesByItself) {
  origin_.says = [](int, Exchange&) {
    return Said{.headers = {{"Cache-Control", "max-age=60"},
                            {"ETag", "\"v1\""},
                            {"Content-Type", "text/plain"}},
                .pieces = {"0123456789"}};
  };
  get("/a");
  test::Answer same = get("/a", {{"If-None-Match", "\"v1\""}});
  EXPECT_EQ(same.status, 304);
  EXPECT_THAT(same.fields, HasSubstr("ETag: \"v1\""));
  EXPECT_THAT(same.fields, Not(HasSubstr("Content-Type")));
  test::Answer part = get("/a", {{"Range", "bytes=2-4"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "234");
  EXPECT_THAT(part.fields, HasSubstr("Content-Range: bytes 2-4/10"));
  test::Answer parts = get("/a", {{"Range", "bytes=8-9,0-1"}});
  EXPECT_EQ(parts.status, 206);
  EXPECT_THAT(parts.body, HasSubstr("bytes 8-9/10\r\n\r\n89\r\n--"));
  EXPECT_THAT(parts.body, HasSubstr("bytes 0-1/10\r\n\r\n01\r\n--"));
  EXPECT_EQ(get("/a", {{"Range", "bytes=10-"}}).status, 416);
  EXPECT_EQ(get("/a", {{"Range", "bytes=0-1"}, {"If-Range", "\"v2\""}}).body, "0123456789");
  test::Answer head = ask({.method = "HEAD", .target = "/a"});
  EXPECT_EQ(head.status, 200);
  EXPECT_THAT(head.fields, HasSubstr("hit"));
  EXPECT_EQ(origin_.asked, 1);
  EXPECT_THAT(get("/a", {{"If-Match", "\"v1\""}}).fields, HasSubstr("fwd=request"));
}

TEST_F(CacheTest, Attack45ARangeAtTheEndOfTheNumbersIsNoRange) {
  get("/a");
  EXPECT_EQ(get("/a", {{"Range", "bytes=18446744073709551615-18446744073709551615"}}).status, 416);
  EXPECT_EQ(get("/a", {{"Range", "bytes=-18446744073709551616"}}).body, "hello");
}

TEST_F(CacheTest, KeepsVariantsApart) {
  origin_.says = [](int, Exchange& exchange) {
    return Said{.headers = {{"Cache-Control", "max-age=60"}, {"Vary", "X-Device"}},
                .pieces = {std::string(exchange.request().headers.get("X-Device"))}};
  };
  EXPECT_EQ(get("/a", {{"X-Device", "phone"}}).body, "phone");
  EXPECT_EQ(get("/a", {{"X-Device", "desk"}}).body, "desk");
  EXPECT_THAT(get("/a", {{"X-Device", "lamp"}}).fields, HasSubstr("vary-miss"));
  EXPECT_EQ(get("/a", {{"X-Device", "phone"}}).body, "phone");
  EXPECT_EQ(origin_.asked, 3);
}

TEST_F(CacheTest, WaitersThatVaryTellsApartGetTheirOwn) {
  origin_.says = [](int, Exchange& exchange) {
    return Said{.headers = {{"Cache-Control", "max-age=60"}, {"Vary", "X-User"}},
                .pieces = {std::string(exchange.request().headers.get("X-User"))},
                .before = 1s};
  };
  std::vector<Client> clients(12);
  for (std::size_t i = 0; i < clients.size(); ++i) {
    clients[i].asked.headers = {{"X-User", std::to_string(i % 4)}};
  }
  visit_all(clients);
  for (std::size_t i = 0; i < clients.size(); ++i) {
    EXPECT_EQ(clients[i].answer.body, std::to_string(i % 4));
    EXPECT_LT(clients[i].took, 3s);
  }
  EXPECT_EQ(origin_.asked, 4);
}

TEST_F(CacheTest, TheConfiguredKeyTellsResponsesApart) {
  config_.key.emplace_back();
  config_.key.back().value = "${cookie.group}";
  origin_.says = [](int number, Exchange&) { return Said{.pieces = {std::to_string(number)}}; };
  EXPECT_EQ(get("/a", {{"Cookie", "group=a"}}).body, "1");
  EXPECT_EQ(get("/a", {{"Cookie", "group=b"}}).body, "2");
  EXPECT_EQ(get("/a", {{"Cookie", "x=1; group=a"}}).body, "1");
  EXPECT_EQ(store().purge_url("http://shop.example/a", cache::Purge::hard), 2u);
}

TEST_F(CacheTest, UnsafeMethodsInvalidate) {
  origin_.says = [](int number, Exchange& exchange) {
    Said said{.pieces = {std::to_string(number)}};
    if (exchange.request().method == Method::post) {
      said.headers = {{"Location", "/b"}, {"Content-Location", "http://shop.example/c"}};
    }
    if (exchange.request().headers.has("X-Fail")) said.status = 500;
    return said;
  };
  for (const char* path : {"/a", "/b", "/c", "/d"}) get(path);
  ask({.method = "POST", .target = "/a", .headers = {{"X-Fail", "1"}}});
  EXPECT_EQ(get("/a").body, "1");
  ask({.method = "POST", .target = "/a"});
  EXPECT_EQ(get("/a").body, "7");
  EXPECT_EQ(get("/b").body, "8");
  EXPECT_EQ(get("/c").body, "9");
  EXPECT_EQ(get("/d").body, "4");
}

TEST_F(CacheTest, WhatIsInvalidatedWhileItComesInIsNotKept) {
  origin_.says = [](int number, Exchange&) {
    return Said{.pieces = {std::to_string(number)}, .pause = 1s};
  };
  std::vector<Client> clients(2);
  clients[0].asked.target = clients[1].asked.target = "/a";
  clients[1].asked.method = "PUT";
  clients[1].at = 100ms;
  visit_all(clients);
  EXPECT_EQ(clients[0].answer.body, "1");
  EXPECT_EQ(get("/a").body, "3");
}

TEST_F(CacheTest, PurgesByPrefixAndTag) {
  origin_.says = [](int number, Exchange& exchange) {
    std::string path(exchange.request().target.path);
    return Said{.headers = {{"Cache-Control", "max-age=60, stale-while-revalidate=60"},
                            {"Surrogate-Key", "all p" + path.substr(1)}},
                .pieces = {std::to_string(number)}};
  };
  for (const char* path : {"/1", "/10", "/2"}) get(path);
  EXPECT_EQ(store().purge_tag("p1", cache::Purge::hard), 1u);
  EXPECT_EQ(store().purge_tag("p", cache::Purge::hard), 0u);
  EXPECT_EQ(store().purge_prefix("http://shop.example/1", cache::Purge::hard), 1u);
  EXPECT_EQ(store().purge_tag("all", cache::Purge::soft), 1u);
  EXPECT_EQ(get("/2").body, "3");  // stale, and renewed
  EXPECT_EQ(chain_->use, CacheUse::stale);
  world_.run_for(1s);
  EXPECT_EQ(get("/2").body, "4");
}

TEST_F(CacheTest, OnlyIfCachedAsksNobody) {
  test::Answer answer = get("/a", {{"Cache-Control", "only-if-cached"}});
  EXPECT_EQ(answer.status, 504);
  EXPECT_EQ(origin_.asked, 0);
}

TEST_F(CacheTest, ClientsDemandOnlyWhereTheyMay) {
  get("/a");
  get("/a", {{"Cache-Control", "no-cache"}});
  EXPECT_EQ(origin_.asked, 1);
  middleware_.reset();
  config_.obey_clients = true;
  get("/a");
  get("/a", {{"Cache-Control", "no-cache"}});
  EXPECT_EQ(origin_.asked, 3);  // the cache went with the only configuration that had it
}

TEST_F(CacheTest, TheFirstClientGetsTheCookieThatIsNotStored) {
  config_.strip_cookies = true;
  origin_.says = [](int, Exchange&) {
    return Said{.headers = {{"Cache-Control", "max-age=60"}, {"Set-Cookie", "id=1"}}};
  };
  EXPECT_THAT(get("/a").fields, HasSubstr("Set-Cookie: id=1"));
  test::Answer second = get("/a");
  EXPECT_THAT(second.fields, HasSubstr("hit"));
  EXPECT_THAT(second.fields, Not(HasSubstr("Set-Cookie")));
}

TEST_F(CacheTest, ABodyAtTheLimitIsKeptAndOneAboveItPasses) {
  config_.max_object = {100};
  for (std::size_t size : {99u, 100u, 101u}) {
    for (bool known : {true, false}) {
      origin_.says = [&](int, Exchange&) {
        return Said{.pieces = {std::string(50, 'x'), std::string(size - 50, 'y')},
                    .knows_length = known};
      };
      std::string path = "/" + std::to_string(size) + (known ? "k" : "u");
      EXPECT_EQ(get(path).body.size(), size);
      test::Answer again = get(path);
      EXPECT_EQ(again.body.size(), size);
      EXPECT_EQ(again.fields.find("hit") != std::string::npos, size <= 100) << path;
    }
  }
}

TEST_F(CacheTest, WhatOutgrowsItsLimitReachesAllWhoBeganToReadIt) {
  config_.max_object = {1000};
  origin_.says = [](int, Exchange&) {
    Said said{.pause = 1ms, .knows_length = false};
    said.pieces.assign(100, std::string(100'000, 'z'));
    return said;
  };
  std::vector<Client> clients(6);
  clients[3].leaves = 20ms;
  visit_all(clients);
  for (std::size_t i = 0; i < clients.size(); ++i) {
    if (i != 3) EXPECT_EQ(clients[i].answer.body.size(), 10'000'000u);
  }
  EXPECT_EQ(origin_.asked, 1);
}

TEST_F(CacheTest, NeverTakesMoreThanItsSize) {
  config_.max_size = config::kibibytes(256);
  origin_.says = [](int, Exchange&) { return Said{.pieces = {std::string(10'000, 'x')}}; };
  for (int i = 0; i < 100; ++i) {
    get("/" + std::to_string(i));
    EXPECT_LE(store().totals().bytes, 256u << 10);
  }
  EXPECT_GT(store().totals().evicted, 50u);
  EXPECT_GT(store().totals().objects, 15u);
}

TEST_F(CacheTest, AnOriginThatEndsByClosingIsNotTrustedToBeWhole) {
  // Nothing tells a body that is cut short from a whole one.
  class Closing final : public Handler {
   public:
    Task<Result<Response>> handle(Exchange& exchange) const override {
      Response response(exchange.arena());
      response.headers.add("Cache-Control", "max-age=60");
      response.body = exchange.own<SlowBody>(exchange.loop(), std::vector<std::string>{"x"}, 1ms,
                                             std::nullopt, Error(), exchange.stop());
      response.ends_by_close = true;
      co_return response;
    }
  };
  Closing closing;
  cache();
  chain_ = std::make_unique<Cached>(*middleware_, closing);
  get("/a");
  EXPECT_THAT(get("/a").fields, HasSubstr("fwd=bypass"));
}

TEST_F(CacheTest, ContentOutlivesAReload) {
  get("/a");
  auto next = std::move(middleware_);
  config_.max_size = config::mebibytes(1);
  cache();
  EXPECT_EQ(store().totals().limit, 256u << 20);  // the larger one, as long as both are there
  next.reset();
  EXPECT_EQ(store().totals().limit, 1u << 20);
  EXPECT_THAT(get("/a").fields, HasSubstr("hit"));
}

}  // namespace
}  // namespace weir
