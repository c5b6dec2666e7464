#include "middleware/basic_auth/verdicts.h"

#include <gtest/gtest.h>

#include "io/sim/loop.h"
#include "io/testing.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

Verdicts::Digest digest(std::uint32_t number) {
  Verdicts::Digest made{};
  std::memcpy(made.data(), &number, sizeof number);
  return made;
}

TEST(Verdicts, remember_what_was_right_for_a_while) {
  Verdicts verdicts;
  TimePoint now(1h);
  EXPECT_TRUE(verdicts.begin(digest(1)));
  EXPECT_FALSE(verdicts.begin(digest(1)));
  verdicts.end(digest(1), true, now + 1min);
  EXPECT_TRUE(verdicts.remembers(digest(1), now + 1min - 1ns));
  EXPECT_FALSE(verdicts.remembers(digest(1), now + 1min));
  EXPECT_TRUE(verdicts.begin(digest(2)));
  verdicts.end(digest(2), false, now + 1min);
  EXPECT_FALSE(verdicts.remembers(digest(2), now));
}

TEST(Verdicts, remember_so_many_and_no_more) {
  Verdicts verdicts;
  TimePoint now(1h);
  for (std::uint32_t i = 0; i <= Verdicts::kMost; ++i) {
    verdicts.begin(digest(i));
    verdicts.end(digest(i), true, now + 1min);
    EXPECT_EQ(verdicts.remembers(digest(0), now), i < Verdicts::kMost);
  }
  EXPECT_TRUE(verdicts.remembers(digest(1), now));
  EXPECT_TRUE(verdicts.remembers(digest(Verdicts::kMost), now));
}

Task<void> wait(Verdicts& verdicts, Loop& loop, StopToken stop, std::string& told) {
  Result<std::optional<bool>> result = co_await verdicts.wait(digest(1), loop, stop);
  told += !result    ? std::string(name(result.error().code))
          : !*result ? "none"
          : **result ? "r"
                     : "w";
}

Task<void> wait_for_all(Loop& loop, std::optional<bool> verdict, std::string& told) {
  Verdicts verdicts;
  StopSource stop, never;
  Scope scope;
  verdicts.begin(digest(1));
  for (int i = 0; i < 3; ++i) {
    scope.spawn(wait(verdicts, loop, i == 1 ? stop.token() : never.token(), told));
  }
  stop.request(Error(ErrorCode::client_gone));
  (void)co_await loop.yield();
  EXPECT_EQ(told, "client_gone");
  verdicts.end(digest(1), verdict, loop.now() + 1min);
  co_await scope.join();
  co_await wait(verdicts, loop, never.token(), told);  // nobody compares it now
}

TEST(Verdicts, are_told_to_all_who_wait) {
  for (auto [verdict, expected] :
       {std::pair{std::optional(true), "rr"}, std::pair{std::optional(false), "ww"},
        std::pair{std::optional<bool>(), "nonenone"}}) {
    SimWorld world(1);
    SimLoop& loop = world.add_loop();
    std::string told;
    test::run(loop, wait_for_all(loop, verdict, told));
    EXPECT_EQ(told, std::string("client_gone") + expected + "none");
  }
}

}  // namespace
}  // namespace weir
