#include "io/buffer.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace weir {
namespace {
constexpr std::uint32_t kMaxKeptSmall = 256;  // 4 MiB
constexpr std::uint32_t kMaxKeptBulk = 16;    // 4 MiB
}  // namespace

void Buffer::release(SliceOwner* self) {
  auto* buffer = static_cast<Buffer*>(self);
  buffer->pool_->give_back(buffer);
}

BufferPool::~BufferPool() {
  if (current_ != nullptr) current_->drop_reference();
  if (spare_bulk_ != nullptr) give_back(spare_bulk_);
  for (List* list : {&small_, &bulk_}) {
    while (list->head != nullptr) {
      Buffer* buffer = list->head;
      list->head = buffer->next_;
      std::free(buffer);
    }
  }
}

Buffer* BufferPool::take(List& list, std::uint32_t capacity) {
  if (list.head != nullptr) {
    Buffer* buffer = list.head;
    list.head = buffer->next_;
    --list.kept;
    --kept_blocks_;
    return buffer;
  }
  void* block = std::malloc(sizeof(Buffer) + capacity);
  if (block == nullptr) std::abort();
  ++blocks_;
  return new (block) Buffer(*this, capacity);
}

void BufferPool::give_back(Buffer* buffer) {
  bool bulk = buffer->capacity_ == kBulkBytes;
  List& list = bulk ? bulk_ : small_;
  if (list.kept >= (bulk ? kMaxKeptBulk : kMaxKeptSmall)) {
    --blocks_;
    std::free(buffer);
    return;
  }
  buffer->next_ = list.head;
  list.head = buffer;
  ++list.kept;
  ++kept_blocks_;
}

BufferPool::Loan BufferPool::lend(bool bulk) {
  if (bulk) {
    if (spare_bulk_ == nullptr) spare_bulk_ = take(bulk_, kBulkBytes);
    return {spare_bulk_, spare_bulk_->data(), kBulkBytes};
  }
  if (current_ != nullptr) {
    if (current_->unique()) used_ = 0;  // nobody looks at it any more: start over, cache-warm
    if (kBlockBytes - used_ < kLeastSpace) {
      current_->drop_reference();
      current_ = nullptr;
    }
  }
  if (current_ == nullptr) {
    current_ = take(small_, kBlockBytes);
    current_->add_reference();
    used_ = 0;
  }
  return {current_, current_->data() + used_, kBlockBytes - used_};
}

Slice BufferPool::commit(const Loan& loan, std::size_t used) {
  if (loan.buffer == spare_bulk_ && used <= kLeastSpace) {
    // A few bytes must not pin a large block; it is lent again.
    Loan small = lend(false);
    std::memcpy(small.data, loan.data, used);
    return commit(small, used);
  }
  Slice slice(loan.buffer, loan.data, used);
  if (loan.buffer == spare_bulk_) {
    spare_bulk_ = nullptr;
  } else {
    used_ += used;
  }
  return slice;
}

Buffer* BufferPool::reserve() {
  ++reserved_blocks_;
  return take(small_, kBlockBytes);
}

Slice BufferPool::commit_reserved(Buffer* block, std::size_t used) {
  --reserved_blocks_;
  return Slice(block, block->data(), used);
}

void BufferPool::unreserve(Buffer* block) {
  --reserved_blocks_;
  give_back(block);
}

}  // namespace weir
