#include "io/program.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "io/epoll_loop.h"
#include "io/testing.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

/// Real programs on a real loop, in a folder of their own.
class ProgramTest : public ::testing::Test {
 protected:
  ProgramTest() {
    char name[] = "/tmp/weir-program-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~ProgramTest() override { std::filesystem::remove_all(folder_); }

  Result<ProgramEnd> run(Program program) {
    return test::run(*loop_, programs_.run(std::move(program), {}));
  }
  Program script(std::string text) const {
    return {{"sh", "-c", std::move(text), "sh", folder_}, {"GIVEN=by the test"}};
  }
  Result<ProgramEnd> shell(std::string text) { return run(script(std::move(text))); }
  /// A program that does not end by itself, and listens to nobody.
  Task<Result<ProgramEnd>> stopped_once_begun() {
    StopSource stop;
    Scope scope;
    scope.spawn(stop_once_begun(stop));
    Result<ProgramEnd> end = co_await programs_.run(
        script("trap '' TERM; sleep 1000 & echo $! > $1/pid; : > $1/begun; wait"), stop.token());
    co_await scope.join();
    co_return end;
  }
  Task<void> stop_once_begun(StopSource& stop) {
    while (!std::filesystem::exists(folder_ + "/begun")) (void)co_await loop_->sleep_for(1ms);
    stop.request(Error(ErrorCode::timeout));
  }
  /// True once no process has this number, or only a dead one that nobody has reaped.
  Task<bool> gone(pid_t pid) {
    for (int i = 0; i < 6000; ++i) {
      std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
      std::string number, command, state;
      if (!(file >> number >> command >> state) || state == "Z") co_return true;
      (void)co_await loop_->sleep_for(10ms);
    }
    co_return false;
  }
  /// A program that goes on until the loop has run something else.
  Task<void> beside() {
    Scope scope;
    scope.spawn(tick());
    Result<ProgramEnd> end =
        co_await programs_.run(script("until test -e $1/enough; do sleep 0.01; done"), {});
    EXPECT_TRUE(end && end->status == 0);
    co_await scope.join();
  }
  Task<void> tick() {
    while (++ticks_ < 3) (void)co_await loop_->sleep_for(1ms);
    std::ofstream(folder_ + "/enough") << "";
  }
  std::string text(const std::string& name) const {
    std::ifstream file(folder_ + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::unique_ptr<Loop> loop_ = std::move(make_epoll_loop(0, 1).value());
  ProgramRunner programs_{*loop_};
  std::string folder_;
  int ticks_ = 0;
};

TEST_F(ProgramTest, tells_how_a_program_ended) {
  EXPECT_EQ(run({{"true"}, {}})->status, 0);
  EXPECT_EQ(shell("exit 7")->status, 7);
  Result<ProgramEnd> killed = shell("kill -TERM $$");
  ASSERT_TRUE(killed);
  EXPECT_EQ(killed->signal, SIGTERM);
}

TEST_F(ProgramTest, says_why_a_program_cannot_be_started) {
  EXPECT_EQ(run({{folder_ + "/none"}, {}}).error().code, ErrorCode::not_found);
  EXPECT_EQ(run({{folder_}, {}}).error().code, ErrorCode::permission);
}

TEST_F(ProgramTest, gives_arguments_and_environment) {
  ASSERT_TRUE(shell("printf '%s' \"$GIVEN, $PATH\" > $1/said"));
  EXPECT_EQ(text("said"), "by the test, " + std::string(::getenv("PATH")));
}

TEST_F(ProgramTest, gives_neither_descriptors_nor_blocked_signals) {
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, nullptr);
  ASSERT_TRUE(shell("ls /proc/self/fd | wc -w > $1/fds; grep SigBlk /proc/self/status > $1/mask"));
  pthread_sigmask(SIG_UNBLOCK, &term, nullptr);
  EXPECT_EQ(text("fds"), "4\n") << "the three streams, and the folder that ls reads";
  EXPECT_EQ(text("mask"), "SigBlk:\t0000000000000000\n");
}

TEST_F(ProgramTest, kills_a_program_and_its_children_when_time_is_up) {
  Result<ProgramEnd> hung = test::run(*loop_, stopped_once_begun());
  ASSERT_FALSE(hung);
  EXPECT_EQ(hung.error().code, ErrorCode::timeout);
  pid_t child = std::stoi(text("pid"));
  // Its parent is gone; init reaps it when it comes to that.
  EXPECT_EQ(test::run(*loop_, gone(child)), true);
}

TEST_F(ProgramTest, kills_what_a_program_leaves_behind) {
  ASSERT_TRUE(shell("sleep 1000 & echo $! > $1/pid"));
  EXPECT_EQ(test::run(*loop_, gone(std::stoi(text("pid")))), true);
}

TEST_F(ProgramTest, does_not_hold_up_the_loop) {
  test::run(*loop_, beside());
  EXPECT_GE(ticks_, 3);
}

}  // namespace
}  // namespace weir
