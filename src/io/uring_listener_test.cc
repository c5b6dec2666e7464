#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <utility>
#include <vector>

#include "io/uring_testing.h"

namespace weir::test {
namespace {

Task<void> accept_some(Listener& listener, std::size_t count,
                       std::vector<std::unique_ptr<Stream>>& taken) {
  while (taken.size() < count) {
    auto stream = co_await listener.accept();
    EXPECT_TRUE(stream);
    if (stream) taken.push_back(std::move(*stream));
  }
}

class UringAcceptTest : public UringLoopTest {
 protected:
  void SetUp() override {
    UringLoopTest::SetUp();
    if (IsSkipped()) return;
    socket_ = *network_.bind(*Address::parse("127.0.0.1:0"), {});
    address_ = *network_.bound_address(socket_);
    listener_ = std::move(*loop_->listen(socket_));
  }
  void TearDown() override {
    listener_.reset();
    if (socket_ >= 0) network_.close(socket_);
    UringLoopTest::TearDown();
  }
  void knock() {
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_storage storage;
    socklen_t length = address_.to_sockaddr(storage);
    ASSERT_EQ(0, ::connect(fd, reinterpret_cast<sockaddr*>(&storage), length));
    far_.push_back(fd);
  }

  int socket_ = -1;
  Address address_;
  std::unique_ptr<Listener> listener_;
};

WEIR_RUN_WITH_EVERY_MASK(UringAcceptTest);

// What the standing accept took beyond what was asked for is not lost with the stop, and what it
// did not take waits in the kernel for the next listener.
TEST_P(UringAcceptTest, every_connection_of_a_burst_is_served_when_accepting_stops_in_it) {
  for (int i = 0; i < 50; ++i) knock();
  std::vector<std::unique_ptr<Stream>> taken;
  run(accept_some(*listener_, 3, taken));
  for (int i = 0; i < 3; ++i) run(nothing());  // a suspension under way comes to its end
  while (auto stream = listener_->take_accepted()) taken.push_back(std::move(stream));
  listener_ = std::move(*loop_->listen(socket_));
  run(accept_some(*listener_, 50, taken));
  for (std::size_t i = 0; i < taken.size(); ++i) {
    EXPECT_EQ(local_of(far(i)), taken[i]->peer());
  }
}

TEST_P(UringAcceptTest, a_new_listener_takes_over_the_socket_of_one_that_went) {
  std::vector<std::unique_ptr<Stream>> taken;
  knock();
  run(accept_some(*listener_, 1, taken));
  listener_.reset();
  run(nothing());
  listener_ = std::move(*loop_->listen(socket_));
  knock();
  run(accept_some(*listener_, 2, taken));
  EXPECT_EQ(2u, taken.size());
}

Task<void> accept_with_errors(Listener& listener, std::vector<ErrorCode>& errors,
                              std::unique_ptr<Stream>& taken, rlimit before) {
  while (taken == nullptr) {
    auto stream = co_await listener.accept();
    if (stream) {
      taken = std::move(*stream);
    } else {
      errors.push_back(stream.error().code);
      EXPECT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &before));
    }
  }
}

TEST_P(UringAcceptTest, says_once_that_descriptors_ran_out_and_goes_on_after_a_pause) {
  // Once with descriptors at hand: UBSan needs one when it sees a type for the first time.
  std::vector<std::unique_ptr<Stream>> first;
  knock();
  run(accept_some(*listener_, 1, first));
  listener_.reset();
  run(nothing());
  listener_ = std::move(*loop_->listen(socket_));
  knock();
  rlimit before;
  ASSERT_EQ(0, ::getrlimit(RLIMIT_NOFILE, &before));
  int next = ::dup(socket_);
  ::close(next);
  rlimit none{static_cast<rlim_t>(next), before.rlim_max};
  ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &none));
  std::vector<ErrorCode> errors;
  std::unique_ptr<Stream> taken;
  run(accept_with_errors(*listener_, errors, taken, before));
  EXPECT_THAT(errors, testing::ElementsAre(ErrorCode::no_descriptors));
  EXPECT_NE(nullptr, taken);
}

}  // namespace
}  // namespace weir::test
