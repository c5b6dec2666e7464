#include "middleware/buffer.h"

#include "http/chain_testing.h"
#include "http/testing.h"
#include "io/signal.h"
#include "io/sim/loop.h"
#include "middleware/buffer/buffered_body.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMemory = 10'000;
constexpr std::size_t kDisk = 100'000;

class BufferTest : public ::testing::Test {
 protected:
  BufferTest() {
    world_.add_loop();
    config_.request->memory.bytes = config_.response->memory.bytes = kMemory;
    config_.request->disk.bytes = config_.response->disk.bytes = kDisk;
    config_.directory.value = "/tmp";
  }
  Loop& loop() { return world_.loop(0); }
  FileMemory& disk() { return static_cast<FileMemory&>(FileWork::of(loop())); }

  test::Answer send(std::deque<std::string> pieces) {
    config::Diagnostics diagnostics;
    BufferMiddleware middleware(config_, {upstreams_, states_, states_, diagnostics, {}});
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.render();
    test::Chain chain(middleware, echo_);
    chain.pieces = std::move(pieces);
    return test::run(loop(), test::answer_of(loop(), chain, {.method = "POST"}));
  }

  SimWorld world_{1};
  BufferConfig config_;
  Upstreams upstreams_;
  NamedStates states_;
  test::Echo echo_;
};

std::deque<std::string> in_pieces(const std::string& whole, std::size_t size) {
  std::deque<std::string> pieces;
  for (std::size_t at = 0; at < whole.size(); at += size) {
    pieces.push_back(whole.substr(at, size));
    pieces.push_back("");
  }
  return pieces;
}

TEST_F(BufferTest, a_request_goes_on_when_it_is_there_and_then_has_a_length) {
  for (std::size_t size : {1, 9'999, 10'000, 10'001, 60'000, 110'000}) {
    std::string whole = test::pattern(size, size);
    test::Answer answer = send(in_pieces(whole, 700));
    EXPECT_TRUE(answer.body == whole) << size;
    EXPECT_EQ(echo_.length, size);
    EXPECT_EQ(disk().open, 0);
  }
}

TEST_F(BufferTest, a_request_above_both_limits_is_refused) {
  test::Answer answer = send(in_pieces(std::string(kMemory + kDisk + 1, 'a'), 5000));
  EXPECT_EQ(answer.error.code, ErrorCode::body_too_large);
  EXPECT_EQ(echo_.asked, 0);
  EXPECT_EQ(disk().open, 0);
}

TEST_F(BufferTest, a_request_that_is_known_to_be_too_large_is_not_even_read) {
  config::Diagnostics diagnostics;
  BufferMiddleware middleware(config_, {upstreams_, states_, states_, diagnostics, {}});
  test::Chain chain(middleware, echo_);
  for (std::size_t more : {0, 1}) {
    chain.known = std::string(kMemory + kDisk + more, 'a');
    test::Answer answer = test::run(loop(), test::answer_of(loop(), chain, {.method = "POST"}));
    EXPECT_EQ(answer.error.code, more == 0 ? ErrorCode::none : ErrorCode::body_too_large);
  }
}

TEST_F(BufferTest, a_request_that_the_disk_does_not_take_is_refused_for_now) {
  disk().room = 5'000;
  test::Answer answer = send(in_pieces(std::string(20'000, 'a'), 5000));
  EXPECT_EQ(answer.error.code, ErrorCode::overloaded);
  EXPECT_EQ(echo_.asked, 0);
}

TEST_F(BufferTest, all_files_together_hold_what_the_total_allows) {
  config_.disk_total.bytes = 20'000;
  EXPECT_EQ(send(in_pieces(std::string(30'000, 'a'), 1000)).body.size(), 30'000u);
  EXPECT_EQ(send(in_pieces(std::string(30'001, 'a'), 1000)).error.code, ErrorCode::body_too_large);
}

TEST_F(BufferTest, without_a_disk_there_is_no_file) {
  config_.request->disk.bytes = config_.response->disk.bytes = 0;
  config_.directory.value = "/nowhere";
  EXPECT_EQ(send(in_pieces(std::string(kMemory, 'a'), 1000)).body.size(), kMemory);
  EXPECT_EQ(send(in_pieces(std::string(kMemory + 1, 'a'), 1000)).error.code,
            ErrorCode::body_too_large);
}

TEST_F(BufferTest, a_directory_that_takes_no_files_is_refused_with_the_configuration) {
  config_.directory.value = "/nowhere";
  config::Diagnostics diagnostics;
  BufferMiddleware middleware(config_, {upstreams_, states_, states_, diagnostics, {}});
  EXPECT_FALSE(diagnostics.ok());
}

TEST_F(BufferTest, calls_of_grpc_are_not_held) {
  config::Diagnostics diagnostics;
  BufferMiddleware middleware(config_, {upstreams_, states_, states_, diagnostics, {}});
  test::Chain chain(middleware, echo_);
  chain.pieces = {"a", "", "b"};
  test::run(loop(),
            test::answer_of(loop(), chain,
                            {.method = "POST", .headers = {{"Content-Type", "application/grpc"}}}));
  EXPECT_FALSE(echo_.length);
}

// --- responses -----------------------------------------------------------------------------------

/// Gives pieces whenever it is asked, and counts them.
class Source final : public Body {
 public:
  Source(Loop& loop, std::string content, std::size_t piece)
      : loop_(loop), content_(std::move(content)), piece_(piece) {}
  Task<Result<Slice>> read() override {
    (void)co_await loop_.yield();
    if (failure.code != ErrorCode::none && given == content_.size()) co_return fail(failure);
    Slice piece = copy_slice(std::string_view(content_).substr(given, piece_));
    given += piece.size();
    ended = piece.empty();
    co_return piece;
  }
  std::optional<Slice> try_read() override { return std::nullopt; }
  std::optional<std::uint64_t> length() const override { return std::nullopt; }

  std::size_t given = 0;
  bool ended = false;
  Error failure;

 private:
  Loop& loop_;
  std::string content_;
  std::size_t piece_;
};

struct World {
  explicit World(Loop& on) : loop(on), exchange(on, facts, client.token()) {}
  Loop& loop;
  ConnectionFacts facts{*Address::parse("192.0.2.7:4711"), "front", false};
  StopSource client;
  Exchange exchange;
  DiskBudget budget{1'000'000};
  BufferUse use;
  SpoolLimits limits{kMemory, kDisk, "/tmp", &budget, &use};
};

Task<std::string> rest_of(Body& body, Error* error = nullptr) {
  std::string all;
  while (true) {
    std::optional<Slice> there = body.try_read();
    if (there && there->empty()) break;
    if (there) {
      all += there->view();
      continue;
    }
    Result<Slice> piece = co_await body.read();
    if (!piece && error != nullptr) *error = piece.error();
    if (!piece || piece->empty()) break;
    all += piece->view();
  }
  co_return all;
}

Task<void> slow_reader(World& world, const std::string& content, std::size_t piece) {
  Source source(world.loop, content, piece);
  ReadAheadBody body(world.exchange, source, world.limits);
  body.begin();
  (void)co_await world.loop.sleep_for(1s);
  EXPECT_TRUE(source.ended) << "the origin is free while the client has taken nothing";
  std::string got = co_await rest_of(body);
  EXPECT_TRUE(got == content) << got.size();
  co_await world.exchange.finish();
}

TEST_F(BufferTest, the_origin_is_free_before_a_slow_client_has_its_response) {
  for (std::size_t size : {0, 1, 10'000, 10'001, 50'000, 110'000}) {
    for (std::size_t piece : {100, 9'000, 50'000}) {
      World world(loop());
      test::run(loop(), slow_reader(world, test::pattern(size, piece), piece));
      EXPECT_EQ(disk().open, 0);
      EXPECT_EQ(world.budget.left(), 1'000'000u);
      EXPECT_EQ(world.use.memory + world.use.disk, 0u);
    }
  }
}

Task<void> stalled_reader(World& world, const std::string& content, std::size_t held) {
  Source source(world.loop, content, 1000);
  ReadAheadBody body(world.exchange, source, world.limits);
  body.begin();
  (void)co_await world.loop.sleep_for(1s);
  EXPECT_EQ(source.given, held) << "limits, and the piece that did not fit";
  std::string got = co_await rest_of(body);
  EXPECT_TRUE(got == content) << got.size();
  co_await world.exchange.finish();
}

TEST_F(BufferTest, a_response_above_both_limits_waits_for_its_client) {
  World world(loop());
  test::run(loop(), stalled_reader(world, test::pattern(500'000, 7), kMemory + kDisk + 1000));
}

TEST_F(BufferTest, a_response_that_the_disk_does_not_take_waits_for_its_client) {
  disk().room = 5'000;
  World world(loop());
  test::run(loop(), stalled_reader(world, test::pattern(500'000, 7), kMemory + 5'000 + 1000));
}

Task<void> counted_reader(World& world) {
  world.limits.memory = 100'000;
  Source source(world.loop, test::pattern(180'000, 3), 1000);
  ReadAheadBody body(world.exchange, source, world.limits);
  body.begin();
  (void)co_await world.loop.sleep_for(1s);
  EXPECT_NEAR(static_cast<double>(world.use.memory), 100'000, 33'000);
  EXPECT_EQ(world.use.disk, 80'000u);
  EXPECT_EQ(world.use.spilled, 1u);
  (void)co_await rest_of(body);
  EXPECT_EQ(world.use.memory + world.use.disk, 0u);
  co_await world.exchange.finish();
}

TEST_F(BufferTest, what_is_held_is_counted) {
  World world(loop());
  test::run(loop(), counted_reader(world));
}

TEST_F(BufferTest, what_is_refused_is_counted) {
  auto use = states_.get<BufferUse>("all", [] { return std::make_shared<BufferUse>(); });
  send(in_pieces(std::string(kMemory + kDisk + 1, 'a'), 5000));
  EXPECT_EQ(use->refused, 1u);
  EXPECT_EQ(use->spilled, 1u);
  disk().room = 5'000;
  send(in_pieces(std::string(20'000, 'a'), 5000));
  EXPECT_EQ(use->refused, 2u);
  EXPECT_EQ(use->memory + use->disk, 0u);
}

Task<void> event_reader(World& world) {
  Source events(world.loop, "12345", 1);
  ReadAheadBody body(world.exchange, events, world.limits);
  body.begin();
  for (char each : std::string_view("12345")) {
    Result<Slice> event = co_await body.read();
    EXPECT_EQ(event.value().view(), std::string_view(&each, 1));
    EXPECT_FALSE(events.ended);
  }
  std::string rest = co_await rest_of(body);
  EXPECT_EQ(rest, "");
  co_await world.exchange.finish();
}

TEST_F(BufferTest, events_are_not_held_back) {
  World world(loop());
  test::run(loop(), event_reader(world));
}

Task<void> small_reader(World& world) {
  MemoryBody page(copy_slice("page"));
  ReadAheadBody body(world.exchange, page, world.limits);
  body.begin();
  EXPECT_EQ(world.exchange.scope().running(), 0u);
  EXPECT_EQ(body.length(), 4u);
  std::string got = co_await rest_of(body);
  EXPECT_EQ(got, "page");
  co_await world.exchange.finish();
}

TEST_F(BufferTest, a_small_response_costs_no_coroutine) {
  World world(loop());
  test::run(loop(), small_reader(world));
}

Task<void> unlucky_reader(World& world) {
  Source source(world.loop, std::string(30'000, 'a'), 1000);
  source.failure = Error(ErrorCode::reset, Origin::upstream);
  ReadAheadBody body(world.exchange, source, world.limits);
  body.begin();
  (void)co_await world.loop.sleep_for(1s);
  Error error;
  std::string got = co_await rest_of(body, &error);
  EXPECT_EQ(got.size(), 30'000u);
  EXPECT_EQ(error.code, ErrorCode::reset);
  co_await world.exchange.finish();
}

TEST_F(BufferTest, what_came_before_the_origin_failed_is_passed_on) {
  World world(loop());
  test::run(loop(), unlucky_reader(world));
}

Task<void> client_that_leaves(World& world) {
  Source source(world.loop, std::string(500'000, 'a'), 1000);
  ReadAheadBody body(world.exchange, source, world.limits);
  body.begin();
  (void)co_await world.loop.sleep_for(1s);
  world.client.request(Error(ErrorCode::client_gone, Origin::client));
  co_await world.exchange.finish();
}

TEST_F(BufferTest, a_client_that_leaves_ends_the_reading_ahead) {
  World world(loop());
  test::run(loop(), client_that_leaves(world));
  EXPECT_EQ(disk().open, 0);
  EXPECT_EQ(world.budget.left(), 1'000'000u);
  EXPECT_EQ(world.use.memory + world.use.disk, 0u);
}

}  // namespace
}  // namespace weir
