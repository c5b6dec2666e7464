#include "http/h2/receive_queue.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "io/testing.h"

namespace weir::h2 {
namespace {

std::string drain(ReceiveQueue& queue) {
  std::string out;
  while (!queue.empty()) out += queue.take().view();
  return out;
}

TEST(ReceiveQueue, gives_back_what_came_in_order) {
  ReceiveQueue queue;
  std::string all;
  for (std::size_t size : {1, 5000, 3, 4095, 4096, 1, 70'000, 12, 12, 12}) {
    std::string bytes = test::pattern(size, size);
    all += bytes;
    queue.append(copy_slice(bytes));
  }
  EXPECT_EQ(queue.bytes(), all.size());
  EXPECT_TRUE(drain(queue) == all);
  EXPECT_EQ(queue.bytes(), 0u);
}

TEST(ReceiveQueue, passes_the_first_and_large_slices_on_uncopied) {
  ReceiveQueue queue;
  Slice small = copy_slice("small");
  Slice large = copy_slice(std::string(ReceiveQueue::kCopyBelow, 'x'));
  queue.append(small);
  queue.append(large);
  EXPECT_EQ(queue.take().owner(), small.owner());
  EXPECT_EQ(queue.take().owner(), large.owner());
}

// A peer that sends one byte in every buffer must not pin all these buffers.
TEST(ReceiveQueue, pins_no_buffer_for_a_few_bytes) {
  ReceiveQueue queue;
  std::string all;
  for (int i = 0; i < 10'000; ++i) {
    Slice buffer = copy_slice(std::string(1000, static_cast<char>('a' + i % 26)));
    queue.append(buffer.part(buffer.view().substr(0, 1)));
    all += buffer.view().front();
    if (i > 0) EXPECT_TRUE(buffer.owner()->unique());
  }
  std::set<SliceOwner*> blocks;
  std::string out;
  while (!queue.empty()) {
    Slice slice = queue.take();
    blocks.insert(slice.owner());
    out += slice.view();
  }
  EXPECT_TRUE(out == all);
  EXPECT_LE(blocks.size(), 5u);
}

TEST(ReceiveQueue, appends_behind_a_slice_that_was_taken) {
  ReceiveQueue queue;
  queue.append(copy_slice("a"));
  queue.append(copy_slice("b"));
  queue.append(copy_slice("c"));
  EXPECT_EQ(queue.take().view(), "a");
  Slice taken = queue.take();
  EXPECT_EQ(taken.view(), "bc");
  queue.append(copy_slice("d"));
  EXPECT_EQ(taken.view(), "bc");
  EXPECT_EQ(drain(queue), "d");
}

}  // namespace
}  // namespace weir::h2
