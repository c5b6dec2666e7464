// LogWriter: a thread that writes the lines of all workers, in large pieces.
#pragma once

#include <semaphore.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "server/line_ring.h"
#include "server/line_sink.h"

namespace weir {

/// Wakes up every second, and as soon as a worker has 64 KiB waiting. Lines of one worker stay in
/// order; lines are never mixed. When the file cannot take lines as fast as they come they are
/// dropped at the worker's ring; when a write fails the lines of that write are dropped. Both are
/// counted, and logged once until it is well again.
class LogWriter final : public LogOutput {
 public:
  static constexpr std::size_t kWakeBytes = 64 * 1024;

  explicit LogWriter(std::size_t ring_bytes = LineRing::kCapacity);
  /// As `stop`.
  ~LogWriter() override;

  std::expected<LogFile, std::string> open(const std::string& name) override {
    return LogFile::open(name);
  }
  void use(LogFile file) override;
  std::unique_ptr<LineSink> join() override;
  LogFigures figures() const override;

  /// Writes what waits and ends the thread. A reader that is behind gets a second to catch up.
  void stop();

 private:
  class Sink;
  friend class Sink;

  /// A ring and how far it is to be written. Lines behind `end` may belong to the next file.
  struct Waiting {
    std::shared_ptr<LineRing> ring;
    std::size_t end;
    bool closed;  // nothing stands behind `end`, and nothing will
  };
  /// A file to go on with, and what belongs to the one before.
  struct Handover {
    LogFile file;
    std::vector<Waiting> before;
  };

  void wake();
  void wait();
  void run();
  std::vector<Waiting> waiting() const;
  std::vector<Waiting> waiting_locked() const;
  void write_all(const std::vector<Waiting>& waiting);
  bool write_ring(LineRing& ring, std::size_t end);
  bool write_piece(LineRing& ring, std::string_view piece);
  bool gives_up();
  std::optional<Handover> next_file();
  void take(Handover next);
  void drop_rest_of_line(LineRing& ring);
  void note_failure(int error, std::string_view lost);
  void tell_drops();
  std::vector<std::shared_ptr<LineRing>> rings() const;

  const std::size_t ring_bytes_;
  sem_t wake_;
  std::atomic<bool> woken_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> has_next_{false};   // until the file is in use
  std::atomic<std::uint64_t> lost_{0};  // lines of failed writes
  std::atomic<std::uint64_t> write_errors_{0};

  mutable std::mutex mutex_;  // of these four
  std::vector<std::shared_ptr<LineRing>> rings_;
  std::vector<Handover> next_;    // oldest first
  std::uint64_t gone_lines_ = 0;  // of rings that are gone
  std::uint64_t gone_dropped_ = 0;

  // Of the thread.
  LogFile file_;
  bool torn_ = false;         // the file ends inside a line whose rest was lost
  bool inside_line_ = false;  // the last byte written was not the end of a line
  bool failing_ = false;
  std::uint64_t seen_drops_ = 0;
  std::chrono::steady_clock::time_point quiet_again_{};  // drops are told again after this
  std::optional<std::chrono::steady_clock::time_point> give_up_at_;

  std::thread thread_;
};

}  // namespace weir
