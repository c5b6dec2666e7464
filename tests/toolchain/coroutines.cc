// Asks the compiler whether it destroys the temporaries of coroutine code exactly once.
//
// CMake runs this program when it configures a build directory and refuses the compiler if it
// fails. Every case below is ordinary code that some compiler miscompiles without a warning: a
// temporary that lives across a `co_await` is destroyed twice. The cases count live objects instead
// of owning memory, so that a broken compiler gives a report here and not a crash; the few that
// must own memory come last. Over-aligned locals are not asked about: no compiler aligns the frame
// of a coroutine beyond what operator new gives, so they do not belong there.
#include <array>
#include <coroutine>
#include <cstdio>
#include <exception>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

static_assert(std::is_class_v<std::expected<int, int>>, "std::expected is needed (C++23)");

namespace {

int live = 0;  // constructed minus destroyed

struct Counted {
  int value = 0;
  Counted() { ++live; }
  explicit Counted(int v) : value(v) { ++live; }
  Counted(const Counted& other) : value(other.value) { ++live; }
  Counted(Counted&& other) noexcept : value(other.value) { ++live; }
  Counted& operator=(const Counted&) = default;
  Counted& operator=(Counted&&) = default;
  ~Counted() { --live; }
};

struct Pair {  // an aggregate with a member that is not trivially destroyed
  Counted first;
  int second = 0;
};

// A lazy task, awaited once; completion transfers to whoever awaits it.
template <class T>
class Task {
 public:
  struct promise_type {
    std::optional<T> result;
    std::coroutine_handle<> parent = std::noop_coroutine();

    Task get_return_object() {
      return Task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct Transfer {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
          return self.promise().parent;
        }
        void await_resume() noexcept {}
      };
      return Transfer{};
    }
    template <class U>
    void return_value(U&& value) {
      result.emplace(std::forward<U>(value));
    }
    void unhandled_exception() { std::terminate(); }
  };

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task(const Task&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> parent) noexcept {
    handle_.promise().parent = parent;
    return handle_;
  }
  T await_resume() { return std::move(*handle_.promise().result); }

  T run() {
    handle_.resume();
    return std::move(*handle_.promise().result);
  }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

Task<int> one() { co_return 1; }
Task<Counted> counted() { co_return Counted(7); }
Task<int> by_value(Pair pair) { co_return pair.first.value; }
Task<int> by_reference(const Pair& pair) { co_return pair.first.value; }
Task<int> by_array(std::array<Pair, 2> pairs) { co_return pairs[1].second; }
Task<int> by_optional(std::optional<Pair> pair) { co_return pair->second; }
Task<int> by_class(Counted value) { co_return value.value; }
Task<int> call(std::function<int()> callback) { co_return callback(); }
template <class F>
Task<int> apply(F callback) {
  co_return callback();
}

Task<int> aggregate_argument() { co_return co_await by_value(Pair{Counted(1), 2}); }
Task<int> braced_argument() { co_return co_await by_value({Counted(1), 2}); }
Task<int> designated_argument() { co_return co_await by_value({.first = Counted(1), .second = 2}); }
Task<int> aggregate_reference() { co_return co_await by_reference(Pair{Counted(1), 2}); }
Task<int> aggregate_array() {
  co_return co_await by_array({Pair{Counted(1), 2}, Pair{Counted(3), 4}});
}
Task<int> aggregate_optional() { co_return co_await by_optional(Pair{Counted(1), 2}); }
Task<int> parenthesised_aggregate() { co_return co_await by_value(Pair(Counted(1), 2)); }

Task<int> capturing_lambda() {
  Counted seen(4);
  co_return co_await apply([seen] { return seen.value; });
}
Task<int> init_capturing_lambda() {
  co_return co_await apply([seen = Counted(4)] { return seen.value; });
}
Task<int> capturing_function() {
  Counted seen(4);
  co_return co_await call([seen] { return seen.value; });
}

Task<int> conditional_with_await(bool condition) {
  Counted chosen = condition ? Counted{co_await one()} : Counted{};
  co_return chosen.value;
}
Task<int> conditional_argument(bool condition) {
  co_return co_await by_class(condition ? Counted{1} : Counted{2});
}
Task<int> conditional_task(bool condition) {
  Counted chosen = co_await (condition ? counted() : counted());
  co_return chosen.value;
}

Task<int> aggregate_around_await() {
  Pair pair{Counted(1), co_await one()};
  co_return pair.second;
}
Task<Pair> returned_aggregate_around_await() { co_return Pair{Counted(1), co_await one()}; }
Task<int> returned_aggregate() {
  Pair pair = co_await returned_aggregate_around_await();
  co_return pair.second;
}
Task<int> pushed_aggregate_around_await() {
  std::vector<Pair> pairs;
  pairs.push_back(Pair{Counted(1), co_await one()});
  co_return pairs.front().second;
}

struct AggregateAwaiter {
  Counted value;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
  int await_resume() const noexcept { return value.value; }
};
Task<int> aggregate_awaiter() { co_return co_await AggregateAwaiter{Counted(5)}; }

struct AggregateObject {
  Counted value;
  Task<int> run() { co_return value.value; }
};
Task<int> aggregate_object() { co_return co_await AggregateObject{Counted(5)}.run(); }

Task<int> class_argument() { co_return co_await by_class(Counted(1)); }
Task<int> bound_result() {
  auto [first, second] = co_await returned_aggregate_around_await();
  co_return first.value + second;
}
Task<int> bound_results_in_a_loop() {
  int sum = 0;
  for (int i = 0; i < 3; ++i) {
    auto [first, second] = co_await returned_aggregate_around_await();
    sum += first.value + second;
  }
  co_return sum;
}

int failures = 0;

void expect(const char* pattern, Task<int> (*coroutine)(), int wanted) {
  live = 0;
  int got = coroutine().run();
  if (live < 0) {
    std::printf("  %s: destroyed %d time(s) too often\n", pattern, -live);
  } else if (live > 0) {
    std::printf("  %s: %d object(s) never destroyed\n", pattern, live);
  } else if (got != wanted) {
    std::printf("  %s: gave %d, not %d\n", pattern, got, wanted);
  } else {
    return;
  }
  ++failures;
}

void expect_arguments() {
  expect("co_await f(Aggregate{...})", aggregate_argument, 1);
  expect("co_await f({...})", braced_argument, 1);
  expect("co_await f({.member = ...})", designated_argument, 1);
  expect("co_await f(Aggregate{...}) taken by const reference", aggregate_reference, 1);
  expect("co_await f({Aggregate{...}, Aggregate{...}}) into an array", aggregate_array, 4);
  expect("co_await f(Aggregate{...}) into an optional", aggregate_optional, 2);
  expect("co_await f(Aggregate(...))", parenthesised_aggregate, 1);
  expect("co_await f([copy]{...})", capturing_lambda, 4);
  expect("co_await f([x = ...]{...})", init_capturing_lambda, 4);
  expect("co_await f([copy]{...}) into a std::function", capturing_function, 4);
  expect("co_await f(Class(...))", class_argument, 1);
}

void expect_conditionals() {
  expect("c ? Class{co_await f()} : Class{}, true", [] { return conditional_with_await(true); }, 1);
  expect(
      "c ? Class{co_await f()} : Class{}, false", [] { return conditional_with_await(false); }, 0);
  expect("co_await f(c ? Class{} : Class{})", [] { return conditional_argument(true); }, 1);
}

void expect_results() {
  expect("Aggregate x{Class{}, co_await f()}", aggregate_around_await, 1);
  expect("co_return Aggregate{Class{}, co_await f()}", returned_aggregate, 1);
  expect("v.push_back(Aggregate{Class{}, co_await f()})", pushed_aggregate_around_await, 1);
  expect("co_await AggregateAwaiter{...}", aggregate_awaiter, 5);
  expect("co_await Aggregate{...}.run()", aggregate_object, 5);
  expect("auto [a, b] = co_await f()", bound_result, 2);
  expect("auto [a, b] = co_await f() in a loop", bound_results_in_a_loop, 6);
  expect("co_await (c ? f() : g())", [] { return conditional_task(false); }, 7);
}

}  // namespace

int main() {
  std::setvbuf(stdout, nullptr, _IONBF, 0);  // the report survives a crash
  expect_arguments();
  expect_conditionals();
  expect_results();
  return failures == 0 ? 0 : 1;
}
