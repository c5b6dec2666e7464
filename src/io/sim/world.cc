#include "io/sim/world.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "io/sim/loop.h"
#include "io/sim/network.h"

namespace weir {
namespace {

// Not zero, so that code which subtracts from the time is not surprised.
constexpr TimePoint kStart{std::chrono::hours(1)};

std::string_view name(SimEventKind kind) {
  switch (kind) {
    case SimEventKind::turn: return "turn";
    case SimEventKind::notify: return "notify";
    case SimEventKind::arrival: return "arrival";
    case SimEventKind::syn: return "syn";
    case SimEventKind::established: return "established";
    case SimEventKind::failed: return "failed";
    case SimEventKind::fault: return "fault";
    case SimEventKind::give_up: return "give_up";
    case SimEventKind::datagram: return "datagram";
    case SimEventKind::script: return "script";
    case SimEventKind::sent: return "sent";
  }
  return "?";
}

std::uint64_t mix(std::uint64_t state, std::uint64_t value) {
  state = (state ^ value) * 0x9e3779b97f4a7c15;
  return state ^ (state >> 29);
}

}  // namespace

SimWorld::SimWorld(std::uint64_t seed, const SimFaults& faults)
    : seed_(seed),
      faults_(faults),
      random_(seed),
      now_(kStart),
      digest_(seed),
      trace_(std::getenv("WEIR_SIM_TRACE") != nullptr),
      network_(std::make_unique<SimNetwork>(*this)) {}

SimWorld::~SimWorld() {
  if (running() > 0) {
    stop_tasks();
    run(1'000'000);
  }
  for (auto& loop : loops_) {
    if (loop->tasks_->running() == 0) continue;
    // A test that got here has failed already; an abort would only hide its message.
    fmt::print(stderr, "simulation, seed {}: loop {} still runs {} tasks, which leak\n", seed_,
               loop->index(), loop->tasks_->running());
    (void)loop->tasks_.release();
    (void)loop.release();
    (void)network_.release();
  }
}

SimLoop& SimWorld::add_loop(std::string_view host) {
  auto index = static_cast<unsigned>(loops_.size());
  auto ip = IpAddress::parse(host);
  loops_.push_back(std::make_unique<SimLoop>(*this, index, random_.next(), ip.value()));
  return *loops_.back();
}

void SimWorld::spawn(SimLoop& loop, Task<void> task) { loop.spawn(std::move(task)); }

std::size_t SimWorld::running() const {
  std::size_t count = 0;
  for (const auto& loop : loops_) count += loop->running();
  return count;
}

void SimWorld::stop_tasks() {
  for (auto& loop : loops_) loop->stop_tasks();
}

void SimWorld::after(Duration time, std::function<void()> work) {
  std::uint64_t number = ++scripts_made_;
  scripts_.emplace(number, std::move(work));
  schedule(now_ + time, SimEventKind::script, -1, number);
}

Duration SimWorld::drawn(Duration from, Duration to) {
  if (to <= from) return from;
  return from + Duration(random_.below(static_cast<std::uint64_t>((to - from).count()) + 1));
}

bool SimWorld::later(const SimEvent& a, const SimEvent& b) {
  if (a.time != b.time) return a.time > b.time;
  if (a.tie != b.tie) return a.tie > b.tie;
  return a.sequence > b.sequence;
}

void SimWorld::schedule(TimePoint time, SimEventKind kind, int socket, std::uint64_t detail) {
  auto tie = static_cast<std::uint32_t>(random_.next() >> 32);
  queue_.push_back({std::max(time, now_), tie, ++sequence_, kind, socket, detail});
  std::push_heap(queue_.begin(), queue_.end(), later);
}

SimEvent SimWorld::pop() {
  std::pop_heap(queue_.begin(), queue_.end(), later);
  SimEvent event = queue_.back();
  queue_.pop_back();
  return event;
}

bool SimWorld::alive(const SimEvent& event) const {
  return event.kind == SimEventKind::script || network_->expects(event);
}

// Events of sockets that are gone must not move the time. True if an event is left.
bool SimWorld::drop_dead_events() {
  while (!queue_.empty() && !alive(queue_.front())) pop();
  return !queue_.empty();
}

bool SimWorld::step() {
  TimePoint first = drop_dead_events() ? queue_.front().time : TimePoint::max();
  bool queue_is_first = first != TimePoint::max();
  SimLoop* chosen = nullptr;
  std::uint64_t candidates = queue_is_first ? 1 : 0;
  for (auto& loop : loops_) {
    TimePoint due = loop->due();
    if (due == TimePoint::max() || due > first) continue;
    if (due < first) {
      first = due;
      candidates = 0;
      queue_is_first = false;
    }
    ++candidates;
    if (candidates == 1 || random_.below(candidates) == 0) chosen = loop.get();
  }
  if (candidates == 0) return false;
  if (chosen != nullptr && queue_is_first && random_.below(candidates) == 0) chosen = nullptr;
  now_ = std::max(now_, first);
  ++events_;
  if (chosen != nullptr) {
    chosen->turn();
  } else {
    handle(pop());
  }
  return true;
}

void SimWorld::handle(const SimEvent& event) {
  if (event.kind != SimEventKind::script) {
    network_->handle(event);
    return;
  }
  note(event.kind, -1, -1, 0);
  auto work = scripts_.extract(event.detail);
  work.mapped()();
}

SimWorld::End SimWorld::run_until(const std::function<bool()>& reached, std::uint64_t max_events) {
  for (std::uint64_t count = 0; count < max_events; ++count) {
    if (reached()) return End::reached;
    if (!step()) return reached() ? End::reached : End::quiet;
  }
  return End::limit;
}

SimWorld::End SimWorld::run(std::uint64_t max_events) {
  auto ended = [this] {
    return std::all_of(loops_.begin(), loops_.end(),
                       [](const auto& loop) { return loop->running() == 0 && loop->settled(); });
  };
  return run_until(ended, max_events);
}

SimWorld::End SimWorld::run_for(Duration time, std::uint64_t max_events) {
  bool over = false;
  after(time, [&over] { over = true; });
  return run_until([&over] { return over; }, max_events);
}

void SimWorld::note(SimEventKind kind, int loop, int socket, std::uint64_t bytes) {
  auto where = static_cast<std::uint64_t>(static_cast<std::uint32_t>(loop)) << 32;
  digest_ = mix(digest_, static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  digest_ = mix(digest_, where | static_cast<std::uint32_t>(socket));
  digest_ = mix(digest_, (bytes << 8) | static_cast<std::uint64_t>(kind));
  if (!trace_) return;
  auto elapsed = std::chrono::duration<double, std::micro>(now_ - kStart).count();
  fmt::print(stderr, "{:>14.3f} us  loop {:>2}  socket {:>5}  {:<12} {}\n", elapsed, loop, socket,
             name(kind), bytes);
}

void SimWorld::note_bytes(std::string_view bytes) {
  std::uint64_t word = 0;
  while (bytes.size() >= sizeof word) {
    std::memcpy(&word, bytes.data(), sizeof word);
    digest_ = mix(digest_, word);
    bytes.remove_prefix(sizeof word);
  }
  word = 0;
  if (!bytes.empty()) std::memcpy(&word, bytes.data(), bytes.size());
  digest_ = mix(digest_, word);
}

std::string SimWorld::check_clean() const {
  std::string left;
  for (const auto& loop : loops_) left += loop->check_clean();
  left += network_->check_clean();
  if (!scripts_.empty()) left += fmt::format("{} planned scripts\n", scripts_.size());
  return left;
}

}  // namespace weir
