// Test support: the engines on which every test of the loop's contract runs.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "io/epoll_loop.h"
#include "io/sim/loop.h"
#include "io/sockets.h"
#include "io/testing.h"
#include "io/uring_loop.h"

namespace weir::test {

/// One engine with two loops, made on first use, and its network.
class EngineUnderTest {
 public:
  virtual ~EngineUnderTest() = default;
  /// Null if this machine does not have the engine.
  virtual Loop* loop(unsigned index) = 0;
  virtual Network& network() = 0;
  /// Null on the kernel's engines.
  virtual SimWorld* world() { return nullptr; }
};

class KernelEngine : public EngineUnderTest {
 public:
  using Make = std::function<Result<std::unique_ptr<Loop>>(unsigned index)>;
  explicit KernelEngine(Make make) : make_(std::move(make)) {}
  Loop* loop(unsigned index) override {
    if (index >= loops_.size()) loops_.resize(index + 1);
    if (!loops_[index]) {
      auto made = make_(index);
      if (made) loops_[index] = std::move(*made);
    }
    return loops_[index].get();
  }
  Network& network() override { return network_; }

 private:
  Make make_;
  KernelNetwork network_;
  std::vector<std::unique_ptr<Loop>> loops_;
};

class SimEngine : public EngineUnderTest {
 public:
  SimEngine(std::uint64_t seed, const SimFaults& faults) : world_(seed, faults) {}
  Loop* loop(unsigned index) override {
    while (world_.loops() <= index) world_.add_loop();
    return &world_.loop(index);
  }
  Network& network() override { return world_.network(); }
  SimWorld* world() override { return &world_; }

 private:
  SimWorld world_;
};

struct EngineChoice {
  std::string name;
  std::function<std::unique_ptr<EngineUnderTest>()> make;
};

inline void PrintTo(const EngineChoice& choice, std::ostream* out) { *out << choice.name; }

inline EngineChoice uring_without(std::string name, bool UringFeatures::* feature) {
  UringFeatures mask;
  if (feature != nullptr) mask.*feature = false;
  return {std::move(name), [mask] {
            return std::make_unique<KernelEngine>(
                [mask](unsigned index) { return make_uring_loop(index, index + 1, mask); });
          }};
}

inline EngineChoice simulated(std::string name, std::uint64_t seed, const SimFaults& faults) {
  return {std::move(name), [seed, faults] { return std::make_unique<SimEngine>(seed, faults); }};
}

/// Nothing breaks, but everything is slow, comes in pieces and waits.
inline SimFaults bumpy() {
  SimFaults faults;
  faults.delay_max = std::chrono::milliseconds(3);
  faults.dispatch_max = std::chrono::microseconds(300);
  faults.window_min = 500;
  faults.window_max = 20'000;
  faults.partial = 400;
  faults.wait = 400;
  return faults;
}

inline std::vector<EngineChoice> engines() {
  return {
      {"epoll",
       [] {
         return std::make_unique<KernelEngine>(
             [](unsigned index) { return make_epoll_loop(index, index + 1); });
       }},
      uring_without("io_uring", nullptr),
      uring_without("io_uring_without_multishot_accept", &UringFeatures::multishot_accept),
      uring_without("io_uring_without_provided_buffers", &UringFeatures::provided_buffers),
      uring_without("io_uring_without_deferred_work", &UringFeatures::deferred_work),
      uring_without("io_uring_without_poll_first", &UringFeatures::poll_first),
      simulated("sim", 1, {}),
      simulated("sim_bumpy_1", 1, bumpy()),
      simulated("sim_bumpy_2", 2, bumpy()),
      simulated("sim_bumpy_3", 3, bumpy()),
  };
}

class LoopContract : public ::testing::TestWithParam<EngineChoice> {
 protected:
  void SetUp() override {
    if (engine_->loop(0) == nullptr) GTEST_SKIP() << "this machine does not have the engine";
  }
  void TearDown() override {
    if (SimWorld* world = engine_->world(); world != nullptr && !HasFailure()) {
      world->run_until([] { return false; });
      EXPECT_EQ(world->check_clean(), "");
    }
  }

  Loop& loop() { return *engine_->loop(0); }
  Loop& second() { return *engine_->loop(1); }
  Network& network() { return engine_->network(); }
  SimWorld* world() { return engine_->world(); }
  template <class T>
  auto run(Task<T> task) {
    return test::run(loop(), std::move(task));
  }
  Pair connect(Service& service) { return run(connect_pair(loop(), service)); }

 private:
  std::unique_ptr<EngineUnderTest> engine_ = GetParam().make();
};

#define WEIR_RUN_ON_EVERY_ENGINE(suite)                                                 \
  INSTANTIATE_TEST_SUITE_P(Engine, suite, ::testing::ValuesIn(::weir::test::engines()), \
                           [](const auto& info) { return info.param.name; })

}  // namespace weir::test
