// HealthChecks: has the endpoints of a process checked, each once, and takes the sick ones away.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "cluster/cluster.h"
#include "core/histogram.h"
#include "core/scope.h"
#include "io/program.h"
#include "server/snapshot.h"
#include "upstream/health_check.h"

namespace weir {

/// One per process, on the loop of the Server's owner; workers see only that endpoints become
/// available or are so no more. Everything is called on that loop's thread.
class HealthChecks {
 public:
  /// Checks under way at one time; the others wait their turn.
  static constexpr std::size_t kConnectionsAtOnce = 256;
  static constexpr std::size_t kProgramsAtOnce = 16;
  /// How soon it is noticed that a cluster has other endpoints.
  static constexpr Duration kLook = std::chrono::milliseconds(250);
  /// A check that begins so much too late counts as late.
  static constexpr Duration kLate = std::chrono::seconds(1);
  /// Checks that are begun in one turn of the loop.
  static constexpr int kBurst = 64;

  explicit HealthChecks(Loop& loop);
  HealthChecks(const HealthChecks&) = delete;
  HealthChecks& operator=(const HealthChecks&) = delete;

  /// Checks as `snapshot` says from now on. What is known of endpoints that stay is kept.
  void follow(const Snapshot& snapshot);

  /// Stops; to be awaited before destruction.
  Task<void> finish();

  /// Null if the endpoint is not checked.
  const Health* find(const Cluster& cluster, const Endpoint& endpoint) const;
  /// What the upstream is checked by; null if it is not.
  const HealthConfig* config_of(std::string_view upstream) const;
  /// How long the checks of each upstream took, by its name.
  std::map<std::string, HistogramTotals> durations() const;
  /// Checks that began late, because too many were under way.
  std::uint64_t late() const { return late_; }

 private:
  using CheckPointer = std::shared_ptr<const HealthCheck>;
  struct Watch;

  /// An endpoint that is checked.
  struct Subject {
    Watch* watch;  // unless it is gone
    std::shared_ptr<Endpoint> endpoint;
    Health health;
    std::pair<TimePoint, std::uint64_t> due;  // its place in the lane, unless it is being checked
    StopSource* checking = nullptr;           // to end the check that is under way
    bool gone = false;
  };
  using SubjectPointer = std::shared_ptr<Subject>;

  /// An upstream whose endpoints are checked.
  struct Watch {
    std::shared_ptr<Cluster> cluster;
    CheckPointer check;
    std::uint64_t version = 0;  // of the cluster, as it was looked at last
    std::map<Address, SubjectPointer> subjects;
    Histogram durations;
  };
  using WatchPointer = std::shared_ptr<Watch>;

  /// Checks of one kind, in the order in which they are due.
  struct Lane {
    std::size_t most;
    std::size_t running = 0;
    std::map<std::pair<TimePoint, std::uint64_t>, SubjectPointer> waiting;
  };
  struct Alarm : Timer {
    using Timer::Timer;
    HealthChecks* owner = nullptr;
  };

  void change(Watch& watch, CheckPointer check);
  void refresh(Watch& watch);
  void begin(Watch& watch, const std::shared_ptr<Endpoint>& endpoint);
  void drop(Subject& subject);
  void drop(Watch& watch);
  Lane& lane_of(const HealthCheck& check);
  void schedule(const SubjectPointer& subject, TimePoint due);
  void unschedule(Subject& subject);
  void look();
  void pump(Lane& lane);
  void arm();
  Task<void> run(SubjectPointer subject, CheckPointer check);
  void judge(Subject& subject, const HealthCheck& check, const CheckResult& result, Duration took);

  Loop& loop_;
  ProgramRunner programs_;
  std::map<std::string, WatchPointer, std::less<>> watches_;
  Lane connections_{kConnectionsAtOnce, 0, {}};
  Lane programs_lane_{kProgramsAtOnce, 0, {}};
  std::uint64_t sequence_ = 0;  // decides between checks that are due at the same time
  std::uint64_t late_ = 0;
  TimePoint next_look_{};
  Alarm alarm_;
  Scope scope_;
};

}  // namespace weir
