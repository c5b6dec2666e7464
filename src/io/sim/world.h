// SimWorld: virtual time, one queue of events, and the loops and network that live in it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/random.h"
#include "core/task.h"
#include "io/sim/faults.h"
#include "io/timer.h"

namespace weir {

class SimLoop;
class SimNetwork;

enum class SimEventKind : std::uint8_t {
  turn,         // a loop runs timers, posted work and its queue
  notify,       // a loop is told what happened to a socket
  arrival,      // segments reach a socket
  syn,          // a connection request reaches the listening side
  established,  // its answer reaches the connecting side
  failed,       // so does its refusal; detail is the ErrorCode
  fault,        // the trouble that was drawn for a connection begins
  give_up,      // unanswered bytes: the system gives the connection up
  datagram,     // a datagram reaches a service or a socket; detail names it
  script,       // work that a test planned with `after`; detail names it
  sent,         // no event of the queue: bytes taken by the network, for the digest only
};

/// `socket` and `detail` mean what the kind says.
struct SimEvent {
  TimePoint time;
  std::uint32_t tie;  // drawn: decides between events of the same time
  std::uint64_t sequence;
  SimEventKind kind;
  int socket;
  std::uint64_t detail;
};

/// A simulated machine room. Everything runs on the calling thread; all that happens is decided
/// by the seed, so a failure is replayed by running its seed again. With WEIR_SIM_TRACE set in
/// the environment every event is printed to stderr.
class SimWorld {
 public:
  explicit SimWorld(std::uint64_t seed, const SimFaults& faults = {});
  ~SimWorld();
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  /// Indices count from 0. `host` is the address that its connections come from.
  SimLoop& add_loop(std::string_view host = "127.0.0.1");
  std::size_t loops() const { return loops_.size(); }
  SimLoop& loop(std::size_t index) { return *loops_[index]; }
  SimNetwork& network() { return *network_; }
  Random& random() { return random_; }
  SimFaults& faults() { return faults_; }
  std::uint64_t seed() const { return seed_; }
  TimePoint now() const { return now_; }

  /// Starts `task` on `loop`, from the loop's own turn.
  void spawn(SimLoop& loop, Task<void> task);
  /// Spawned tasks that have not ended.
  std::size_t running() const;
  /// Asks every spawned task to stop (only those that took their loop's `stopping()` hear it).
  void stop_tasks();

  /// Runs `work` later, belonging to no loop: a test's hand of fate.
  void after(Duration time, std::function<void()> work);

  enum class End : std::uint8_t {
    reached,  // what was waited for
    quiet,    // nothing will ever happen again
    limit,    // too many events: probably something spins
  };
  static constexpr std::uint64_t kMaxEvents = 20'000'000;
  End run_until(const std::function<bool()>& reached, std::uint64_t max_events = kMaxEvents);
  /// Until every spawned task has ended and no posted work is left.
  End run(std::uint64_t max_events = kMaxEvents);
  End run_for(Duration time, std::uint64_t max_events = kMaxEvents);
  /// Processes one event; false if there is none.
  bool step();

  /// Of everything that has happened: time, loop, socket, kind and the bytes themselves.
  std::uint64_t digest() const { return digest_; }
  std::uint64_t events() const { return events_; }

  /// What is left over, in words, one thing per line; empty if nothing is: tasks, streams and
  /// detached sockets, listening sockets and listeners, buffers lent, posted work, timers.
  std::string check_clean() const;

  // For the network and the loops.
  void schedule(TimePoint time, SimEventKind kind, int socket, std::uint64_t detail);
  void note(SimEventKind kind, int loop, int socket, std::uint64_t bytes);
  void note_bytes(std::string_view bytes);
  bool chance(std::uint32_t in_a_thousand) {
    return in_a_thousand != 0 && random_.chance(in_a_thousand);
  }
  Duration drawn(Duration from, Duration to);
  /// The loop whose turn it is; null between turns, when a test's own code runs.
  SimLoop* current() const { return current_; }
  void set_current(SimLoop* loop) { current_ = loop; }

 private:
  static bool later(const SimEvent& a, const SimEvent& b);
  bool alive(const SimEvent& event) const;
  SimEvent pop();
  bool drop_dead_events();
  void handle(const SimEvent& event);

  std::uint64_t seed_;
  SimFaults faults_;
  Random random_;
  TimePoint now_;
  std::uint64_t digest_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t scripts_made_ = 0;
  bool trace_ = false;
  SimLoop* current_ = nullptr;
  std::vector<SimEvent> queue_;  // a heap; the front is next
  std::map<std::uint64_t, std::function<void()>> scripts_;
  std::unique_ptr<SimNetwork> network_;
  std::vector<std::unique_ptr<SimLoop>> loops_;
};

}  // namespace weir
