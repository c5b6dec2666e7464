#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "core/log.h"
#include "middleware/cache/testing.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::CacheTest;
using test::Client;
using test::Said;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

namespace fs = std::filesystem;

std::string contents(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void write(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

/// As long as it lives no file of this process grows beyond `bytes`: what a full disk is to it.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit lower{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &lower);
  }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

class CacheDiskTest : public CacheTest {
 protected:
  CacheDiskTest() {
    std::string pattern = (fs::temp_directory_path() / "weir-cache-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    config_.disk.emplace();
    config_.disk->path = {(folder_ / "cache").string()};
    set_log_sink([this](std::string_view line) { log_ += line; });
  }
  ~CacheDiskTest() override {
    stop();
    set_log_sink(nullptr);
    fs::remove_all(folder_);
  }

  fs::path directory() const { return folder_ / "cache"; }

  /// The responses that are there, oldest first.
  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    for (const auto& each : fs::recursive_directory_iterator(directory())) {
      if (each.is_regular_file() && each.path().filename() != "weir-cache") found.push_back(each);
    }
    std::ranges::sort(found, {}, [](const fs::path& path) { return path.filename(); });
    return found;
  }
  std::uint64_t bytes_on_disk() const {
    std::uint64_t bytes = 0;
    for (const fs::path& each : files()) bytes += fs::file_size(each);
    return bytes;
  }

  void stop() {
    test::run(loop_, cache::FillScope::finish(loop_));
    test::run(other_, cache::FillScope::finish(other_));
    chain_.reset();
    middleware_.reset();
  }
  void restart() {
    stop();
    cache();
  }
  cache::DiskTotals on_disk() { return store().totals().disk; }

  /// The number of the answer, and so much more of it.
  void answer_with(std::size_t size, std::vector<std::pair<std::string, std::string>> more = {}) {
    origin_.says = [size, more](int number, Exchange&) {
      Said said{.pieces = {std::to_string(number) + std::string(size, 'x')}, .pause = 1ms};
      said.headers.insert(said.headers.end(), more.begin(), more.end());
      return said;
    };
  }
  void expect_one_of(const std::string& body, std::size_t size) {
    bool known = false;
    for (int i = 1; i <= origin_.asked; ++i) {
      known = known || body == std::to_string(i) + std::string(size, 'x');
    }
    EXPECT_TRUE(known) << body.substr(0, 100);
  }

  fs::path folder_;
  std::string log_;
};

TEST_F(CacheDiskTest, WhatItHoldsOutlivesARestart) {
  answer_with(200'000, {{"ETag", "\"v1\""}, {"X-Any", "thing"}});
  test::Answer first = get("/a");
  world_.run_for(5s);
  restart();
  EXPECT_EQ(on_disk().objects, 1u);
  test::Answer again = get("/a");
  EXPECT_EQ(again.body, first.body);
  EXPECT_THAT(again.fields, HasSubstr("Cache-Status: weir; hit; ttl=5"));
  EXPECT_THAT(again.fields, HasSubstr("Age: 5\n"));
  EXPECT_THAT(again.fields, HasSubstr("X-Any: thing\n"));
  EXPECT_EQ(get("/a", {{"If-None-Match", "\"v1\""}}).status, 304);
  EXPECT_EQ(get("/b").status, 200);
  EXPECT_EQ(origin_.asked, 2);
  EXPECT_EQ(on_disk().reads, 1u);
}

TEST_F(CacheDiskTest, AFileWithAFlippedBitIsNeverServed) {
  constexpr std::size_t kSize = 500;
  answer_with(kSize, {{"ETag", "\"v1\""}});
  get("/a");
  stop();
  fs::path file = files().at(0);
  std::string whole = contents(file);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string broken = whole;
    broken[at] = static_cast<char>(broken[at] ^ (1 << at % 8));
    for (const fs::path& each : files()) fs::remove(each);
    write(file, broken);
    int before = origin_.asked;
    cache();
    expect_one_of(get("/a").body, kSize);
    EXPECT_EQ(origin_.asked, before + 1) << "the bit at " << at << " was not missed";
    EXPECT_EQ(on_disk().broken, 1u);
    stop();
  }
}

TEST_F(CacheDiskTest, AFileThatIsCutOffIsNeverServed) {
  constexpr std::size_t kSize = 500;
  answer_with(kSize);
  get("/a");
  stop();
  fs::path file = files().at(0);
  std::string whole = contents(file);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    for (const fs::path& each : files()) fs::remove(each);
    write(file, whole.substr(0, size));
    int before = origin_.asked;
    cache();
    EXPECT_EQ(on_disk().objects, 0u);
    expect_one_of(get("/a").body, kSize);
    EXPECT_EQ(origin_.asked, before + 1) << "of " << size << " bytes";
    stop();
  }
}

TEST_F(CacheDiskTest, Attack43AFileUnderTheNameOfAnotherIsNeverServed) {
  answer_with(100);
  get("/a");
  get("/b");
  stop();
  std::vector<fs::path> both = files();
  std::string first = contents(both.at(0));
  write(both[0], contents(both.at(1)));
  write(both[1], first);
  cache();
  EXPECT_EQ(on_disk().broken, 2u);
  EXPECT_EQ(get("/a").body[0], '3');
}

TEST_F(CacheDiskTest, WhatWasBeingWrittenIsRemovedAtTheNextStart) {
  get("/a");
  stop();
  fs::path half = directory() / "unfinished" / "00000000000000ff";
  write(half, contents(files().at(0)));
  cache();
  EXPECT_FALSE(fs::exists(half));
  EXPECT_EQ(on_disk().objects, 1u);
}

TEST_F(CacheDiskTest, NeverTakesMoreThanItsSize) {
  config_.disk->max_size = config::mebibytes(1);
  answer_with(100'000);
  for (int i = 0; i < 40; ++i) {
    get("/" + std::to_string(i));
    EXPECT_LE(on_disk().bytes, 1u << 20);
    EXPECT_LE(bytes_on_disk(), on_disk().bytes);
  }
  EXPECT_EQ(on_disk().objects, 10u);
  EXPECT_EQ(on_disk().evicted, 30u);
  EXPECT_EQ(bytes_on_disk(), on_disk().bytes);
}

TEST_F(CacheDiskTest, HoldsNoMoreFilesThanItMay) {
  config_.disk->max_objects = 16;
  for (int i = 0; i < 40; ++i) get("/" + std::to_string(i));
  EXPECT_EQ(on_disk().objects, 16u);
  EXPECT_EQ(files().size(), 16u);
}

TEST_F(CacheDiskTest, ASmallerSizeHoldsFromTheRestartOn) {
  answer_with(100'000);
  for (int i = 0; i < 20; ++i) get("/" + std::to_string(i));
  EXPECT_GT(bytes_on_disk(), 2'000'000u);
  config_.disk->max_size = config::mebibytes(1);
  restart();
  EXPECT_EQ(on_disk().objects, 10u);
  EXPECT_EQ(bytes_on_disk(), on_disk().bytes);
  EXPECT_LE(bytes_on_disk(), 1u << 20);
  EXPECT_THAT(get("/19").fields, HasSubstr("hit")) << "the oldest go first";
}

TEST_F(CacheDiskTest, AFullDiskLeavesTheMemoryAndIsTriedAgain) {
  answer_with(50'000);
  get("/a");
  {
    FullDisk full(10'000);
    EXPECT_EQ(get("/b").status, 200);
    EXPECT_EQ(get("/c").status, 200);
  }
  EXPECT_THAT(get("/b").fields, HasSubstr("hit"));
  EXPECT_EQ(on_disk().errors, 1u) << "it pauses after an error";
  EXPECT_EQ(on_disk().skipped, 1u);
  EXPECT_THAT(log_, HasSubstr("\"cache_disk_failed\""));
  EXPECT_EQ(files().size(), 1u);
  EXPECT_EQ(bytes_on_disk(), on_disk().bytes);
  world_.run_for(cache::Disk::kPause + 1s);
  get("/d");
  EXPECT_EQ(files().size(), 2u);
}

TEST_F(CacheDiskTest, ADirectoryThatVanishesLeavesTheMemory) {
  answer_with(1000);
  get("/a");
  fs::remove_all(directory());
  EXPECT_EQ(get("/b").status, 200);
  EXPECT_THAT(get("/a").fields, HasSubstr("hit"));
  EXPECT_THAT(get("/b").fields, HasSubstr("hit"));
  EXPECT_EQ(on_disk().errors, 1u);
  fs::create_directory(directory());
}

TEST_F(CacheDiskTest, AFileThatVanishesIsAskedForAgain) {
  answer_with(1000);
  get("/a");
  restart();
  fs::remove(files().at(0));
  EXPECT_EQ(get("/a").body[0], '2');
  EXPECT_THAT(get("/a").fields, HasSubstr("hit"));
}

TEST_F(CacheDiskTest, TwoProcessesDoNotUseOneDirectory) {
  cache::DiskDirectory other(directory().string());
  EXPECT_EQ(other.lock(), "");
  get("/a");
  EXPECT_THAT(get("/a").fields, HasSubstr("hit"));
  EXPECT_THAT(log_, HasSubstr("another process uses the directory"));
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(CacheDiskTest, ADirectoryIsTakenOverWhenTheOtherProcessHasGone) {
  answer_with(100, {{"Surrogate-Key", "old"}});
  get("/kept");
  get("/purged");
  get("/tagged/a");
  get("/renewed");
  stop();
  auto other = std::make_unique<cache::DiskDirectory>(directory().string());
  EXPECT_EQ(other->lock(), "");
  cache();
  store().purge_url("http://shop.example/purged", cache::Purge::hard);
  store().purge_prefix("http://shop.example/tagged/", cache::Purge::hard);
  get("/renewed");
  other.reset();
  world_.run_for(cache::Disk::kPause + 1s);
  get("/x");  // behind it the directory is tried again
  EXPECT_EQ(on_disk().objects, 1u) << "what went meanwhile does not come back";
  EXPECT_THAT(get("/kept").fields, HasSubstr("hit"));
  EXPECT_THAT(get("/purged").fields, HasSubstr("uri-miss"));
}

TEST_F(CacheDiskTest, ADirectoryOfSomebodyElseIsNotTouched) {
  fs::create_directories(directory());
  write(directory() / "letter.txt", "dear");
  get("/a");
  EXPECT_THAT(get("/a").fields, HasSubstr("hit"));
  EXPECT_THAT(log_, HasSubstr("is no cache of Weir"));
  EXPECT_EQ(files().size(), 1u);
  EXPECT_EQ(contents(directory() / "letter.txt"), "dear");
}

TEST_F(CacheDiskTest, ADirectoryOfAnotherVersionIsNotTouched) {
  fs::create_directories(directory());
  write(directory() / "weir-cache", "weir cache 2\n");
  get("/a");
  EXPECT_THAT(log_, HasSubstr("another version"));
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(CacheDiskTest, APurgeReachesTheDisk) {
  answer_with(100, {{"Surrogate-Key", "all p1"}});
  for (const char* each : {"/a", "/b/1", "/b/2", "/c", "/d"}) get(each);
  EXPECT_EQ(store().purge_url("http://shop.example/a", cache::Purge::hard), 1u);
  EXPECT_EQ(store().purge_prefix("http://shop.example/b/", cache::Purge::hard), 2u);
  EXPECT_EQ(files().size(), 2u);
  restart();
  EXPECT_EQ(on_disk().objects, 2u);
  EXPECT_EQ(store().purge_url("http://shop.example/c", cache::Purge::soft), 1u);
  EXPECT_EQ(store().purge_tag("p1", cache::Purge::hard), 1u);
  EXPECT_EQ(store().purge_tag("p1", cache::Purge::hard), 0u);
  EXPECT_THAT(files(), IsEmpty());
  EXPECT_THAT(get("/d").fields, HasSubstr("uri-miss"));
}

TEST_F(CacheDiskTest, AnUnsafeMethodRemovesItFromTheDisk) {
  get("/a");
  restart();
  ask({.method = "POST", .target = "/a"});
  EXPECT_THAT(files(), IsEmpty());
  EXPECT_THAT(get("/a").fields, HasSubstr("uri-miss"));
}

TEST_F(CacheDiskTest, WhatIsPurgedWhileItComesInIsNotWritten) {
  origin_.says = [](int, Exchange&) { return Said{.pause = 1s}; };
  std::vector<Client> clients(1);
  world_.after(1500ms, [this] { store().purge_tag("x", cache::Purge::hard); });
  world_.after(500ms, [this] { store().purge_prefix("http://", cache::Purge::hard); });
  visit_all(clients);
  EXPECT_EQ(clients[0].answer.body, "hello");
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(CacheDiskTest, Attack45WhatIsForOneClientIsNotWritten) {
  origin_.says = [](int number, Exchange&) {
    return Said{.headers = {{"Cache-Control", number == 1 ? "private" : "no-store"}}};
  };
  get("/a");
  world_.run_for(20s);
  get("/a");
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(CacheDiskTest, Attack45VariantsAreToldApart) {
  origin_.says = [](int number, Exchange&) {
    return Said{.headers = {{"Cache-Control", "max-age=60"}, {"Vary", "Accept-Language"}},
                .pieces = {std::to_string(number)}};
  };
  get("/a", {{"Accept-Language", "de"}});
  get("/a", {{"Accept-Language", "fr"}});
  restart();
  EXPECT_EQ(get("/a", {{"Accept-Language", "de"}}).body, "1");
  EXPECT_EQ(get("/a", {{"Accept-Language", "fr"}}).body, "2");
  EXPECT_EQ(get("/a").body, "3");
}

TEST_F(CacheDiskTest, WhatIsStaleIsValidatedAfterARestart) {
  origin_.says = [](int number, Exchange& exchange) {
    bool same = exchange.request().headers.get("If-None-Match") == "\"v1\"";
    return Said{.status = static_cast<std::uint16_t>(same ? 304 : 200),
                .headers = {{"Cache-Control", "max-age=60"}, {"ETag", "\"v1\""}},
                .pieces = {std::to_string(number)}};
  };
  get("/a");
  stop();
  world_.run_for(100s);
  cache();
  test::Answer renewed = get("/a");
  EXPECT_EQ(renewed.body, "1");
  EXPECT_THAT(renewed.fields, HasSubstr("fwd=stale; fwd-status=304"));
  restart();
  EXPECT_THAT(get("/a").fields, HasSubstr("hit")) << "it was written again";
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(CacheDiskTest, WhatIsFreshForMomentsIsNotWrittenAtEachRenewal) {
  origin_.says = [](int number, Exchange&) {
    return Said{.status = static_cast<std::uint16_t>(number == 1 ? 200 : 304),
                .headers = {{"Cache-Control", "max-age=1"}, {"ETag", "\"v1\""}}};
  };
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(get("/a").body, "hello");
    world_.run_for(5s);
  }
  EXPECT_EQ(origin_.asked, 10);
  EXPECT_EQ(on_disk().writes, 1u);
}

TEST_F(CacheDiskTest, SomethingNewerTakesTheOldOnesPlace) {
  answer_with(100);
  get("/a");
  world_.run_for(100s);
  EXPECT_EQ(get("/a").body[0], '2');
  EXPECT_EQ(files().size(), 1u);
  restart();
  EXPECT_EQ(get("/a").body[0], '2');
}

TEST_F(CacheDiskTest, WhatMemoryHadToLetGoComesBackFromTheDisk) {
  config_.max_size = config::kibibytes(256);
  answer_with(50'000);
  for (int i = 0; i < 20; ++i) get("/" + std::to_string(i));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(get("/" + std::to_string(i)).body, std::to_string(i + 1) + std::string(50'000, 'x'));
    EXPECT_LE(store().totals().bytes, 256u << 10);
  }
  EXPECT_EQ(origin_.asked, 20);
  EXPECT_GT(on_disk().reads, 10u);
}

TEST_F(CacheDiskTest, AClockThatWasAheadMakesNothingFresher) {
  get("/a");
  stop();
  fs::path file = files().at(0);
  auto record = cache::decode(contents(file).substr(0, *cache::disk_head_size(contents(file))));
  ASSERT_TRUE(record.has_value());
  std::string body = contents(file).substr(cache::encode(*record).size());
  record->born += 1000;
  write(file, cache::encode(*record) + body);
  cache();
  get("/a");
  EXPECT_EQ(origin_.asked, 2);
}

// --- what is too large for memory ----------------------------------------------------------------

class LargeCacheDiskTest : public CacheDiskTest {
 protected:
  static constexpr std::size_t kSize = 1'000'000;
  LargeCacheDiskTest() {
    config_.max_object = {100'000};
    origin_.says = [](int number, Exchange&) {
      Said said{.headers = {{"Cache-Control", "max-age=60"}, {"ETag", "\"v1\""}}, .pause = 1ms};
      said.pieces = {body(number).substr(0, 300'000), body(number).substr(300'000)};
      return said;
    };
  }
  static std::string body(int number) {
    std::string text;
    for (int i = 0; text.size() < kSize; ++i) text += fmt::format("{} {}\n", number, i);
    return text.substr(0, kSize);
  }
};

TEST_F(LargeCacheDiskTest, GoesToTheDiskAlone) {
  EXPECT_EQ(get("/a").body, body(1));
  EXPECT_LT(store().totals().bytes, 10'000u);
  test::Answer again = get("/a");
  EXPECT_TRUE(again.body == body(1));
  EXPECT_THAT(again.fields, HasSubstr("weir; hit; ttl=60; detail=disk"));
  restart();
  EXPECT_TRUE(get("/a").body == body(1));
  EXPECT_EQ(get("/a", {{"If-None-Match", "\"v1\""}}).status, 304);
  EXPECT_EQ(origin_.asked, 1);
  EXPECT_LT(store().totals().bytes, 10'000u);
}

TEST_F(LargeCacheDiskTest, GivesRanges) {
  get("/a");
  for (std::size_t first : {0u, 1u, 65'535u, 65'536u, 700'000u, 999'999u}) {
    for (std::size_t last : {first, first + 1, first + 65'536, kSize - 1}) {
      test::Answer part = get("/a", {{"Range", fmt::format("bytes={}-{}", first, last)}});
      EXPECT_EQ(part.status, 206);
      EXPECT_TRUE(part.body == body(1).substr(first, last - first + 1)) << first << "-" << last;
    }
  }
  EXPECT_EQ(get("/a", {{"Range", "bytes=1000000-"}}).status, 416);
  EXPECT_EQ(origin_.asked, 1);
}

TEST_F(LargeCacheDiskTest, WhatEndsEarlyLeavesNothing) {
  origin_.says = [](int, Exchange&) {
    return Said{.pieces = {std::string(500'000, 'x'), std::string(500'000, 'y')},
                .end = Error(ErrorCode::reset, Origin::upstream)};
  };
  get("/a");
  EXPECT_THAT(files(), IsEmpty());
  EXPECT_EQ(on_disk().bytes, 0u);
  EXPECT_EQ(on_disk().objects, 0u);
}

TEST_F(LargeCacheDiskTest, IsFinishedWithoutItsClient) {
  std::vector<Client> clients(1);
  origin_.says = [](int, Exchange&) {
    Said said{.pause = 1s};
    said.pieces.assign(8, std::string(200'000, 'x'));
    return said;
  };
  clients[0].leaves = 1500ms;
  visit_all(clients);
  EXPECT_EQ(files().size(), 1u);
  EXPECT_EQ(get("/").body.size(), 1'600'000u);
  EXPECT_EQ(origin_.asked, 1);
}

TEST_F(LargeCacheDiskTest, ABrokenBlockEndsTheBodyBeforeIt) {
  get("/a");
  fs::path file = files().at(0);
  std::string whole = contents(file);
  whole[whole.size() / 2] = static_cast<char>(whole[whole.size() / 2] ^ 4);
  write(file, whole);
  test::Answer cut = get("/a");
  EXPECT_LT(cut.body.size(), kSize / 2);
  EXPECT_TRUE(body(1).starts_with(cut.body));
  EXPECT_EQ(on_disk().broken, 1u);
  EXPECT_TRUE(get("/a").body == body(2));
}

TEST_F(LargeCacheDiskTest, AFullDiskTakesNothingFromItsClient) {
  FullDisk full(200'000);
  EXPECT_TRUE(get("/a").body == body(1));
  EXPECT_EQ(on_disk().errors, 1u);
  EXPECT_EQ(on_disk().bytes, 0u);
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(LargeCacheDiskTest, APurgeMeetsWhatIsBeingWritten) {
  std::vector<Client> clients(1);
  origin_.says = [](int, Exchange&) {
    return Said{.pieces = {std::string(500'000, 'x'), std::string(500'000, 'y')}, .pause = 1s};
  };
  world_.after(1500ms, [this] { store().purge_prefix("http://", cache::Purge::hard); });
  visit_all(clients);
  EXPECT_EQ(clients[0].answer.body.size(), 1'000'000u);
  EXPECT_THAT(files(), IsEmpty());
  EXPECT_EQ(on_disk().bytes, 0u);
}

TEST_F(LargeCacheDiskTest, WhatIsStaleIsAskedForAgain) {
  get("/a");
  world_.run_for(100s);
  EXPECT_TRUE(get("/a").body == body(2));
  EXPECT_EQ(files().size(), 1u);
  restart();
  EXPECT_TRUE(get("/a").body == body(2));
}

}  // namespace
}  // namespace weir
