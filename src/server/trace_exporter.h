// TraceExporter: sends the spans of all workers to a collector, by OTLP over HTTP.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/gathered.h"
#include "core/scope.h"
#include "expression/redaction.h"
#include "http/trace.h"
#include "io/deadline.h"
#include "io/signal.h"
#include "server/line_ring.h"
#include "upstream/fetch.h"

namespace weir {

/// What a configuration says about traces.
struct TracingPlan {
  TraceRules rules;
  std::shared_ptr<const Upstream> collector;
  FetchRequest request;  // without its body
  std::string resource;  // encoded
  expression::Redaction redaction;
};

/// Of spans.
struct TraceCounters {
  Counter recorded;  // handed to the exporter
  Counter dropped;   // there was no room

  void add(const TraceCounters& other) {
    recorded.add(other.recorded.value());
    dropped.add(other.dropped.value());
  }
};

struct TraceFigures {
  std::uint64_t dropped = 0;   // spans for which there was no room
  std::uint64_t sent = 0;      // spans that the collector took
  std::uint64_t refused = 0;   // spans that it did not want
  std::uint64_t failures = 0;  // requests to it that failed
};

class TraceExporter;

/// One worker's part: encodes what is kept and never waits for anybody.
class TraceRecorder final : public TraceSink {
 public:
  TraceRecorder(TraceExporter& exporter, std::shared_ptr<LineRing> ring);
  ~TraceRecorder() { ring_->close(); }
  void trace_ended(const Trace& trace, Exchange& exchange) override;

 private:
  TraceExporter& exporter_;
  std::shared_ptr<LineRing> ring_;
  Gathered<TraceCounters>::Part counters_;
  std::uint64_t version_ = 0;
  expression::Redaction redaction_;
  std::string spans_;
};

/// One per process, on the loop of the Server's owner; outlives the recorders. Every second, and as
/// soon as a worker has 64 KiB waiting, what waits is sent as one request. While the collector is
/// away that request is kept and tried again, ever more slowly; what no longer fits into the
/// workers' rings is dropped and counted.
class TraceExporter {
 public:
  static constexpr std::size_t kRingBytes = 512 * 1024;    // of each worker, from its first span on
  static constexpr std::size_t kWakeBytes = 64 * 1024;     // of a ring
  static constexpr std::size_t kBatchBytes = 1024 * 1024;  // above, a request is not made larger
  static constexpr Duration kInterval = std::chrono::seconds(1);
  static constexpr Duration kAnswerTime = std::chrono::seconds(10);
  static constexpr Duration kFirstRetry = std::chrono::seconds(1);
  static constexpr Duration kLastRetry = std::chrono::seconds(30);
  static constexpr Duration kLastWords = std::chrono::seconds(2);  // at the end of the process

  explicit TraceExporter(Loop& loop) : loop_(loop), changed_(loop) {}

  /// A worker begins, on whatever thread.
  std::unique_ptr<TraceRecorder> join();
  /// From now on; null: what still waits is forgotten. The owner's thread, like all below.
  void use(std::shared_ptr<const TracingPlan> plan);
  TraceFigures figures() const;
  /// Sends what waits, if that can be done soon; to be awaited before destruction, once no worker
  /// is left.
  Task<void> finish();

 private:
  friend class TraceRecorder;
  enum class Answer : std::uint8_t { taken, refused, away };

  void wake();
  Task<void> run();
  Task<void> wait(Duration time);
  bool collect();
  Task<void> send();
  Task<Answer> ask(const TracingPlan& plan);
  void succeeded(std::string_view response);
  void refused(std::uint16_t status);
  void failed(std::string_view reason);
  void leave_collector();
  std::vector<std::shared_ptr<LineRing>> rings();

  Loop& loop_;
  Signal changed_;
  std::atomic<bool> woken_{false};
  std::shared_ptr<const TracingPlan> plan_;
  std::shared_ptr<Cluster> asked_;  // of which this loop has a pool; null: of none
  std::string batch_;               // spans of the next request
  std::size_t first_ring_ = 0;      // to be emptied: they take turns
  Duration retry_{0};               // until the next; zero: the collector is well
  std::uint64_t sent_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t failures_ = 0;
  bool running_ = false;
  bool ending_ = false;
  std::optional<Deadline> last_;  // from `finish` on
  StopSource stop_;
  Scope scope_;
  mutable Gathered<TraceCounters> counters_;
  std::atomic<std::uint64_t> version_{0};  // of redaction_; workers ask before they take the lock
  std::mutex mutex_;                       // of these two
  std::vector<std::shared_ptr<LineRing>> rings_;
  expression::Redaction redaction_;
};

}  // namespace weir
