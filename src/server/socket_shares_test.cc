#include "server/socket_shares.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

using Owners = std::vector<unsigned>;

TEST(SocketShares, gives_every_worker_one_of_as_many_new_sockets) {
  Owners owners(3, kNoWorker);
  EXPECT_EQ(share_out(owners, 3).size(), 3u);
  EXPECT_EQ(owners, (Owners{0, 1, 2}));
}

TEST(SocketShares, moves_nothing_without_need) {
  Owners owners{1, 0, 1};
  EXPECT_TRUE(share_out(owners, 2).empty());
}

TEST(SocketShares, gives_the_sockets_of_workers_that_leave_to_those_that_stay) {
  Owners owners{0, 1, 2, 3};
  EXPECT_EQ(share_out(owners, 2).size(), 2u);
  EXPECT_EQ(owners, (Owners{0, 1, 0, 1}));
  EXPECT_EQ(share_out(owners, 1).size(), 2u);
  EXPECT_EQ(owners, (Owners{0, 0, 0, 0}));
}

TEST(SocketShares, gives_a_new_worker_a_socket_that_another_can_spare) {
  Owners owners{0, 0, 0, 0};
  std::vector<SocketMove> moves = share_out(owners, 3);
  ASSERT_EQ(moves.size(), 2u);
  EXPECT_EQ(moves[0].from, 0u);
  EXPECT_EQ(owners, (Owners{0, 0, 2, 1}));
}

TEST(SocketShares, leaves_workers_without_a_socket_when_there_are_too_few) {
  Owners owners{0, kNoWorker};
  EXPECT_EQ(share_out(owners, 4).size(), 1u);
  EXPECT_EQ(owners, (Owners{0, 1}));
}

}  // namespace
}  // namespace weir
