#include "server/line_ring.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace weir {
namespace {

std::string take_all(LineRing& ring) {
  std::string all;
  std::size_t end = ring.end();
  for (std::string_view piece = ring.piece(end); !piece.empty(); piece = ring.piece(end)) {
    all += piece;
    ring.consume(piece.size());
  }
  return all;
}

TEST(LineRing, gives_lines_back_in_order) {
  LineRing ring(64);
  EXPECT_EQ(take_all(ring), "");
  EXPECT_TRUE(ring.put("one\n"));
  EXPECT_TRUE(ring.put("two\n"));
  EXPECT_EQ(ring.waiting(), 8u);
  EXPECT_EQ(take_all(ring), "one\ntwo\n");
  EXPECT_EQ(ring.waiting(), 0u);
  EXPECT_EQ(ring.lines(), 2u);
}

TEST(LineRing, takes_exactly_as_much_as_it_has_room_for) {
  for (std::size_t size : {63u, 64u, 65u}) {
    LineRing ring(64);
    EXPECT_EQ(ring.put(std::string(size, 'x')), size <= 64) << size;
    EXPECT_EQ(ring.dropped(), size <= 64 ? 0u : 1u) << size;
    EXPECT_EQ(take_all(ring).size(), size <= 64 ? size : 0u) << size;
  }
}

TEST(LineRing, drops_whole_lines_and_goes_on_when_there_is_room_again) {
  LineRing ring(16);
  EXPECT_TRUE(ring.put("0123456789\n"));
  EXPECT_FALSE(ring.put("does not fit\n"));
  EXPECT_TRUE(ring.put("fits\n"));
  EXPECT_EQ(ring.dropped(), 1u);
  EXPECT_EQ(take_all(ring), "0123456789\nfits\n");
  EXPECT_TRUE(ring.put("does fit now\n"));
  EXPECT_EQ(take_all(ring), "does fit now\n");
}

TEST(LineRing, goes_round_its_end) {
  LineRing ring(16);
  for (int i = 0; i < 100; ++i) {
    std::string line = "line " + std::to_string(i) + "\n";
    ASSERT_TRUE(ring.put(line));
    ASSERT_EQ(take_all(ring), line);
  }
}

TEST(LineRing, is_emptied_by_one_thread_while_another_fills_it) {
  constexpr int kLines = 20'000;
  LineRing ring(1024);
  std::thread producer([&] {
    for (int i = 0; i < kLines; ++i) {
      while (!ring.put(std::to_string(i) + "\n")) std::this_thread::yield();
    }
    ring.close();
  });
  std::string all;
  while (true) {
    bool closed = ring.closed();
    all += take_all(ring);
    if (closed) break;
  }
  producer.join();
  std::string expected;
  for (int i = 0; i < kLines; ++i) expected += std::to_string(i) + "\n";
  EXPECT_TRUE(all == expected);
  EXPECT_EQ(ring.lines(), static_cast<std::uint64_t>(kLines));
}

}  // namespace
}  // namespace weir
