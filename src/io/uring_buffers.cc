#include "io/uring_buffers.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace weir {
namespace {
constexpr std::size_t kPage = 4096;
}  // namespace

Status UringBuffers::open(io_uring& ring) {
  static_assert(kEntries * sizeof(io_uring_buf) % kPage == 0);
  void* memory = std::aligned_alloc(kPage, kEntries * sizeof(io_uring_buf));
  if (memory == nullptr) return fail(ErrorCode::limit, Origin::weir, "buffer ring");
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uint64_t>(memory);
  registration.ring_entries = kEntries;
  registration.bgid = kGroup;
  int done = io_uring_register_buf_ring(&ring, &registration, 0);
  if (done < 0) {
    std::free(memory);
    return fail(from_errno(-done), Origin::weir, "io_uring_register_buf_ring");
  }
  shared_ = static_cast<io_uring_buf_ring*>(memory);
  io_uring_buf_ring_init(shared_);
  grow();
  return {};
}

UringBuffers::~UringBuffers() { close(); }

void UringBuffers::close() {
  for (unsigned id = 0; id < provided_; ++id) pool_.unreserve(blocks_[id]);
  provided_ = 0;
  std::free(shared_);
  shared_ = nullptr;
}

void UringBuffers::grow() {
  for (unsigned last = provided_ + kStep; provided_ < last && provided_ < kEntries; ++provided_) {
    blocks_[provided_] = pool_.reserve();
    provide(static_cast<std::uint16_t>(provided_));
  }
}

void UringBuffers::ran_dry() { grow(); }

void UringBuffers::provide(std::uint16_t id) {
  io_uring_buf_ring_add(shared_, blocks_[id]->data(), blocks_[id]->capacity(), id,
                        io_uring_buf_ring_mask(kEntries), 0);
  io_uring_buf_ring_advance(shared_, 1);
}

void UringBuffers::give_back(std::uint16_t id) { provide(id); }

// A block per reader would be pinned for as long as the reader's exchange waits; what is small
// is therefore packed with others, which costs some tens of nanoseconds.
Slice UringBuffers::take(std::uint16_t id, std::size_t size) {
  Slice slice;
  if (size <= kCopyBytes) {
    BufferPool::Loan loan = pool_.lend(false);
    std::memcpy(loan.data, blocks_[id]->data(), size);
    slice = pool_.commit(loan, size);
  } else {
    slice = pool_.commit_reserved(blocks_[id], size);
    blocks_[id] = pool_.reserve();
  }
  provide(id);
  return slice;
}

}  // namespace weir
