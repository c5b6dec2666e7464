#include <unistd.h>

#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "http/preconditions.h"
#include "http/ranges.h"
#include "middleware/cache/testing.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::CacheTest;
using test::Client;
using test::Said;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::uint64_t kSlice = 65536;

/// What an origin has at one moment: `size` bytes that no other version has at any place.
struct Version {
  std::string etag;
  std::string body;

  static Version of(int number, std::size_t size) {
    Version version{fmt::format("\"v{}\"", number), std::string(size, '\0')};
    for (std::size_t i = 0; i < size; ++i) {
      version.body[i] =
          static_cast<char>('a' + (i / 7 + i / kSlice + std::size_t(number) * 13) % 26);
    }
    return version;
  }
};

class SlicedCacheTest : public CacheTest {
 protected:
  SlicedCacheTest() {
    config_.slice = config::kibibytes(64);
    config_.max_size = config::mebibytes(8);
    config_.max_object = config::mebibytes(1);
    origin_.says = [this](int, Exchange& exchange) { return say(exchange.request()); };
  }

  // RFC 9110, as an origin that knows Range.
  Said say(const Request& request) {
    const Headers& asked = request.headers;
    ranges_.push_back(asked.has(HeaderId::range) ? std::string(asked.get(HeaderId::range))
                                                 : std::string("whole"));
    Said said;
    said.headers = headers_;
    if (!now_.etag.empty()) said.headers.emplace_back("ETag", now_.etag);
    Validators current{now_.etag};
    if (check_preconditions(request, current, 0) == Precondition::not_modified) {
      said.status = 304;
      return said;
    }
    said.pieces = {now_.body};
    ByteRanges ranges;
    if (ignores_ranges_ || !range_wanted(request, current, 0)) return said;
    switch (ranges.parse(asked.get(HeaderId::range), now_.body.size())) {
      case RangeAnswer::whole: return said;
      case RangeAnswer::unsatisfiable:
        said.status = 416;
        said.headers.emplace_back("Content-Range", fmt::format("bytes */{}", now_.body.size()));
        said.pieces = {""};
        return said;
      case RangeAnswer::parts: break;
    }
    ByteRange part = ranges.parts().front();
    said.status = 206;
    said.headers.emplace_back(
        "Content-Range", fmt::format("bytes {}-{}/{}", part.first, part.last(), now_.body.size()));
    std::string bytes = now_.body.substr(part.first, part.size);
    said.pieces.clear();
    for (std::size_t at = 0; at < bytes.size(); at += 16384) {
      said.pieces.push_back(bytes.substr(at, 16384));
    }
    return said;
  }

  test::Answer range(const std::string& value) { return get("/big", {{"Range", value}}); }

  Version now_ = Version::of(1, 3 * kSlice + 1000);
  std::vector<std::pair<std::string, std::string>> headers_{{"Cache-Control", "max-age=60"},
                                                            {"Surrogate-Key", "big one"}};
  bool ignores_ranges_ = false;
  std::vector<std::string> ranges_;  // what the origin was asked for
};

TEST_F(SlicedCacheTest, AsksForWhatIsWantedAndKeepsIt) {
  test::Answer part = range("bytes=70000-70009");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, now_.body.substr(70000, 10));
  EXPECT_THAT(part.fields, HasSubstr("Content-Range: bytes 70000-70009/197608\n"));
  EXPECT_THAT(ranges_, ElementsAre("bytes=65536-131071"));
  world_.run_for(1s);  // the rest of the slice comes in all the same
  EXPECT_EQ(range("bytes=65536-65537").body, now_.body.substr(65536, 2));
  EXPECT_EQ(chain_->use, CacheUse::hit);
  EXPECT_EQ(origin_.asked, 1);
}

TEST_F(SlicedCacheTest, GivesTheWholeOutOfSlices) {
  range("bytes=70000-70009");
  test::Answer whole = get("/big");
  EXPECT_EQ(whole.status, 200);
  EXPECT_TRUE(whole.body == now_.body);
  EXPECT_THAT(whole.fields, Not(HasSubstr("Content-Range")));
  EXPECT_THAT(ranges_, ElementsAre("bytes=65536-131071", "bytes=0-65535", "bytes=131072-196607",
                                   "bytes=196608-262143"));
  EXPECT_TRUE(get("/big").body == now_.body);
  EXPECT_EQ(origin_.asked, 4);
}

TEST_F(SlicedCacheTest, FirstBytesDoNotWaitForTheRest) {
  std::vector<Client> clients(1);
  clients[0].asked.target = "/big";
  clients[0].leaves = 45ms;  // the head, and two pieces of 14
  visit_all(clients);
  EXPECT_EQ(clients[0].answer.status, 200);
  EXPECT_EQ(clients[0].answer.body, now_.body.substr(0, clients[0].answer.body.size()));
  EXPECT_GT(clients[0].answer.body.size(), 0u);
  EXPECT_THAT(ranges_, ElementsAre("bytes=0-65535"));  // nor is asked for what nobody reads
}

TEST_F(SlicedCacheTest, AnswersEveryKindOfRange) {
  EXPECT_EQ(range("bytes=65530-65545").body, now_.body.substr(65530, 16));  // over two
  EXPECT_EQ(range("bytes=197600-").body, now_.body.substr(197600));         // of the last one
  EXPECT_EQ(range("bytes=-5").body, now_.body.substr(now_.body.size() - 5));
  EXPECT_EQ(range("bytes=0-0").body, now_.body.substr(0, 1));
  test::Answer several = range("bytes=150000-150001,3-4");
  EXPECT_THAT(several.fields, HasSubstr("multipart/byteranges"));
  EXPECT_THAT(several.body,
              AllOf(HasSubstr("bytes 150000-150001/197608\r\n\r\n" + now_.body.substr(150000, 2)),
                    HasSubstr("bytes 3-4/197608\r\n\r\n" + now_.body.substr(3, 2))));
  EXPECT_THAT(ranges_, Each(HasSubstr("bytes=")));
}

TEST_F(SlicedCacheTest, SaysHowLongItIsWhenThereIsNoSuchPart) {
  test::Answer beyond = range("bytes=197608-");  // inside of the last slice, behind its end
  EXPECT_EQ(beyond.status, 416);
  EXPECT_THAT(beyond.fields, HasSubstr("Content-Range: bytes */197608\n"));
  test::Answer far = range("bytes=99999999-");  // no slice at all: as the origin says
  EXPECT_EQ(far.status, 416);
  EXPECT_THAT(far.fields, HasSubstr("Content-Range: bytes */197608\n"));
  // It says nothing of the others.
  EXPECT_EQ(range("bytes=1-2").body, now_.body.substr(1, 2));
  EXPECT_EQ(chain_->use, CacheUse::miss);
}

TEST_F(SlicedCacheTest, JudgesConditionsByTheVersionThatItHas) {
  get("/big");
  EXPECT_EQ(get("/big", {{"If-None-Match", "\"v1\""}}).status, 304);
  EXPECT_EQ(get("/big", {{"Range", "bytes=1-2"}, {"If-Range", "\"v1\""}}).status, 206);
  EXPECT_TRUE(get("/big", {{"Range", "bytes=1-2"}, {"If-Range", "\"v0\""}}).body == now_.body);
  test::Answer head = ask({.method = "HEAD", .target = "/big"});
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(origin_.asked, 4);
}

TEST_F(SlicedCacheTest, ManyClientsCostOneRequestForEachSlice) {
  std::vector<Client> clients(20);
  for (Client& each : clients) each.asked.target = "/big";
  visit_all(clients);
  for (const Client& each : clients) EXPECT_TRUE(each.answer.body == now_.body);
  std::map<std::string, int> times;
  for (const std::string& each : ranges_) ++times[each];
  EXPECT_EQ(times.size(), 4u);
  for (const auto& [each, count] : times) EXPECT_EQ(count, 1) << each;
}

TEST_F(SlicedCacheTest, NeverMixesTwoVersions) {
  range("bytes=140000-140001");  // of the first version
  Version old = std::exchange(now_, Version::of(2, 3 * kSlice + 1000));
  test::Answer whole = get("/big");  // the second one; the slice in the middle is asked for anew
  EXPECT_TRUE(whole.body == now_.body);
  EXPECT_EQ(whole.error.code, ErrorCode::none);
  EXPECT_EQ(range("bytes=140000-140001").body, now_.body.substr(140000, 2));
}

TEST_F(SlicedCacheTest, EndsATransferWhoseObjectChangesUnderIt) {
  Version old = now_;
  origin_.says = [&](int number, Exchange& exchange) {
    if (number == 3) now_ = Version::of(2, 3 * kSlice + 1000);
    return say(exchange.request());
  };
  test::Answer cut = get("/big");
  EXPECT_NE(cut.error.code, ErrorCode::none);
  EXPECT_TRUE(cut.body == old.body.substr(0, 2 * kSlice));
  // What there is of the first version has gone: the next client gets the second.
  EXPECT_TRUE(get("/big").body == now_.body);
}

TEST_F(SlicedCacheTest, EndsATransferWhoseObjectChangesInLengthAlone) {
  origin_.says = [&](int number, Exchange& exchange) {
    if (number == 2) now_.body.resize(2 * kSlice + 1);
    return say(exchange.request());
  };
  EXPECT_NE(get("/big").error.code, ErrorCode::none);
}

TEST_F(SlicedCacheTest, AnOriginThatFailsForOnceTakesNothingAway) {
  origin_.says = [&](int number, Exchange& exchange) {
    Said said = say(exchange.request());
    if (number == 3) said.status = 503;
    return said;
  };
  test::Answer cut = get("/big");
  EXPECT_NE(cut.error.code, ErrorCode::none);
  EXPECT_TRUE(cut.body == now_.body.substr(0, 2 * kSlice));
  ranges_.clear();
  EXPECT_TRUE(get("/big").body == now_.body);
  EXPECT_THAT(ranges_, ElementsAre("bytes=131072-196607", "bytes=196608-262143"));
}

TEST_F(SlicedCacheTest, RenewsEachSliceWithoutItsBody) {
  get("/big");
  world_.run_for(61s);
  ranges_.clear();
  EXPECT_TRUE(get("/big").body == now_.body);
  EXPECT_EQ(ranges_.size(), 4u);
  EXPECT_TRUE(get("/big").body == now_.body);
  EXPECT_EQ(ranges_.size(), 4u);
  EXPECT_THAT(origin_.last, HasSubstr("If-None-Match: \"v1\"\n"));
}

TEST_F(SlicedCacheTest, StaleSlicesOfAnotherVersionAreReplaced) {
  get("/big");
  world_.run_for(61s);
  now_ = Version::of(2, 2 * kSlice);
  EXPECT_TRUE(get("/big").body == now_.body);
  EXPECT_EQ(range("bytes=-1").body, now_.body.substr(now_.body.size() - 1));
}

TEST_F(SlicedCacheTest, AnOriginThatIgnoresRangeIsAskedOnce) {
  ignores_ranges_ = true;
  EXPECT_TRUE(get("/big").body == now_.body);
  EXPECT_EQ(range("bytes=70000-70009").body, now_.body.substr(70000, 10));
  EXPECT_TRUE(get("/big").body == now_.body);
  EXPECT_EQ(origin_.asked, 1);
}

TEST_F(SlicedCacheTest, WhatIsNoSuccessIsKeptAsAlways) {
  origin_.says = [](int, Exchange&) { return Said{.status = 404, .pieces = {"no"}}; };
  EXPECT_EQ(get("/big").status, 404);
  EXPECT_EQ(get("/big").body, "no");
  EXPECT_EQ(origin_.asked, 1);
}

TEST_F(SlicedCacheTest, PartsThatNothingTellsApartAreNotKept) {
  now_.etag = "W/\"weak\"";
  EXPECT_TRUE(get("/big").body == now_.body);
  EXPECT_TRUE(get("/big").body == now_.body);
  EXPECT_THAT(ranges_, ElementsAre("bytes=0-65535", "whole", "whole"));
  EXPECT_EQ(store().totals().stored, 0u);
}

TEST_F(SlicedCacheTest, WhatIsPrivateIsForEachClient) {
  headers_ = {{"Cache-Control", "private"}};
  EXPECT_TRUE(get("/big").body == now_.body);
  EXPECT_EQ(range("bytes=1-2").body, now_.body.substr(1, 2));
  EXPECT_EQ(store().totals().stored, 0u);
}

TEST_F(SlicedCacheTest, APartThatWasNotAskedForIsNotBelieved) {
  for (std::string wrong : {"bytes 0-65535/*", "bytes 1-65536/197608", "bytes 0-65534/197608",
                            "bytes 0-65535/65535", "nonsense"}) {
    origin_.says = [&](int, Exchange& exchange) {
      Said said = say(exchange.request());
      if (said.status == 206) said.headers.back().second = wrong;
      return said;
    };
    test::Answer answer = get("/big?" + std::to_string(origin_.asked));
    EXPECT_TRUE(answer.body == now_.body) << wrong;
    EXPECT_THAT(answer.fields, HasSubstr("fwd=bypass")) << wrong;
  }
}

TEST_F(SlicedCacheTest, ASliceThatEndsTooEarlyIsNotKept) {
  origin_.says = [&](int number, Exchange& exchange) {
    Said said = say(exchange.request());
    said.knows_length = false;
    if (number == 2) said.pieces.pop_back();
    return said;
  };
  test::Answer cut = get("/big");
  EXPECT_NE(cut.error.code, ErrorCode::none);
  EXPECT_TRUE(cut.body == now_.body.substr(0, cut.body.size()));
  EXPECT_TRUE(get("/big").body == now_.body);
}

TEST_F(SlicedCacheTest, PurgesAllSlicesAtOnce) {
  std::string url = "http://shop.example/big";
  get("/big");
  get("/bigger");
  world_.run_for(1s);
  EXPECT_EQ(store().purge_url(url, cache::Purge::hard), 4u);
  EXPECT_EQ(store().totals().objects, 4u);
  get("/big");
  EXPECT_EQ(origin_.asked, 12);
  world_.run_for(1s);
  EXPECT_EQ(store().purge_prefix(url, cache::Purge::hard), 8u);
  get("/big");
  world_.run_for(1s);
  EXPECT_EQ(store().purge_tag("one", cache::Purge::hard), 4u);
  get("/big");
  world_.run_for(1s);
  ask({.method = "POST", .target = "/big"});
  EXPECT_EQ(store().totals().objects, 0u);
}

TEST_F(SlicedCacheTest, ATransferGoesOnWhereMemoryHasNoRoom) {
  config_.max_size = config::kibibytes(128);
  config_.max_object = config::kibibytes(64);
  now_ = Version::of(3, 10 * kSlice);
  std::vector<Client> clients(6);
  for (std::size_t i = 0; i < clients.size(); ++i) {
    clients[i].asked.target = "/big?" + std::to_string(i);
  }
  visit_all(clients);
  for (const Client& each : clients) EXPECT_TRUE(each.answer.body == now_.body);
  EXPECT_LE(store().totals().bytes, store().totals().limit);
}

TEST_F(SlicedCacheTest, KeepsThemOnTheDiskToo) {
  std::string folder = ::testing::TempDir() + "weir_slices_" + std::to_string(::getpid());
  std::filesystem::create_directories(folder);
  config_.disk.emplace();
  config_.disk->path = {folder};
  get("/big");
  world_.run_for(1s);
  test::run(loop_, cache::FillScope::finish(loop_));
  chain_.reset();
  middleware_.reset();  // memory forgets them
  EXPECT_EQ(store().totals().objects, 0u);
  EXPECT_TRUE(get("/big").body == now_.body);
  EXPECT_EQ(origin_.asked, 4);
  EXPECT_EQ(store().totals().disk.objects, 4u);
  EXPECT_EQ(store().purge_url("http://shop.example/big", cache::Purge::hard), 4u);
  EXPECT_EQ(store().totals().disk.objects, 0u);
  test::run(loop_, cache::FillScope::finish(loop_));
  chain_.reset();
  middleware_.reset();
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace weir
