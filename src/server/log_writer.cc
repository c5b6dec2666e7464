#include "server/log_writer.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>

#include "core/log.h"

namespace weir {
namespace {

constexpr auto kLastWait = std::chrono::seconds(1);
constexpr auto kQuiet = std::chrono::seconds(10);
constexpr int kBlockedMilliseconds = 50;  // how often a blocked writer looks around

}  // namespace

/// A worker's end of its ring.
class LogWriter::Sink final : public LineSink {
 public:
  Sink(LogWriter& writer, std::shared_ptr<LineRing> ring)
      : writer_(writer), ring_(std::move(ring)) {}
  ~Sink() override { ring_->close(); }

  void put(std::string_view line) override {
    if (ring_->put(line) && ring_->waiting() < kWakeBytes) return;
    writer_.wake();
  }

 private:
  LogWriter& writer_;
  std::shared_ptr<LineRing> ring_;
};

LogWriter::LogWriter(std::size_t ring_bytes) : ring_bytes_(ring_bytes) { ::sem_init(&wake_, 0, 0); }

LogWriter::~LogWriter() {
  stop();
  ::sem_destroy(&wake_);
}

// --- called by workers and by the process ------------------------------------------------------

std::unique_ptr<LineSink> LogWriter::join() {
  auto ring = std::make_shared<LineRing>(ring_bytes_);
  std::lock_guard lock(mutex_);
  rings_.push_back(ring);
  return std::make_unique<Sink>(*this, std::move(ring));
}

void LogWriter::use(LogFile file) {
  if (!thread_.joinable()) {
    if (!file.is_open()) return;  // off, and never on
    file_ = std::move(file);
    thread_ = std::thread([this] { run(); });
    return;
  }
  {
    std::lock_guard lock(mutex_);
    next_.push_back({std::move(file), waiting_locked()});
    has_next_.store(true, std::memory_order_relaxed);
  }
  wake();
}

void LogWriter::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true);
  wake();
  thread_.join();
  thread_ = {};
}

LogFigures LogWriter::figures() const {
  LogFigures figures;
  std::lock_guard lock(mutex_);
  figures.lines = gone_lines_;
  figures.dropped = gone_dropped_ + lost_.load(std::memory_order_relaxed);
  figures.write_errors = write_errors_.load(std::memory_order_relaxed);
  for (const auto& ring : rings_) {
    figures.lines += ring->lines();
    figures.dropped += ring->dropped();
  }
  return figures;
}

// A system call only when the thread sleeps, and one for many calls.
void LogWriter::wake() {
  if (woken_.load(std::memory_order_relaxed) || woken_.exchange(true)) return;
  ::sem_post(&wake_);
}

// --- the thread --------------------------------------------------------------------------------

void LogWriter::wait() {
  timespec until;
  ::clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += 1;
  while (::sem_clockwait(&wake_, CLOCK_MONOTONIC, &until) != 0 && errno == EINTR) {
  }
  woken_.store(false);
}

void LogWriter::run() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are the control thread's
  pthread_setname_np(pthread_self(), "accesslog");
  while (true) {
    wait();
    bool last = stopping_.load();
    while (std::optional<Handover> next = next_file()) take(std::move(*next));
    write_all(waiting());
    tell_drops();
    if (last) return;
  }
}

std::vector<std::shared_ptr<LineRing>> LogWriter::rings() const {
  std::lock_guard lock(mutex_);
  return rings_;
}

// Nothing while another file is to be taken first: under the same lock as `use`, so that a line
// put after `use` has returned never goes to the file before.
std::vector<LogWriter::Waiting> LogWriter::waiting() const {
  std::lock_guard lock(mutex_);
  return next_.empty() ? waiting_locked() : std::vector<Waiting>();
}

std::vector<LogWriter::Waiting> LogWriter::waiting_locked() const {
  std::vector<Waiting> waiting;
  for (const auto& ring : rings_) {
    bool closed = ring->closed();  // asked first: what was put before is seen in `end`
    waiting.push_back({ring, ring->end(), closed});
  }
  return waiting;
}

// Everything that waits, but for a file that is blocked when there is no time left to wait.
void LogWriter::write_all(const std::vector<Waiting>& waiting) {
  for (const auto& [ring, end, closed] : waiting) {
    if (!write_ring(*ring, end)) return;
    if (!closed) continue;
    std::lock_guard lock(mutex_);
    if (std::erase(rings_, ring) == 0) continue;
    gone_lines_ += ring->lines();
    gone_dropped_ += ring->dropped();
  }
}

// Never leaves a ring inside a line, but for a new file or the end.
bool LogWriter::write_ring(LineRing& ring, std::size_t end) {
  while (true) {
    std::string_view piece = ring.piece(end);
    if (piece.empty()) return true;
    if (write_piece(ring, piece)) continue;
    if (gives_up()) {
      drop_rest_of_line(ring);
      return false;
    }
    tell_drops();
    file_.wait(kBlockedMilliseconds);
  }
}

// False if a reader is behind.
bool LogWriter::write_piece(LineRing& ring, std::string_view piece) {
  if (torn_) {
    auto line_break = file_.write("\n");
    if (line_break && *line_break == 0) return false;
    torn_ = !line_break;
  }
  auto written = torn_ ? std::unexpected(ENOSPC) : file_.write(piece);
  if (!written) {
    note_failure(written.error(), piece);
    ring.consume(piece.size());
    inside_line_ = piece.back() != '\n';  // a line that goes on at the other end of the ring
    drop_rest_of_line(ring);
    return true;
  }
  if (*written == 0) return false;
  if (failing_) log("access_log_works_again", {});
  failing_ = false;
  inside_line_ = piece[*written - 1] != '\n';
  ring.consume(*written);
  return true;
}

void LogWriter::note_failure(int error, std::string_view lost) {
  write_errors_.fetch_add(1, std::memory_order_relaxed);
  lost_.fetch_add(static_cast<std::uint64_t>(std::ranges::count(lost, '\n')),
                  std::memory_order_relaxed);
  torn_ = torn_ || inside_line_;
  if (failing_) return;
  failing_ = true;
  log("access_log_write_failed", {{"reason", std::system_category().message(error)}});
}

// A blocked writer waits no longer when another file is there or the process ends.
bool LogWriter::gives_up() {
  if (has_next_.load(std::memory_order_relaxed)) return true;
  if (!stopping_.load()) return false;
  auto now = std::chrono::steady_clock::now();
  if (!give_up_at_) give_up_at_ = now + kLastWait;
  return now >= *give_up_at_;
}

void LogWriter::drop_rest_of_line(LineRing& ring) {
  std::size_t end = ring.end();
  while (inside_line_) {
    std::string_view piece = ring.piece(end);
    std::size_t line_break = std::min(piece.find('\n'), piece.size() - 1);
    inside_line_ = piece[line_break] != '\n';
    ring.consume(line_break + 1);
    if (!inside_line_) lost_.fetch_add(1, std::memory_order_relaxed);
  }
}

std::optional<LogWriter::Handover> LogWriter::next_file() {
  std::lock_guard lock(mutex_);
  if (next_.empty()) return std::nullopt;
  Handover next = std::move(next_.front());
  next_.erase(next_.begin());
  return next;
}

void LogWriter::take(Handover next) {
  write_all(next.before);
  file_ = std::move(next.file);
  torn_ = false;
  std::lock_guard lock(mutex_);
  has_next_.store(!next_.empty(), std::memory_order_relaxed);
}

// Once when it begins; again only after a while without drops.
void LogWriter::tell_drops() {
  std::uint64_t drops = 0;
  for (const auto& ring : rings()) drops += ring->dropped();
  bool more = drops > seen_drops_;
  seen_drops_ = drops;
  if (!more) return;
  auto now = std::chrono::steady_clock::now();
  if (now >= quiet_again_) {
    log("access_log_drops_lines", {{"reason", "the file or its reader is too slow"}});
  }
  quiet_again_ = now + kQuiet;
}

}  // namespace weir
