#include "io/connect_either.h"

#include <array>
#include <optional>

#include "core/scope.h"
#include "io/deadline.h"
#include "io/signal.h"

namespace weir {
namespace {

struct Contest {
  Contest(Loop& on, StopToken parent) : loop(on), stop(parent), changed(on) {}

  bool failed(std::size_t which) const { return results[which] && !*results[which]; }
  bool connected(std::size_t which) const { return results[which] && *results[which]; }

  Loop& loop;
  StopSource stop;
  Signal changed;
  std::array<std::optional<Result<std::unique_ptr<Stream>>>, 2> results{};
};

Task<void> run(Contest& contest, std::size_t which, Address to) {
  Result<std::unique_ptr<Stream>> stream = co_await contest.loop.connect(to, contest.stop.token());
  contest.results[which].emplace(std::move(stream));
  contest.changed.raise();
}

Task<void> head_start(Contest& contest) {
  Deadline deadline(contest.loop, EitherConnected::kHeadStart);
  while (!contest.results[0]) {
    Status woke = co_await contest.changed.wait(deadline.token());
    if (!woke) co_return;
  }
}

}  // namespace

Task<Result<EitherConnected>> connect_either(Loop& loop, Address first, Address second,
                                             StopToken stop) {
  Contest contest(loop, stop);
  Scope scope;
  scope.spawn(run(contest, 0, first));
  co_await head_start(contest);
  if (!contest.connected(0) && !contest.stop.stopped()) scope.spawn(run(contest, 1, second));
  // Each of them ends when it is stopped; nothing else has to end the wait.
  while (scope.running() > 0 && !contest.connected(0) && !contest.connected(1)) {
    (void)co_await contest.changed.wait();
  }
  contest.stop.request(Error(ErrorCode::cancelled, Origin::weir, "the other address"));
  co_await scope.join();
  for (std::size_t which : {0u, 1u}) {
    if (!contest.connected(which)) continue;
    co_return EitherConnected{std::move(**contest.results[which]), which == 1};
  }
  co_return fail(contest.results[0]->error());
}

}  // namespace weir
