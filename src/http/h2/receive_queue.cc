#include "http/h2/receive_queue.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace weir::h2 {
namespace {

struct Block : SliceOwner {
  static constexpr std::size_t kBytes = 4096;
  Block() : SliceOwner(&Block::release) {}
  static Block* make() { return new (recycle_allocate(sizeof(Block))) Block; }
  static void release(SliceOwner* self) { recycle_free(static_cast<Block*>(self), sizeof(Block)); }
  char bytes[kBytes - 32];
};

}  // namespace

void ReceiveQueue::append(Slice bytes) {
  bytes_ += bytes.size();
  if (empty() || bytes.size() >= kCopyBelow) {
    Node* node = new Node;
    node->slice = std::move(bytes);
    return push(node);
  }
  gather(std::move(bytes));
}

void ReceiveQueue::gather(Slice bytes) {
  while (!bytes.empty()) {
    if (last_->room_left == 0) {
      Block* block = Block::make();
      Node* node = new Node;
      node->slice = Slice(block, block->bytes, 0);
      node->room = block->bytes;
      node->room_left = sizeof block->bytes;
      push(node);
    }
    std::size_t size = std::min(bytes.size(), last_->room_left);
    std::memcpy(last_->room, bytes.data(), size);
    last_->slice = Slice(last_->slice.owner(), last_->slice.data(), last_->slice.size() + size);
    last_->room += size;
    last_->room_left -= size;
    bytes.advance(size);
  }
}

void ReceiveQueue::push(Node* node) {
  (last_ == nullptr ? first_ : last_->next) = node;
  last_ = node;
}

Slice ReceiveQueue::take() {
  Node* node = first_;
  first_ = node->next;
  if (first_ == nullptr) last_ = nullptr;
  Slice slice = std::move(node->slice);
  bytes_ -= slice.size();
  delete node;
  return slice;
}

void ReceiveQueue::clear() {
  while (!empty()) (void)take();
}

}  // namespace weir::h2
