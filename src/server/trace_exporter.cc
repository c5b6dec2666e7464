#include "server/trace_exporter.h"

#include <algorithm>
#include <utility>

#include "core/log.h"
#include "server/otlp.h"
#include "upstream/session_scope.h"

namespace weir {
namespace {

constexpr std::size_t kUsualTrace = 16 * 1024;

// As the protocol of OTLP over HTTP says: these may be sent again, others not.
bool may_be_repeated(std::uint16_t status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

}  // namespace

// --- on the workers ------------------------------------------------------------------------------

TraceRecorder::TraceRecorder(TraceExporter& exporter, std::shared_ptr<LineRing> ring)
    : exporter_(exporter), ring_(std::move(ring)), counters_(exporter.counters_) {}

void TraceRecorder::trace_ended(const Trace& trace, Exchange& exchange) {
  if (std::uint64_t version = exporter_.version_.load(std::memory_order_acquire);
      version != version_) {
    std::lock_guard lock(exporter_.mutex_);
    redaction_ = exporter_.redaction_;
    version_ = version;
  }
  spans_.clear();
  std::size_t count = otlp::append_spans(spans_, trace, exchange, redaction_);
  bool taken = ring_->put(spans_);
  (taken ? counters_->recorded : counters_->dropped).add(count);
  if (!taken || ring_->waiting() >= TraceExporter::kWakeBytes) exporter_.wake();
  if (spans_.capacity() > kUsualTrace) spans_ = std::string();
}

std::unique_ptr<TraceRecorder> TraceExporter::join() {
  auto ring = std::make_shared<LineRing>(kRingBytes);
  {
    std::lock_guard lock(mutex_);
    rings_.push_back(ring);
  }
  return std::make_unique<TraceRecorder>(*this, std::move(ring));
}

// Posts once for many calls.
void TraceExporter::wake() {
  if (woken_.load(std::memory_order_relaxed) || woken_.exchange(true)) return;
  loop_.post([this] { changed_.raise(); });
}

// --- on the owner's loop -------------------------------------------------------------------------

void TraceExporter::use(std::shared_ptr<const TracingPlan> plan) {
  plan_ = std::move(plan);
  if (plan_) {
    std::lock_guard lock(mutex_);
    redaction_ = plan_->redaction;
    version_.fetch_add(1, std::memory_order_release);
  }
  retry_ = Duration::zero();
  if (plan_ && !std::exchange(running_, true)) scope_.spawn(run());
  changed_.raise();
}

TraceFigures TraceExporter::figures() const {
  TraceCounters counters;
  counters_.add_to(counters);
  return {counters.dropped.value(), sent_, refused_, failures_};
}

Task<void> TraceExporter::finish() {
  if (std::exchange(ending_, true) || !running_) co_return;
  changed_.raise();
  last_.emplace(loop_, kLastWords);
  stop_.follow(last_->token());
  co_await scope_.join();
  loop_.timers().disarm(*last_);
  co_await SessionScope::finish(loop_);
}

Task<void> TraceExporter::run() {
  while (!ending_) {
    co_await wait(retry_ > Duration::zero() ? retry_ : kInterval);
    if (!plan_ || (asked_ && asked_ != plan_->collector->cluster())) leave_collector();
    if (collect()) co_await send();
  }
  while (retry_ == Duration::zero() && collect()) co_await send();
  leave_collector();
}

// A collector that is away is left alone until its time has come.
Task<void> TraceExporter::wait(Duration time) {
  Deadline due(loop_, time, stop_.token());
  do {
    Status woken = co_await changed_.wait(due.token());
    if (!woken) break;
  } while (retry_ > Duration::zero() && !ending_);
  woken_.store(false);
}

std::vector<std::shared_ptr<LineRing>> TraceExporter::rings() {
  std::lock_guard lock(mutex_);
  std::erase_if(rings_, [](const auto& ring) { return ring->closed() && ring->waiting() == 0; });
  return rings_;
}

// Traces are put as a whole, so that a ring always ends with one. False: there is nothing to send.
bool TraceExporter::collect() {
  std::vector<std::shared_ptr<LineRing>> rings = this->rings();
  for (std::size_t i = 0; i < rings.size() && batch_.size() < kBatchBytes; ++i) {
    LineRing& ring = *rings[first_ring_++ % rings.size()];
    std::size_t end = ring.end();
    while (true) {
      std::string_view piece = ring.piece(end);
      if (piece.empty()) break;
      batch_ += piece;
      ring.consume(piece.size());
    }
  }
  return !batch_.empty();
}

// The plan may be another one before the answer is there.
Task<void> TraceExporter::send() {
  std::shared_ptr<const TracingPlan> plan = plan_;
  if (!plan) {
    batch_.clear();
    co_return;
  }
  asked_ = plan->collector->cluster();
  Answer answer = co_await ask(*plan);
  if (answer == Answer::away) {
    ++failures_;
    retry_ = retry_ == Duration::zero() ? kFirstRetry : std::min(2 * retry_, kLastRetry);
    co_return;
  }
  if (std::exchange(retry_, Duration::zero()) > Duration::zero()) {
    log("trace_collector_back", {{"upstream", plan->collector->cluster()->name()}});
  }
  batch_.clear();
}

Task<TraceExporter::Answer> TraceExporter::ask(const TracingPlan& plan) {
  FetchRequest request = plan.request;
  request.body = otlp::request(plan.resource, batch_);
  Result<Fetched> fetched = co_await fetch(loop_, *plan.collector, std::move(request),
                                           {.time = kAnswerTime}, stop_.token());
  if (!fetched) {
    failed(name(fetched.error().code));
    co_return Answer::away;
  }
  if (may_be_repeated(fetched->status)) {
    failed("status " + std::to_string(fetched->status));
    co_return Answer::away;
  }
  if (fetched->status < 200 || fetched->status >= 300) {
    refused(fetched->status);
    co_return Answer::refused;
  }
  succeeded(fetched->body);
  co_return Answer::taken;
}

void TraceExporter::succeeded(std::string_view response) {
  std::uint64_t count = otlp::count_spans(batch_);
  std::uint64_t not_wanted = std::min(otlp::refused_spans(response), count);
  sent_ += count - not_wanted;
  refused_ += not_wanted;
}

void TraceExporter::refused(std::uint16_t status) {
  ++failures_;
  refused_ += otlp::count_spans(batch_);
  log("traces_refused", {{"upstream", asked_->name()}, {"status", std::to_string(status)}});
}

// Told once, until it is well again.
void TraceExporter::failed(std::string_view reason) {
  if (retry_ > Duration::zero()) return;
  log("trace_collector_away", {{"upstream", asked_->name()}, {"reason", reason}});
}

// A pool keeps its cluster alive.
void TraceExporter::leave_collector() {
  if (asked_) loop_.slots().erase(asked_->worker_key());
  asked_.reset();
}

}  // namespace weir
