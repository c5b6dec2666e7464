#include "io/uring_ring.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <thread>

#include "io/uring_testing.h"

namespace weir::test {
namespace {

TEST(UringRing, has_what_the_mask_leaves) {
  for (const Mask& mask : kMasks) {
    auto ring = UringRing::open(mask.features);
    if (!ring) GTEST_SKIP() << "io_uring is refused here";
    EXPECT_EQ(mask.features.deferred_work, (*ring)->features().deferred_work) << mask.name;
    EXPECT_EQ(mask.features.multishot_accept, (*ring)->features().multishot_accept) << mask.name;
  }
}

// Applies to the calling thread alone and for the rest of its life.
bool refuse_io_uring(int error) {
  std::array program = {
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog filter{program.size(), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST(UringRing, a_kernel_that_refuses_io_uring_gives_an_error_and_leaks_nothing) {
  for (int error : {EPERM, ENOSYS, ENOMEM}) {
    bool filtered = false;
    bool made = true;
    std::thread other([&] {
      filtered = refuse_io_uring(error);
      made = make_uring_loop(0, 1).has_value();
    });
    other.join();
    if (!filtered) GTEST_SKIP() << "seccomp is not to be had here";
    EXPECT_FALSE(made) << error;
  }
}

}  // namespace
}  // namespace weir::test
