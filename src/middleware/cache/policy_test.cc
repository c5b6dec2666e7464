// The rules of RFC 9111, one case a line.
#include "middleware/cache/policy.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "middleware/cache/head.h"
#include "middleware/cache/selector.h"

namespace weir::cache {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

constexpr std::int64_t kNow = 1'700'000'000;  // Tue, 14 Nov 2023 22:13:20 GMT
constexpr std::string_view kDate = "Tue, 14 Nov 2023 22:13:20 GMT";
constexpr std::string_view kHourLater = "Tue, 14 Nov 2023 23:13:20 GMT";
constexpr std::string_view kTenDaysAgo = "Sat, 04 Nov 2023 22:13:20 GMT";

struct Message {
  explicit Message(const Fields& fields) {
    for (const auto& [name, value] : fields) headers.add(arena.copy(name), arena.copy(value));
  }
  Arena arena;
  Headers headers{arena};
};

Verdict judged(const Fields& response, const Fields& request = {}, std::uint16_t status = 200,
               const Policy& policy = {}) {
  Message asked(request), answered(response);
  return judge({asked.headers, status, answered.headers, kNow, kNow}, policy);
}

std::string control(std::string_view text, const Fields& request = {}, std::uint16_t status = 200) {
  Verdict verdict =
      judged({{"Cache-Control", std::string(text)}, {"ETag", "\"a\""}}, request, status);
  if (!verdict.stored()) return std::string(name(verdict.refusal));
  return verdict.revalidate_always ? "revalidate" : std::to_string(verdict.lifetime);
}

TEST(CachePolicy, KnowsHowLongAResponseIsFresh) {
  EXPECT_EQ(control("max-age=60"), "60");
  EXPECT_EQ(control("MAX-AGE=60"), "60");
  EXPECT_EQ(control("max-age=\"60\""), "60");
  EXPECT_EQ(control("max-age=60, s-maxage=7"), "7");
  EXPECT_EQ(control("s-maxage=7, max-age=60"), "7");
  EXPECT_EQ(control("public, max-age=60"), "60");
  EXPECT_EQ(control("max-age=99999999999999999999"), "2147483648");
  EXPECT_EQ(control("extension=\"a, max-age=1\", max-age=60"), "60");
  EXPECT_EQ(control(",, max-age=60 ,"), "60");
}

TEST(CachePolicy, TakesWhatIsNoTimeForStale) {
  for (const char* text : {"max-age=", "max-age=-1", "max-age=1.5", "max-age=1s", "max-age",
                           "max-age=1, max-age=2", "s-maxage=x, max-age=60", "max-age= 60"}) {
    EXPECT_EQ(control(text), "revalidate") << text;
  }
  EXPECT_EQ(control("max-age=2, max-age=2"), "2");
}

TEST(CachePolicy, DoesNotStoreWhatItMustNotOrCannotRead) {
  EXPECT_EQ(control("no-store"), "no-store");
  EXPECT_EQ(control("no-store, max-age=60"), "no-store");
  EXPECT_EQ(control("private, max-age=60"), "private");
  EXPECT_EQ(control("private; max-age=60"), "broken");
  EXPECT_EQ(control("max-age=60, private=\"a"), "broken");
  EXPECT_EQ(control("max-age=60, =1"), "broken");
  EXPECT_EQ(control("max-age = 60"), "broken");
}

TEST(CachePolicy, AsksTheOriginEachTimeWhereThatIsDemanded) {
  EXPECT_EQ(control("no-cache"), "revalidate");
  EXPECT_EQ(control("no-cache, max-age=60"), "revalidate");
  EXPECT_EQ(control("max-age=0"), "revalidate");
  EXPECT_EQ(name(judged({{"Cache-Control", "no-cache"}}).refusal), "stale");
  EXPECT_EQ(name(judged({{"Cache-Control", "max-age=0"}}).refusal), "stale");
}

TEST(CachePolicy, KeepsOnlyTheRestOfWhatIsPrivateInPart) {
  EXPECT_EQ(control("private=\"x-user\", max-age=60"), "60");
  EXPECT_EQ(control("no-cache=\"x-user, x-other\", max-age=60"), "60");
  EXPECT_EQ(control("private=\"\", max-age=60"), "private");
  ResponseDirectives said;
  read_cache_control("private=\"X-User, x-other\"", said);
  EXPECT_TRUE(said.withholds("x-user"));
  EXPECT_TRUE(said.withholds("X-Other"));
  EXPECT_FALSE(said.withholds("x-use"));
}

// RFC 9111, 3.5; ATTACKS 45.
TEST(CachePolicy, Attack45StoresAnswersToCredentialsOnlyIfTheyAreForAll) {
  Fields asked{{"Authorization", "Basic YTpi"}};
  EXPECT_EQ(control("max-age=60", asked), "authorization");
  EXPECT_EQ(control("public, max-age=60", asked), "60");
  EXPECT_EQ(control("s-maxage=60", asked), "60");
  EXPECT_EQ(control("must-revalidate, max-age=60", asked), "60");
  EXPECT_EQ(control("proxy-revalidate, max-age=60", asked), "authorization");
}

TEST(CachePolicy, Attack45StoresNoCookies) {
  Fields sets{{"Cache-Control", "public, max-age=60"}, {"Set-Cookie", "id=1"}};
  EXPECT_EQ(judged(sets).refusal, Refusal::cookie);
  EXPECT_TRUE(judged(sets, {}, 200, {.strip_cookies = true}).stored());
  Fields withheld{{"Cache-Control", "max-age=60, no-cache=\"set-cookie\""}, {"Set-Cookie", "id=1"}};
  EXPECT_TRUE(judged(withheld).stored());
  Message response(sets);
  StoredHead head = StoredHead::of(200, response.headers, {}, kNow);
  EXPECT_EQ(head.get("Set-Cookie"), "");
  EXPECT_EQ(head.get("Cache-Control"), "public, max-age=60");
}

TEST(CachePolicy, MustUnderstandLetsThoseWhoDoStoreInSpiteOfNoStore) {
  EXPECT_EQ(control("must-understand, no-store, max-age=60"), "60");
  EXPECT_EQ(control("must-understand, max-age=60", {}, 299), "status");
  EXPECT_EQ(control("max-age=60", {}, 299), "60");
}

// ATTACKS 43: what one client's odd fields bring about is not for the others.
TEST(CachePolicy, Attack43NeverStoresErrorsThatTheRequestMayHaveCaused) {
  for (std::uint16_t status : {400, 401, 407, 408, 413, 416, 417, 421, 425, 431, 206, 304, 100}) {
    EXPECT_EQ(control("public, max-age=60", {}, status), "status") << status;
  }
  for (std::uint16_t status : {404, 410, 301, 302, 500}) {
    EXPECT_EQ(control("max-age=60", {}, status), "60") << status;
  }
}

TEST(CachePolicy, GoesByExpiresWhereThereIsNoMaxAge) {
  Fields fields{{"Date", std::string(kDate)}, {"Expires", std::string(kHourLater)}};
  EXPECT_EQ(judged(fields).lifetime, 3600);
  fields.push_back({"Cache-Control", "max-age=5"});
  EXPECT_EQ(judged(fields).lifetime, 5);
  for (const char* expired : {"0", "-1", "never", "Tue, 14 Nov 2023 21:13:20 GMT"}) {
    EXPECT_EQ(judged({{"Date", std::string(kDate)}, {"Expires", expired}}).refusal,
              Refusal::useless)
        << expired;
  }
}

TEST(CachePolicy, GuessesATenthOfTheAgeWhereNothingIsSaid) {
  Fields fields{{"Date", std::string(kDate)}, {"Last-Modified", std::string(kTenDaysAgo)}};
  EXPECT_EQ(judged(fields).lifetime, 86400);
  EXPECT_EQ(judged(fields, {}, 200, {.heuristic_most = 100}).lifetime, 100);
  EXPECT_EQ(judged(fields, {}, 200, {.heuristic_most = 0}).refusal, Refusal::unspoken);
  EXPECT_EQ(judged(fields, {}, 302).refusal, Refusal::unspoken);
  EXPECT_EQ(judged({{"ETag", "\"a\""}}).refusal, Refusal::unspoken);
}

// ATTACKS 44: a page that a cookie has made is not kept because its address looks like a picture's.
TEST(CachePolicy, Attack44NeverGuessesForRequestsWithCookies) {
  Fields fields{{"Date", std::string(kDate)}, {"Last-Modified", std::string(kTenDaysAgo)}};
  EXPECT_EQ(judged(fields, {{"Cookie", "id=1"}}).refusal, Refusal::unspoken);
  std::pair<std::uint16_t, std::int64_t> lifetimes[] = {{404, 10}};
  Policy policy{.lifetimes = lifetimes};
  EXPECT_EQ(judged({}, {{"Cookie", "id=1"}}, 404, policy).refusal, Refusal::unspoken);
  EXPECT_EQ(judged({}, {}, 404, policy).lifetime, 10);
  EXPECT_EQ(judged({}, {}, 200, policy).refusal, Refusal::unspoken);
  EXPECT_EQ(judged({{"Cache-Control", "max-age=3"}}, {}, 404, policy).lifetime, 3);
}

// RFC 9213.
TEST(CachePolicy, CdnCacheControlStandsInForTheRest) {
  auto both = [](const char* targeted) {
    return judged(
        {{"Cache-Control", "max-age=60"}, {"CDN-Cache-Control", targeted}, {"ETag", "\"a\""}});
  };
  EXPECT_EQ(both("max-age=600").lifetime, 600);
  EXPECT_EQ(both("max-age=600;x=1, foo=(a b);q").lifetime, 600);
  EXPECT_EQ(both("no-store").refusal, Refusal::no_store);
  EXPECT_EQ(both("no-store=?0, max-age=7").lifetime, 7);
  for (const char* broken :
       {"", "MAX-AGE=600", "max-age=600,", "max-age=", "max-age=6 00", "a=\"x"}) {
    EXPECT_EQ(both(broken).lifetime, 60) << broken;
  }
  // One that is understood but says nothing of the time: then nothing is known of it.
  EXPECT_EQ(both("max-age=\"600\"").refusal, Refusal::unspoken);
  Verdict opened = judged({{"Cache-Control", "no-store"}, {"CDN-Cache-Control", "max-age=9"}});
  EXPECT_EQ(opened.lifetime, 9);
}

TEST(CachePolicy, CountsTheAgeFromTheOrigin) {
  auto age = [](const Fields& fields, std::int64_t asked = kNow) {
    Message request({}), response(fields);
    response.headers.add("Cache-Control", "max-age=60");
    return judge({request.headers, 200, response.headers, asked, kNow}, {}).initial_age;
  };
  EXPECT_EQ(age({{"Date", std::string(kDate)}}), 0);
  EXPECT_EQ(age({{"Age", "5"}}), 5);
  EXPECT_EQ(age({{"Age", "5"}}, kNow - 3), 8);
  EXPECT_EQ(age({{"Date", "Tue, 14 Nov 2023 22:13:10 GMT"}, {"Age", "5"}}), 10);
  EXPECT_EQ(age({{"Age", "-5"}}), 0);
}

TEST(CachePolicy, MayServeStaleOnlyWhereThatIsGranted) {
  Policy granted{.stale_while_revalidate = 30, .stale_if_error = 40};
  auto of = [&](const char* text) {
    Verdict v = judged({{"Cache-Control", text}, {"ETag", "\"a\""}}, {}, 200, granted);
    return std::pair(v.stale_while_revalidate, v.stale_if_error);
  };
  using Both = std::pair<std::int64_t, std::int64_t>;
  EXPECT_EQ(of("max-age=1"), Both(30, 40));
  EXPECT_EQ(of("max-age=1, stale-while-revalidate=5, stale-if-error=6"), Both(5, 6));
  EXPECT_EQ(of("max-age=1, must-revalidate, stale-if-error=6"), Both(0, 0));
  EXPECT_EQ(of("max-age=1, proxy-revalidate"), Both(0, 0));
  EXPECT_EQ(of("s-maxage=1"), Both(0, 0));
  EXPECT_EQ(of("s-maxage=1, stale-while-revalidate=5"), Both(5, 0));
  EXPECT_EQ(of("no-cache, stale-if-error=6"), Both(0, 0));
  Verdict verdict;
  verdict.lifetime = 10;
  EXPECT_TRUE(verdict.fresh(9));
  EXPECT_FALSE(verdict.fresh(10));
  EXPECT_TRUE(verdict.may_be_stale(15, 5));
  EXPECT_FALSE(verdict.may_be_stale(16, 5));
}

TEST(CachePolicy, UnderstandsWhatClientsDemand) {
  auto ok = [](const char* text, std::int64_t age) {
    Message request({{"Cache-Control", text}});
    Verdict verdict;
    verdict.lifetime = 60;
    return satisfies(read_request_directives(request.headers), verdict, age);
  };
  EXPECT_FALSE(ok("no-cache", 0));
  EXPECT_TRUE(ok("max-age=5", 5));
  EXPECT_FALSE(ok("max-age=5", 6));
  EXPECT_TRUE(ok("min-fresh=10", 49));
  EXPECT_FALSE(ok("min-fresh=10", 50));
  Message pragma({{"Pragma", "no-cache"}});
  EXPECT_TRUE(read_request_directives(pragma.headers).no_cache);
  Message both({{"Pragma", "no-cache"}, {"Cache-Control", "max-age=1"}});
  EXPECT_FALSE(read_request_directives(both.headers).no_cache);
}

TEST(CacheSelector, ComparesTheFieldsThatVaryNames) {
  Message response({{"Vary", "Accept, X-Device"}});
  Message asked({{"Accept", "a/b, c/d"}, {"X-Device", "phone"}});
  Selector selector(response.headers, asked.headers);
  auto matches = [&](const Fields& fields) { return selector.matches(Message(fields).headers); };
  EXPECT_TRUE(matches({{"accept", "a/b, c/d"}, {"X-Device", "phone"}, {"X-Other", "1"}}));
  EXPECT_TRUE(matches({{"Accept", "a/b"}, {"Accept", "c/d"}, {"X-Device", "phone"}}));
  EXPECT_FALSE(matches({{"Accept", "a/b, c/d"}}));
  EXPECT_FALSE(matches({{"Accept", "a/b, c/d"}, {"X-Device", "phones"}}));
  EXPECT_FALSE(matches({{"Accept", "a/b,c/d"}, {"X-Device", "phone"}}));
}

TEST(CacheSelector, TakesAcceptEncodingForWhatItMeans) {
  Message response({{"Vary", "Accept-Encoding"}});
  Selector selector(response.headers, Message({{"Accept-Encoding", "gzip, deflate, br"}}).headers);
  auto matches = [&](const char* value) {
    return selector.matches(Message({{"Accept-Encoding", value}}).headers);
  };
  EXPECT_TRUE(matches("br,gzip"));
  EXPECT_TRUE(matches("x-new, br;q=1.0, gzip"));
  EXPECT_FALSE(matches("gzip"));
  EXPECT_FALSE(matches("gzip, br;q=0.9"));
  EXPECT_FALSE(matches("identity"));
  EXPECT_FALSE(selector.matches(Message({}).headers));
}

TEST(CacheSelector, TellsAFieldThatIsNotThereFromAnEmptyOne) {
  Message response({{"Vary", "Cookie"}});
  Selector without(response.headers, Message({}).headers);
  EXPECT_TRUE(without.matches(Message({}).headers));
  EXPECT_FALSE(without.matches(Message({{"Cookie", ""}}).headers));
  Selector empty(response.headers, Message({{"Cookie", ""}}).headers);
  EXPECT_FALSE(empty.matches(Message({}).headers));
  EXPECT_TRUE(empty.matches(Message({{"Cookie", ""}}).headers));
}

TEST(CachePolicy, VaryOnEverythingIsNotStored) {
  EXPECT_EQ(judged({{"Cache-Control", "max-age=60"}, {"Vary", "Accept, *"}}).refusal,
            Refusal::vary);
}

TEST(CacheHead, IsUpdatedByA304ButForWhatDescribesTheContent) {
  Message first(
      {{"Content-Type", "text/css"}, {"ETag", "\"a\""}, {"X-One", "1"}, {"Warning", "x"}});
  Message second({{"Content-Type", "text/html"},
                  {"ETag", "\"a\""},
                  {"x-one", "2"},
                  {"Date", std::string(kDate)},
                  {"Set-Cookie", "id=1"},
                  {"Connection", "close"}});
  StoredHead head = StoredHead::of(200, first.headers, {}, kNow).updated(second.headers, {}, kNow);
  EXPECT_EQ(head.status(), 200);
  EXPECT_EQ(head.get("Content-Type"), "text/css");
  EXPECT_EQ(head.get("X-One"), "2");
  EXPECT_EQ(head.get("Date"), kDate);
  EXPECT_EQ(head.get("Set-Cookie"), "");
  EXPECT_EQ(head.get("Connection"), "");
}

}  // namespace
}  // namespace weir::cache
