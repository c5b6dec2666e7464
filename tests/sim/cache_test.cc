// A cache under clients that come together and vanish, origins that die inside of a body, content
// that changes, purges and reloads, on several workers. What must hold: no client ever gets bytes
// of another object, an object mixed from two versions, or what was made for another user; and
// nobody waits for ever. In a third of the runs there is a disk behind it, whose files are damaged
// and whose index is read again; in half of them what is large is kept in slices.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "cache_origin.h"
#include "core/log.h"
#include "io/deadline.h"
#include "middleware/cache/store.h"
#include "seeds.h"
#include "server/sim_server.h"

namespace weir::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kMaxEvents = 5'000'000;
constexpr std::size_t kResources = 6;
constexpr Duration kPatience = seconds(30);

class Quiet final : public ExchangeObserver {
  void exchange_ended(Exchange&) override {}
};

namespace fs = std::filesystem;

/// A directory for the cache, whose files can be damaged.
class Directory {
 public:
  Directory() {
    std::string pattern = (fs::temp_directory_path() / "weir-sim-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Directory() { fs::remove_all(path_); }

  std::string cache() const { return (path_ / "cache").string(); }

  void damage(Random& random) {
    std::vector<fs::path> files;
    for (const auto& each : fs::recursive_directory_iterator(path_)) {
      if (each.is_regular_file() && each.path().filename() != "weir-cache") files.push_back(each);
    }
    if (files.empty()) return;
    std::ranges::sort(files);
    const fs::path& file = files[random.below(files.size())];
    auto size = static_cast<std::uint64_t>(fs::file_size(file));
    std::error_code ignored;
    if (random.chance(200)) {
      fs::remove(file);
    } else if (random.chance(300)) {
      fs::resize_file(file, random.below(size + 1));
    } else if (random.chance(200)) {
      fs::copy_file(files[random.below(files.size())], file, fs::copy_options::overwrite_existing,
                    ignored);  // onto itself
    } else if (size > 0) {
      std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
      stream.seekp(static_cast<std::streamoff>(random.below(size)));
      stream.put(static_cast<char>(random.below(256)));
    }
  }

 private:
  fs::path path_;
};

class Run {
 public:
  explicit Run(std::uint64_t seed)
      : random_(seed ^ 0x6361636865),
        calm_(seed % 2 == 0),
        disk_(seed % 3 == 0),
        sliced_(seed % 4 < 2),
        world_(seed, weather(seed)),
        host_(world_, [](Loop&) { return std::make_unique<Quiet>(); }),
        server_(world_.network(), host_) {}

  std::uint64_t run() {
    SimLoop& home = world_.add_loop("10.0.1.1");
    std::vector<Resource> resources;
    for (std::size_t i = 0; i < kResources; ++i) resources.push_back(Resource::drawn(random_));
    origin_ = std::make_unique<CacheOrigin>(home, "10.0.1.1:80", resources, random_.next());
    world_.spawn(home, origin_->run());
    apply();
    SimLoop& clients = world_.add_loop("10.0.2.1");
    clients_ = 4 + random_.below(12);
    for (std::uint64_t i = 0, count = clients_; i < count; ++i) {
      world_.spawn(clients, client(clients, i, random_.next()));
    }
    plan_changes();
    EXPECT_EQ(world_.run_until([&] { return clients_ == 0 && planned_ == 0; }, kMaxEvents),
              SimWorld::End::reached);
    finish();
    return world_.digest();
  }

 private:
  SimFaults weather(std::uint64_t seed) const {
    SimFaults drawn = SimFaults::drawn(seed);
    if (!calm_) return drawn;
    SimFaults mild;
    mild.partial = drawn.partial;
    mild.wait = drawn.wait;
    return mild;
  }

  std::string config(std::uint64_t workers, std::uint64_t kibibytes, bool disk) const {
    std::string behind =
        disk ? fmt::format(", disk: {{ path: \"{}\", max_size: 1MiB, max_objects: 16 }}",
                           directory_.cache())
             : "";
    return fmt::format(
        "workers: {}\naccess_log: off\nadmin: off\n"
        "listeners: [{{ address: \"10.0.0.1:80\" }}]\n"
        "routes:\n- use: [{{ cache: {{ max_size: {}KiB, max_object: 32KiB{}{} }} }}]\n"
        "  reverse_proxy: api\n"
        "upstreams:\n  api:\n    endpoints: [\"10.0.1.1:80\"]\n"
        "    connect_timeout: 1s\n    response_timeout: 3s\n    idle_timeout: 3s\n",
        workers, kibibytes, behind, sliced_ ? ", slice: 8KiB" : "");
  }

  void apply() {
    std::uint64_t workers = 1 + random_.below(4);
    test::apply(world_, server_, config(workers, 64 << random_.below(4), disk_));
  }

  // Nothing that was planned may come when all is over.
  void later(Duration time, std::function<void()> change) {
    ++planned_;
    world_.after(time, [this, change = std::move(change)] {
      --planned_;
      change();
    });
  }

  void plan_changes() {
    for (int i = 0; i < 8; ++i) {
      std::uint64_t which = random_.below(kResources);
      later(milliseconds(random_.below(8000)), [this, which] { origin_->change(which); });
    }
    for (int i = 0; i < 3; ++i) {
      auto how = random_.chance(500) ? cache::Purge::hard : cache::Purge::soft;
      later(milliseconds(random_.below(8000)), [this, how] {
        for (const auto& [name, store] : server_.states().all<cache::Store>()) {
          store->purge_prefix("http://", how);
        }
      });
    }
    if (random_.chance(500)) {
      later(milliseconds(1000 + random_.below(5000)), [this] { reload(disk_); });
    }
    if (disk_) plan_damage();
  }

  void plan_damage() {
    for (int i = 0; i < 10; ++i) {
      later(milliseconds(random_.below(6000)), [this] { directory_.damage(random_); });
    }
    // Away and back again: what is there is found by its files.
    later(milliseconds(2000 + random_.below(2000)), [this] { reload(false); });
    later(milliseconds(5000 + random_.below(2000)), [this] { reload(true); });
  }

  // Not `apply`, which would run the world inside of one of its events.
  void reload(bool disk) {
    config::Diagnostics diagnostics;
    auto config = test::config_of(this->config(1 + random_.below(4), 128, disk));
    EXPECT_TRUE(server_.apply(std::move(config), diagnostics, [] {})) << diagnostics.render();
  }

  Task<void> client(SimLoop& loop, std::uint64_t number, std::uint64_t seed) {
    Random random(seed);
    std::string user = fmt::format("user{}", number % 3);
    for (int i = 0; i < 12; ++i) {
      std::size_t index = random.chance(600) ? 0 : random.below(kResources);
      Duration leaves = random.chance(200) ? Duration(milliseconds(random.below(600))) : kPatience;
      Part part;
      if (random.chance(250)) part = random.chance(500) ? Part{100, 100} : Part{7'000, 11'000};
      co_await ask(loop, index, user, leaves, part);
      (void)co_await loop.sleep_for(milliseconds(random.below(1200)), loop.stopping());
    }
    --clients_;
  }

  struct Part {
    std::size_t first = 0;
    std::size_t size = 0;  // 0: all of it
  };

  Task<void> ask(SimLoop& loop, std::size_t index, std::string user, Duration leaves, Part part) {
    Deadline deadline(loop, leaves, loop.stopping());
    auto stream = co_await loop.connect(*Address::parse("10.0.0.1:80"), deadline.token());
    if (!stream) co_return;
    Wire wire(**stream, deadline.token());
    std::string range;
    if (part.size > 0) {
      range = fmt::format("Range: bytes={}-{}\r\n", part.first, part.first + part.size - 1);
    }
    std::string text =
        fmt::format("GET /{} HTTP/1.1\r\nHost: a.test\r\nX-User: {}\r\nConnection: close\r\n{}\r\n",
                    index, user, range);
    std::size_t written = 0;
    bool sent = co_await write_paced(**stream, text, {}, written, deadline.token());
    Head head;
    bool answered = sent && co_await wire.head(head);
    if (!answered) {
      if (calm_ && leaves == kPatience) ADD_FAILURE() << "no answer to " << index;
      co_return;
    }
    Content content;
    content.compare = false;
    if (head.has("content-length")) {
      content.kind = Content::Kind::length;
      content.length = std::stoul(head.text("content-length"));
    } else if (head.has("transfer-encoding")) {
      content.kind = Content::Kind::chunked;
    }
    co_await wire.content(content);
    check(index, user, part, head, content);
  }

  /// Whatever came is the beginning of what it says it is; and all of it, if it says so.
  void check(std::size_t index, const std::string& user, Part part, const Head& head,
             const Content& content) {
    EXPECT_FALSE(head.malformed || content.malformed);
    std::string what = head.text("x-what");
    if (what.empty()) return;  // an error
    std::string all = body_of(what, std::stoul(head.text("x-size")));
    EXPECT_EQ(what.substr(0, what.find('-')), std::to_string(index));
    bool for_all = what.find("-all-") != std::string::npos;
    EXPECT_TRUE(for_all || what.find("-" + user + "-") != std::string::npos)
        << what << " was given to " << user;
    if (head.has("etag")) EXPECT_EQ(head.text("etag"), "\"" + what + "\"");
    bool hit = head.text("cache-status").find("hit") != std::string::npos;
    EXPECT_FALSE(hit && what.ends_with("private")) << what << " was stored";
    std::string expected = all;
    if (head.first.starts_with("HTTP/1.1 206")) {
      ASSERT_LT(part.first, all.size());
      expected = all.substr(part.first, part.size);
    }
    if (content.whole) {
      EXPECT_TRUE(content.expected == expected) << what << " is not what it says";
    } else {
      EXPECT_TRUE(expected.starts_with(content.expected)) << what << " has other bytes";
    }
  }

  void finish() {
    for (const auto& [name, store] : server_.states().all<cache::Store>()) {
      EXPECT_LE(store->totals().bytes, store->totals().limit);
      EXPECT_LE(store->totals().disk.bytes, store->totals().disk.limit);
    }
    test::drain(world_, server_);
    world_.stop_tasks();
    EXPECT_EQ(world_.run(kMaxEvents), SimWorld::End::reached);
    for (std::size_t i = 0; i < world_.loops(); ++i) world_.loop(i).slots().clear();
    EXPECT_EQ(world_.run(kMaxEvents), SimWorld::End::reached);
    origin_.reset();
    EXPECT_EQ(world_.check_clean(), "");
  }

  Random random_;
  bool calm_;
  bool disk_;
  bool sliced_;
  Directory directory_;
  SimWorld world_;
  test::SimHost host_;
  Server server_;
  std::unique_ptr<CacheOrigin> origin_;
  std::uint64_t clients_ = 0;
  std::uint64_t planned_ = 0;
};

std::uint64_t run_world(std::uint64_t seed) {
  set_log_sink([](std::string_view) {});
  std::uint64_t digest = Run(seed).run();
  set_log_sink(nullptr);
  return digest;
}

TEST(CacheInSimulation, gives_everybody_what_is_his) {
  for_each_seed(2000, [](std::uint64_t seed) {
    std::uint64_t digest = run_world(seed);
    if (seed % 16 == 1) EXPECT_EQ(digest, run_world(seed));
  });
}

TEST(CacheInSimulation, is_the_same_in_another_process) {
  expect_same_in_another_process(10, run_world);
}

}  // namespace
}  // namespace weir::sim
