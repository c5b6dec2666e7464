// What has come on one stream and was not read yet.
#pragma once

#include <cstddef>

#include "core/recycle.h"
#include "core/slice.h"

namespace weir::h2 {

/// Slices in order. A slice pins the whole buffer that it lies in; so that a peer cannot pin much
/// with few bytes, small ones that have to wait behind others are gathered in blocks of their own.
class ReceiveQueue {
 public:
  /// Below this, bytes that wait are copied: what they pin is at most four times their size.
  static constexpr std::size_t kCopyBelow = 4096;

  ReceiveQueue() = default;
  ReceiveQueue(const ReceiveQueue&) = delete;
  ReceiveQueue& operator=(const ReceiveQueue&) = delete;
  ~ReceiveQueue() { clear(); }

  bool empty() const { return first_ == nullptr; }
  /// Bytes that wait.
  std::size_t bytes() const { return bytes_; }

  void append(Slice bytes);
  /// The first slice; the queue is not empty.
  Slice take();
  void clear();

 private:
  struct Node : Recycled<Node> {
    Slice slice;
    char* room = nullptr;  // behind the slice, in a block that is ours
    std::size_t room_left = 0;
    Node* next = nullptr;
  };

  void push(Node* node);
  void gather(Slice bytes);

  Node* first_ = nullptr;
  Node* last_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace weir::h2
