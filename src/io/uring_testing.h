// Test support: io_uring loops with each optional feature masked, facing raw sockets.
// Included by tests only.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "core/scope.h"
#include "core/task.h"
#include "io/sockets.h"
#include "io/uring_loop.h"

namespace weir::test {

struct Mask {
  const char* name;
  UringFeatures features;
};

inline void PrintTo(const Mask& mask, std::ostream* out) { *out << mask.name; }

constexpr UringFeatures without(bool UringFeatures::* feature) {
  UringFeatures features;
  features.*feature = false;
  return features;
}

inline const std::array kMasks = {
    Mask{"everything", {}},
    Mask{"without_multishot_accept", without(&UringFeatures::multishot_accept)},
    Mask{"without_provided_buffers", without(&UringFeatures::provided_buffers)},
    Mask{"without_deferred_work", without(&UringFeatures::deferred_work)},
    Mask{"without_poll_first", without(&UringFeatures::poll_first)},
    Mask{"plain", {false, false, false, false}},
};

/// Raw sockets on the far side, a loop on the near side. Skipped where io_uring is refused.
class UringLoopTest : public testing::TestWithParam<Mask> {
 protected:
  void SetUp() override {
    auto made = make_uring_loop(0, 1, GetParam().features);
    if (!made) GTEST_SKIP() << "io_uring is refused here: " << made.error().detail;
    loop_ = std::move(*made);
  }
  void TearDown() override {
    for (int fd : far_) {
      if (fd >= 0) ::close(fd);
    }
  }

  /// A stream of the loop; its peer is far(i), a blocking socket.
  std::unique_ptr<Stream> pair() {
    int ends[2];
    EXPECT_EQ(0, ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    timeval patience{5, 0};  // a test that waits in vain fails instead of hanging
    ::setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    far_.push_back(ends[1]);
    return std::move(*loop_->adopt(ends[0]));
  }
  int far(std::size_t index = 0) const { return far_[index]; }
  void send_far(std::string_view text, std::size_t index = 0) {
    EXPECT_EQ(static_cast<ssize_t>(text.size()), ::send(far(index), text.data(), text.size(), 0));
  }
  std::string receive_far(std::size_t size, std::size_t index = 0) {
    std::string text(size, '\0');
    ssize_t got = ::recv(far(index), text.data(), size, MSG_WAITALL);
    EXPECT_GE(got, 0);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
  }
  void close_far(std::size_t index = 0) { ::close(std::exchange(far_[index], -1)); }

  /// Runs the loop until `body` is over.
  void run(Task<void> body) {
    Scope scope;
    scope.spawn(until_done(*loop_, std::move(body)));
    loop_->run();
    EXPECT_EQ(0u, scope.running());
  }

  std::unique_ptr<Loop> loop_;
  KernelNetwork network_;
  std::vector<int> far_;

 private:
  static Task<void> until_done(Loop& loop, Task<void> body) {
    co_await std::move(body);
    loop.stop();
  }
};

inline Task<void> nothing() { co_return; }

#define WEIR_RUN_WITH_EVERY_MASK(suite)                                             \
  INSTANTIATE_TEST_SUITE_P(masks, suite, ::testing::ValuesIn(::weir::test::kMasks), \
                           [](const auto& entry) { return std::string(entry.param.name); })

}  // namespace weir::test
