#include "app/thread_host.h"

#include <gtest/gtest.h>

#include <future>

#include "io/epoll_loop.h"

namespace weir {
namespace {

struct Unobserved final : ExchangeObserver {
  void exchange_ended(Exchange&) override {}
};

class ThreadHostTest : public testing::Test {
 protected:
  std::thread::id thread_of(Loop& loop) {
    std::promise<std::thread::id> id;
    loop.post([&] { id.set_value(std::this_thread::get_id()); });
    return id.get_future().get();
  }

  std::unique_ptr<Loop> control_ = std::move(make_epoll_loop(0, 1).value());
  int before_ = 0;
  Status allowed_;
  ThreadHost host_{*control_, Engine::epoll, [](Loop&) { return std::make_unique<Unobserved>(); },
                   [this] {
                     ++before_;
                     return allowed_;
                   }};
};

TEST_F(ThreadHostTest, runs_each_worker_on_a_thread_of_its_own) {
  Loop& first = **host_.start(0);
  Loop& second = **host_.start(1);
  EXPECT_NE(thread_of(first), thread_of(second));
  EXPECT_NE(thread_of(first), std::this_thread::get_id());
  EXPECT_EQ(first.index(), 0u);
  EXPECT_EQ(second.index(), 1u);
  EXPECT_EQ(host_.engine_name(), "epoll");
}

TEST_F(ThreadHostTest, gives_the_number_of_a_retired_worker_to_a_new_one) {
  host_.start(0).value();
  host_.retire(0);
  Loop& again = **host_.start(0);
  EXPECT_NE(thread_of(again), std::this_thread::get_id());
}

TEST_F(ThreadHostTest, destroys_what_the_slots_keep_on_the_workers_thread) {
  struct Mark {
    std::thread::id& gone;
    ~Mark() { gone = std::this_thread::get_id(); }
  };
  SlotKey key;
  std::thread::id gone;
  Loop& loop = **host_.start(0);
  std::thread::id worker = thread_of(loop);
  loop.post(
      [&] { loop.slots().get<Mark>(key, [&] { return std::unique_ptr<Mark>(new Mark{gone}); }); });
  host_.retire(0);
  EXPECT_EQ(gone, worker);
}

TEST_F(ThreadHostTest, asks_once_before_the_first_thread) {
  host_.start(0).value();
  host_.start(1).value();
  EXPECT_EQ(before_, 1);
}

TEST_F(ThreadHostTest, starts_nothing_that_is_not_allowed) {
  allowed_ = fail(ErrorCode::permission, Origin::weir);
  Result<Loop*> loop = host_.start(0);
  ASSERT_FALSE(loop);
  EXPECT_EQ(loop.error().code, ErrorCode::permission);
}

}  // namespace
}  // namespace weir
