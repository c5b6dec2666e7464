#include "http/recorded_body.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "io/sim/loop.h"
#include "io/testing.h"

namespace weir {
namespace {

using Reader = RecordedBody::Reader;
using Role = Reader::Role;

/// Gives what the test has put in, as it comes.
class Source final : public Body {
 public:
  Source(Loop& loop, Arena& arena) : trailers_(arena), came_(loop) {}
  Task<Result<Slice>> read() override {
    ++reads;
    while (pieces_.empty()) {
      Status woke = co_await came_.wait();
      if (!woke) co_return fail(woke.error());
    }
    co_return take();
  }
  std::optional<Slice> try_read() override {
    if (pieces_.empty() || !pieces_.front()) return std::nullopt;
    return std::move(*take());
  }
  void let_pass() override { passes = true; }
  std::optional<std::uint64_t> length() const override { return known; }
  const Headers* trailers() const override { return trailers_.empty() ? nullptr : &trailers_; }

  void put(Result<Slice> piece) {
    pieces_.push_back(std::move(piece));
    came_.raise();
  }
  void put(std::string_view text) { put(copy_slice(text)); }
  void end() { put(Slice()); }

  int reads = 0;
  bool passes = false;
  std::optional<std::uint64_t> known;
  Headers trailers_;

 private:
  Result<Slice> take() {
    Result<Slice> piece = std::move(pieces_.front());
    pieces_.pop_front();
    return piece;
  }
  std::deque<Result<Slice>> pieces_;
  Signal came_;
};

/// What a reader got until it ended.
struct Got {
  std::string text;
  Error error;
  bool ended = false;
};

Task<void> read_all(Reader& reader, Got& got) {
  while (true) {
    Result<Slice> piece = co_await reader.read();
    if (!piece) {
      got.error = piece.error();
      co_return;
    }
    if (piece->empty()) break;
    got.text += piece->view();
  }
  got.ended = true;
}

class RecordedBodyTest : public ::testing::Test {
 protected:
  RecordedBodyTest() : loop_(world_.add_loop("10.0.0.1")) {
    exchange_ = std::make_unique<Exchange>(loop_, facts_, StopToken());
    source_ = std::make_unique<Source>(loop_, exchange_->arena());
  }
  ~RecordedBodyTest() override {
    finish();
    source_.reset();
    EXPECT_EQ(world_.check_clean(), "");
  }

  void record(std::size_t limit) { record_ = RecordedBody::of(*exchange_, *source_, limit); }
  Reader& reader(Role role = Role::leads) {
    return readers_.emplace_back(record_, role, readers_stop_.token());
  }
  Got& reads(Reader& reader) {
    scope_.spawn(read_all(reader, got_.emplace_back()));
    return got_.back();
  }
  void run() { world_.run(); }
  void finish() {
    if (!exchange_) return;
    exchange_->finish_idle();
    exchange_.reset();
    run();
    readers_stop_.request(Error(ErrorCode::cancelled));
    run();
    EXPECT_EQ(scope_.running(), 0u);
    readers_.clear();
  }

  SimWorld world_{1};
  SimLoop& loop_;
  ConnectionFacts facts_;
  StopSource readers_stop_;
  std::unique_ptr<Exchange> exchange_;
  std::unique_ptr<Source> source_;
  std::shared_ptr<RecordedBody> record_;
  std::deque<Reader> readers_;
  std::deque<Got> got_;
  Scope scope_;
};

TEST_F(RecordedBodyTest, gives_each_reader_all_of_it) {
  record(100);
  Got& first = reads(reader());
  source_->put("hello ");
  run();
  source_->put("world");
  source_->end();
  run();
  EXPECT_TRUE(first.ended);
  Got& second = reads(reader());
  run();
  for (Got* each : {&first, &second}) {
    EXPECT_EQ(each->text, "hello world");
    EXPECT_TRUE(each->ended);
  }
}

TEST_F(RecordedBodyTest, has_the_source_read_once_for_readers_that_wait_together) {
  record(100);
  Got& first = reads(reader());
  Got& second = reads(reader());
  Got& third = reads(reader(Role::follows));
  run();
  EXPECT_EQ(source_->reads, 1);
  source_->put("one");
  source_->end();
  run();
  for (Got* each : {&first, &second, &third}) EXPECT_EQ(each->text, "one");
  EXPECT_EQ(source_->reads, 2);
}

TEST_F(RecordedBodyTest, does_not_let_a_follower_ask) {
  record(100);
  Got& follower = reads(reader(Role::follows));
  source_->put("text");
  source_->end();
  run();
  EXPECT_EQ(source_->reads, 0);
  EXPECT_TRUE(record_->untouched());
  reads(reader());
  run();
  EXPECT_EQ(follower.text, "text");
  EXPECT_TRUE(follower.ended);
}

TEST_F(RecordedBodyTest, gives_at_once_what_is_there) {
  record(100);
  Reader& first = reader();
  EXPECT_FALSE(first.try_read());
  source_->put("ab");
  EXPECT_EQ(first.try_read()->view(), "ab");
  EXPECT_FALSE(first.try_read());
  Reader& second = reader();
  EXPECT_EQ(second.try_read()->view(), "ab");
  source_->put("cd");
  EXPECT_EQ(second.try_read()->view(), "cd");
  EXPECT_EQ(first.try_read()->view(), "cd");
  source_->end();
  EXPECT_TRUE(first.try_read()->empty());
  EXPECT_TRUE(second.try_read()->empty());
}

TEST_F(RecordedBodyTest, keeps_as_much_as_the_limit_and_not_a_byte_more) {
  for (std::size_t size : {9u, 10u, 11u}) {
    record(10);
    Got& first = reads(reader());
    source_->put(std::string(size, 'x'));
    source_->end();
    run();
    EXPECT_EQ(first.text.size(), size);
    EXPECT_TRUE(first.ended);
    EXPECT_EQ(record_->whole(), size <= 10) << size;
    EXPECT_EQ(record_->size(), size <= 10 ? size : 0);
  }
}

TEST_F(RecordedBodyTest, goes_on_with_the_first_alone_above_the_limit) {
  record(4);
  Reader& leader = reader();
  Reader& laggard = reader(Role::follows);
  Got& first = reads(leader);
  source_->put("abcd");
  run();
  source_->put("efgh");
  run();
  EXPECT_FALSE(record_->whole());
  EXPECT_LE(record_->size(), 4u);
  Got& second = reads(laggard);
  source_->put("ij");
  source_->end();
  run();
  EXPECT_EQ(first.text, "abcdefghij");
  EXPECT_TRUE(first.ended);
  EXPECT_EQ(second.text, "abcd");
  EXPECT_EQ(second.error.code, ErrorCode::limit);
}

TEST_F(RecordedBodyTest, costs_what_it_holds_however_small_the_pieces) {
  record(64 * 1024);
  Reader& only = reader();
  for (int i = 0; i < 64 * 1024; ++i) {
    source_->put("x");
    ASSERT_TRUE(only.try_read());
  }
  EXPECT_EQ(record_->size(), 64u * 1024);
  Reader& again = reader();
  int pieces = 0;
  while (again.try_read()) ++pieces;
  EXPECT_EQ(pieces, 16);
}

TEST_F(RecordedBodyTest, lets_bytes_pass_once_nobody_else_reads) {
  record(4);
  Reader& only = reader();
  only.let_pass();
  source_->put("abcd");
  EXPECT_TRUE(only.try_read());
  EXPECT_FALSE(source_->passes);
  source_->put("e");
  EXPECT_TRUE(only.try_read());
  EXPECT_TRUE(source_->passes);
}

TEST_F(RecordedBodyTest, forgets_what_it_has_when_one_reader_is_left) {
  record(100);
  Reader& only = reader();
  source_->put("abcd");
  EXPECT_TRUE(only.try_read());
  record_->leave_to(only);
  EXPECT_EQ(record_->size(), 0u);
  EXPECT_FALSE(record_->whole());
  Got& rest = reads(only);
  source_->put("ef");
  source_->end();
  run();
  EXPECT_EQ(rest.text, "ef");
  EXPECT_TRUE(rest.ended);
}

TEST_F(RecordedBodyTest, hands_over_what_was_being_read_when_another_goes_on) {
  record(4);
  Got& first = reads(reader());  // waits for the source
  run();
  Reader& winner = reader();
  record_->leave_to(winner);
  Got& second = reads(winner);
  run();
  source_->put("more than four");
  run();
  source_->end();
  run();
  EXPECT_EQ(second.text, "more than four");
  EXPECT_TRUE(second.ended);
  EXPECT_NE(first.error.code, ErrorCode::none);
}

TEST_F(RecordedBodyTest, tells_every_reader_of_an_error) {
  record(100);
  Got& first = reads(reader());
  Got& second = reads(reader(Role::follows));
  source_->put("ab");
  source_->put(fail(ErrorCode::client_gone, Origin::client));
  run();
  Got& third = reads(reader());
  run();
  for (Got* each : {&first, &second, &third}) {
    EXPECT_EQ(each->text, "ab");
    EXPECT_EQ(each->error.code, ErrorCode::client_gone);
    EXPECT_EQ(each->error.origin, Origin::client);
  }
}

TEST_F(RecordedBodyTest, outlives_the_exchange_for_those_who_follow) {
  source_->trailers_.add("checksum", "1");
  record(100);
  Reader& slow = reader(Role::follows);
  reads(reader());
  source_->put("abc");
  source_->end();
  run();
  exchange_->finish_idle();
  Got& late = reads(slow);
  run();
  EXPECT_EQ(late.text, "abc");
  EXPECT_TRUE(late.ended);
  ASSERT_NE(slow.trailers(), nullptr);
  EXPECT_EQ(slow.trailers()->get("checksum"), "1");
}

TEST_F(RecordedBodyTest, breaks_off_for_those_who_follow_when_the_exchange_ends_too_soon) {
  record(100);
  Reader& leader = reader();
  Got& follower = reads(reader(Role::follows));
  source_->put("abc");
  EXPECT_TRUE(leader.try_read());
  run();
  exchange_->finish_idle();
  run();
  EXPECT_EQ(follower.text, "abc");
  EXPECT_FALSE(follower.ended);
  EXPECT_EQ(follower.error.code, ErrorCode::truncated);
}

TEST_F(RecordedBodyTest, is_not_worth_it_for_what_is_known_to_be_too_large) {
  source_->known = 11;
  EXPECT_FALSE(RecordedBody::fits(*source_, 10));
  source_->known = 10;
  EXPECT_TRUE(RecordedBody::fits(*source_, 10));
  source_->known.reset();
  EXPECT_TRUE(RecordedBody::fits(*source_, 10));
}

}  // namespace
}  // namespace weir
