#include "io/sockets.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

namespace weir {
namespace {

std::string own_path(const char* name) {
  return ::testing::TempDir() + name + "_" + std::to_string(::getpid());
}

TEST(KernelNetwork, finds_a_free_port_and_tells_it) {
  KernelNetwork network;
  int socket = network.bind(*Address::parse("127.0.0.1:0"), {}).value();
  Address bound = network.bound_address(socket).value();
  EXPECT_NE(bound.port(), 0);
  EXPECT_EQ(bound.ip().text(), "127.0.0.1");
  network.close(socket);
}

TEST(KernelNetwork, shares_a_port_only_among_those_who_agree) {
  KernelNetwork network;
  int first = network.bind(*Address::parse("127.0.0.1:0"), {}).value();
  Address bound = network.bound_address(first).value();
  auto second = network.bind(bound, {});
  ASSERT_TRUE(second);
  auto exclusive = network.bind(bound, {.reuse_port = false});
  ASSERT_FALSE(exclusive);
  EXPECT_EQ(exclusive.error().code, ErrorCode::address_in_use);
  network.close(first);
  network.close(*second);
}

TEST(KernelNetwork, says_when_an_address_is_not_of_this_machine) {
  auto bound = KernelNetwork().bind(*Address::parse("192.0.2.1:0"), {});
  ASSERT_FALSE(bound);
  EXPECT_EQ(bound.error().code, ErrorCode::address_unavailable);
}

TEST(KernelNetwork, replaces_the_file_of_a_dead_unix_socket_but_not_of_a_living_one) {
  KernelNetwork network;
  Address address = Address::unix_socket(own_path("weir_bind"));
  int first = network.bind(address, {}).value();
  auto stolen = network.bind(address, {});
  ASSERT_FALSE(stolen);
  EXPECT_EQ(stolen.error().code, ErrorCode::address_in_use);
  ::close(first);  // as by a process that dies
  auto again = network.bind(address, {.unix_mode = 0600});
  ASSERT_TRUE(again);
  struct stat info{};
  ASSERT_EQ(::stat(std::string(address.path()).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  network.close(*again);
}

TEST(KernelNetwork, removes_the_file_of_its_unix_socket_and_no_others) {
  KernelNetwork network, other;
  std::string path = own_path("weir_gone");
  Address address = Address::unix_socket(path);
  network.close(network.bind(address, {}).value());
  EXPECT_NE(::access(path.c_str(), F_OK), 0);

  int first = network.bind(address, {}).value();
  std::string moved = path + ".old";  // the number of the first one's file stays in use
  ASSERT_EQ(::rename(path.c_str(), moved.c_str()), 0);
  int second = other.bind(address, {}).value();
  network.close(first);
  EXPECT_EQ(::access(path.c_str(), F_OK), 0) << "another program has taken the path over";
  other.close(second);
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
  ::unlink(moved.c_str());
}

TEST(KernelNetwork, does_not_remove_a_file_that_is_no_socket) {
  KernelNetwork network;
  std::string path = own_path("weir_file");
  std::FILE* file = std::fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fclose(file);
  EXPECT_FALSE(network.bind(Address::unix_socket(path), {}));
  EXPECT_EQ(::access(path.c_str(), F_OK), 0);
  ::unlink(path.c_str());
}

TEST(Slices, are_gathered_up_to_a_file_or_the_room_there_is) {
  std::vector<Slice> slices{copy_slice("one"), copy_slice("two"), Slice::of_file(nullptr, 0, 0, 9),
                            copy_slice("three")};
  std::array<iovec, 4> out;
  EXPECT_EQ(gather(slices, out), 2u);
  EXPECT_EQ(out[1].iov_len, 3u);
  EXPECT_EQ(gather(slices, std::span(out).first(1)), 1u);
  EXPECT_EQ(gather(std::span(slices).subspan(2), out), 0u);
}

TEST(Slices, are_consumed_across_their_borders) {
  std::vector<Slice> slices{copy_slice(""), copy_slice("abc"), copy_slice(""), copy_slice("defg")};
  std::span<Slice> left = slices;
  consume(left, 0);
  ASSERT_EQ(left.size(), 3u);
  consume(left, 2);
  EXPECT_EQ(left.front().view(), "c");
  consume(left, 3);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left.front().view(), "fg");
  consume(left, 2);
  EXPECT_TRUE(left.empty());
}

TEST(Descriptors, have_their_limit_raised) { EXPECT_GE(raise_descriptor_limit(), 256u); }

}  // namespace
}  // namespace weir
