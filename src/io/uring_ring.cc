#include "io/uring_ring.h"

#include <array>
#include <cerrno>
#include <cstring>

namespace weir {
namespace {

constexpr unsigned kEntries = 1024;
constexpr unsigned kCompletions = 8192;

constexpr unsigned kNeededFeatures = IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE |
                                     IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG |
                                     IORING_FEAT_CQE_SKIP;

constexpr std::array kNeededOperations = {
    IORING_OP_POLL_ADD, IORING_OP_ACCEPT, IORING_OP_CONNECT, IORING_OP_SEND, IORING_OP_SENDMSG,
    IORING_OP_RECV, IORING_OP_ASYNC_CANCEL, IORING_OP_READ,
    // Not used, but it came with 6.0, as did every flag that is.
    IORING_OP_SEND_ZC};

bool has_operations(const io_uring_probe& probe) {
  for (int operation : kNeededOperations) {
    if (!io_uring_opcode_supported(&probe, operation)) return false;
  }
  return true;
}

Error refused(int negative_errno, std::string_view detail) {
  return Error(from_errno(-negative_errno), Origin::weir, detail);
}

}  // namespace

Result<std::unique_ptr<UringRing>> UringRing::open(UringFeatures mask) {
  std::unique_ptr<UringRing> ring(new UringRing());
  Status ready = ring->set_up(mask);
  if (!ready) return fail(ready.error());
  return ring;
}

// The ring starts disabled: whoever enables it becomes its only issuer, and a loop is built by
// another thread than the one that runs it.
Status UringRing::set_up(UringFeatures mask) {
  features_ = mask;
  io_uring_params parameters{};
  parameters.flags = IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL |
                     IORING_SETUP_SINGLE_ISSUER;
  parameters.flags |= mask.deferred_work ? IORING_SETUP_DEFER_TASKRUN : IORING_SETUP_COOP_TASKRUN;
  parameters.cq_entries = kCompletions;
  int made = io_uring_queue_init_params(kEntries, &ring_, &parameters);
  if (made == -EINVAL && mask.deferred_work) {
    features_.deferred_work = mask.deferred_work = false;
    return set_up(mask);
  }
  if (made < 0) return fail(refused(made, "io_uring_setup"));
  open_ = true;
  if ((parameters.features & kNeededFeatures) != kNeededFeatures) {
    return fail(ErrorCode::unsupported, Origin::weir, "io_uring of this kernel is too old");
  }
  io_uring_probe* probe = io_uring_get_probe_ring(&ring_);
  bool able = probe != nullptr && has_operations(*probe);
  if (probe != nullptr) io_uring_free_probe(probe);
  if (!able) {
    return fail(ErrorCode::unsupported, Origin::weir, "io_uring of this kernel lacks operations");
  }
  return {};
}

UringRing::~UringRing() {
  if (open_) io_uring_queue_exit(&ring_);
}

Status UringRing::begin() {
  if (!enabled_) {
    // liburing 2.3 declares io_uring_enable_rings and does not export it.
    int enabled = io_uring_register(static_cast<unsigned>(ring_.ring_fd),
                                    IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
    if (enabled < 0) return fail(refused(enabled, "io_uring_enable_rings"));
    enabled_ = true;
  }
  io_uring_register_ring_fd(&ring_);  // saves a look-up per entry; works without it too
  running_ = true;
  return {};
}

void UringRing::end() {
  flush();
  running_ = false;
  io_uring_unregister_ring_fd(&ring_);
}

void UringRing::submit_and_wait(std::optional<Duration> timeout) {
  drain_overflow();
  if (timeout && *timeout <= Duration::zero()) {
    flush();
    return;
  }
  if (timeout) {
    __kernel_timespec limit;
    limit.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(*timeout).count();
    limit.tv_nsec = timeout->count() % std::nano::den;
    io_uring_cqe* first;
    io_uring_submit_and_wait_timeout(&ring_, &first, 1, &limit, nullptr);
  } else {
    io_uring_submit_and_wait(&ring_, 1);
  }
  submitted();
}

void UringRing::flush() {
  drain_overflow();
  io_uring_submit_and_get_events(&ring_);
  submitted();
}

// The kernel has copied what entries point to once it has taken them from the queue.
void UringRing::submitted() {
  if (overflow_.empty() && io_uring_sq_ready(&ring_) == 0) arguments_.release();
}

io_uring_sqe& UringRing::entry(std::uint64_t data) {
  io_uring_sqe* next = overflow_.empty() ? io_uring_get_sqe(&ring_) : nullptr;
  if (next == nullptr && running_) {
    io_uring_submit(&ring_);
    submitted();
    drain_overflow();
    if (overflow_.empty()) next = io_uring_get_sqe(&ring_);
  }
  if (next == nullptr) next = &overflow_.emplace_back();
  std::memset(next, 0, sizeof *next);
  next->user_data = data;
  return *next;
}

void UringRing::cancel(std::uint64_t data) {
  io_uring_sqe& cancel = entry(user_data(UringTag::nobody, nullptr));
  cancel.opcode = IORING_OP_ASYNC_CANCEL;
  cancel.fd = -1;
  cancel.addr = data;
}

void UringRing::drain_overflow() {
  while (!overflow_.empty()) {
    io_uring_sqe* next = io_uring_get_sqe(&ring_);
    if (next == nullptr) return;
    *next = overflow_.front();
    overflow_.pop_front();
  }
}

}  // namespace weir
