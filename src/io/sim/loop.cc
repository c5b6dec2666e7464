#include "io/sim/loop.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "io/sim/datagram.h"
#include "io/sim/stream.h"

namespace weir {
namespace {

constexpr std::int64_t kWallStart = 1'800'000'000'000'000'000;  // 2027, in nanoseconds

class Turn {
 public:
  explicit Turn(SimLoop& loop) : world_(loop.world()) { world_.set_current(&loop); }
  ~Turn() { world_.set_current(nullptr); }

 private:
  SimWorld& world_;
};

}  // namespace

SimLoop::SimLoop(SimWorld& world, unsigned index, std::uint64_t seed, const IpAddress& host)
    : Loop(index, seed), world_(world), host_(host) {
  read_clock();
  timers_.advance(now_);
}

SimLoop::~SimLoop() {
  slots_->clear();  // what the slots hold may still close streams
}

void SimLoop::read_clock() {
  now_ = world_.now();
  wall_now_ = kWallStart + now_.time_since_epoch().count();
}

void SimLoop::check_own_turn(const char* what) const {
  const SimLoop* current = world_.current();
  if (current == nullptr || current == this) return;
  fmt::print(stderr, "simulation, seed {}: {} of loop {} in a turn of loop {}\n", world_.seed(),
             what, index(), current->index());
  std::abort();
}

Result<std::unique_ptr<Listener>> SimLoop::listen(int socket) {
  check_own_turn("listen");
  return make_sim_listener(*this, socket);
}

Result<std::unique_ptr<Stream>> SimLoop::adopt(int socket) {
  check_own_turn("adopt");
  return adopt_sim(*this, socket);
}

bool SimLoop::start_connect(ConnectOperation& operation) {
  check_own_turn("connect");
  return operation.options.datagram ? open_sim_datagram(*this, operation)
                                    : start_sim_connect(*this, operation);
}

bool SimLoop::start_ready(ReadyOperation& operation) {
  operation.result =
      fail(ErrorCode::unsupported, Origin::weir, "the simulation has no descriptors to wait for");
  return true;
}

void SimLoop::post(std::function<void()> work) { posted_.push_back(std::move(work)); }

void SimLoop::run() {
  stopping_ = false;
  world_.run_until([this] { return stopping_; });
}

void SimLoop::spawn(Task<void> task) {
  auto held = std::make_shared<Task<void>>(std::move(task));  // std::function copies
  ++unstarted_;
  post([this, held] {
    --unstarted_;
    tasks_->spawn(std::move(*held));
  });
}

void SimLoop::stop_tasks() {
  post([this] { tasks_->stop(Error(ErrorCode::shutting_down, Origin::weir, "the simulation")); });
}

TimePoint SimLoop::due() const {
  TimePoint next = !posted_.empty() || ready_.linked() ? world_.now() : timers_.next();
  return next == TimePoint::max() ? next : std::max({next, free_at_, world_.now()});
}

void SimLoop::turn() {
  Turn turn(*this);
  read_clock();
  world_.note(SimEventKind::turn, static_cast<int>(index()), -1, posted_.size());
  refill();
  std::vector<std::function<void()>> work = std::exchange(posted_, {});
  for (auto& each : work) each();
  refill();
  timers_.advance(now_);
  run_ready();
  // A turn takes time, so that a loop which always has work cannot stop the clock.
  free_at_ = now_ + world_.drawn(Duration(1), world_.faults().dispatch_max);
}

void SimLoop::dispatch(SimSource& source, std::uint32_t events) {
  Turn turn(*this);
  read_clock();
  refill();
  source.on_events(events);
}

std::string SimLoop::check_clean() const {
  std::string left;
  if (running() > 0) left += fmt::format("loop {}: {} tasks\n", index(), running());
  if (!posted_.empty()) left += fmt::format("loop {}: {} posted\n", index(), posted_.size());
  if (ready_.linked()) left += fmt::format("loop {}: completed operations\n", index());
  if (timers_.next() != TimePoint::max()) left += fmt::format("loop {}: timers\n", index());
  if (buffers_->lent() > 0) left += fmt::format("loop {}: {} buffers\n", index(), buffers_->lent());
  return left;
}

}  // namespace weir
