#include "upstream/race.h"

#include <algorithm>

#include "io/deadline.h"

namespace weir {

Race::Race(Exchange& exchange, UpstreamRequest request)
    : exchange_(exchange),
      request_(request),
      changed_(exchange.loop()),
      interim_sink_(exchange.interim_sink) {}

bool Race::suits(const UpstreamRequest& request, const RetryPolicy& policy) {
  Method method = request.message.method;
  return policy.hedge && policy.attempts > 1 && is_safe(method) && method != Method::trace &&
         request.message.body == nullptr && request.message.upgrade.empty();
}

Task<Result<Response>> Race::run(Retries& retries, Duration after) {
  // Two attempts would speak to the client at once.
  exchange_.interim_sink = nullptr;
  while (true) {
    Attempt* attempt = retries.begin();
    if (attempt == nullptr && retries.must_wait()) attempt = co_await retries.wait();
    if (attempt == nullptr) break;
    start(*attempt);
    if (after > Duration::zero()) {
      bool in_time = co_await anyone_within(after);
      hedge_ = in_time ? nullptr : retries.begin_hedge();
      if (hedge_ != nullptr) start(*hedge_);
    }
    while (Runner* runner = co_await next()) {
      Result<Response> response = std::move(*std::exchange(runner->result, std::nullopt));
      if (response && retries.accepts(*runner->attempt, *response, running())) {
        end(*runner, retries);
        co_return response;
      }
      if (!response) retries.failed(*runner->attempt, response.error(), running());
    }
    if (retries.pause() > Duration::zero()) {
      Status waited = co_await exchange_.loop().sleep_for(retries.pause(), exchange_.stop());
      if (!waited) co_return fail(waited.error());
    }
  }
  co_return fail(retries.last());
}

// --- runners -----------------------------------------------------------------------------------

void Race::start(Attempt& attempt) {
  Runner& runner = runners_[runners_[0].running ? 1 : 0];
  runner.attempt = &attempt;
  runner.running = true;
  exchange_.scope().spawn(run(runner));
}

Task<void> Race::run(Runner& runner) {
  Attempt& attempt = *runner.attempt;
  Status ready;
  if (!attempt.connected()) ready = co_await attempt.connect();
  if (ready) {
    Result<Response> response = co_await attempt.ask(request_);
    runner.result.emplace(std::move(response));
  } else {
    runner.result.emplace(fail(ready.error()));
  }
  runner.running = false;
  if (over_) {
    attempt.lost();
  } else {
    changed_.raise();
  }
}

Race::Runner* Race::finished() {
  auto found =
      std::ranges::find_if(runners_, [](const Runner& r) { return r.result && !r.running; });
  return found != runners_.end() ? &*found : nullptr;
}

bool Race::running() const {
  return std::ranges::any_of(runners_, [](const Runner& r) { return r.running || r.result; });
}

Task<bool> Race::anyone_within(Duration time) {
  Deadline deadline(exchange_.loop(), time);
  while (finished() == nullptr) {
    Status woke = co_await changed_.wait(deadline.token());
    if (!woke) break;
  }
  co_return finished() != nullptr;
}

// Null: none is under way. They all end when the exchange does.
Task<Race::Runner*> Race::next() {
  while (finished() == nullptr && running()) {
    Status woke = co_await changed_.wait();
    if (!woke) break;
  }
  co_return finished();
}

// The others stop at once; their frames go in their own time.
void Race::end(const Runner& winner, Retries& retries) {
  over_ = true;
  exchange_.interim_sink = interim_sink_;
  if (winner.attempt == hedge_) retries.hedge_won();
  for (Runner& each : runners_) {
    if (&each == &winner) continue;
    if (each.running) each.attempt->cancel(Error(ErrorCode::cancelled, Origin::weir, "a hedge"));
    if (!each.running && each.result) each.attempt->lost();
  }
}

}  // namespace weir
