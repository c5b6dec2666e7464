// Datagrams: sockets that receive and send many of them with one call.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "core/result.h"
#include "io/address.h"

namespace weir {

/// One that has come or is to go. The bytes belong to whoever made it.
struct Datagram {
  Peer peer;          // who sent it, or is to get it; of no meaning on a connected socket
  IpAddress local{};  // of this host: where it came to, or is to come from; all zero: whatever
  char* data = nullptr;
  std::size_t size = 0;

  std::string_view view() const { return {data, size}; }
};

/// Room for many. What has come into it stays until `clear`. Memory is taken page by page as it is
/// used: small datagrams take 4 KiB each.
class DatagramBatch {
 public:
  static constexpr std::size_t kCapacity = 32;
  static constexpr std::size_t kMostBytes = 65536;  // of one: more than UDP has

  DatagramBatch();

  std::size_t size() const { return size_; }
  std::size_t room() const { return kCapacity - size_; }
  Datagram& operator[](std::size_t index) { return items_[index]; }
  std::span<Datagram> all() { return std::span(items_).first(size_); }
  /// To be filled in from the front, then taken.
  std::span<Datagram> free() { return std::span(items_).subspan(size_); }
  void take(std::size_t count) { size_ += count; }
  void clear() { size_ = 0; }

  /// Leaves out those from `first` on for which `keep(datagram)` is false.
  template <class Keep>
  void filter(std::size_t first, Keep keep) {
    std::size_t kept = first;
    for (std::size_t i = first; i < size_; ++i) {
      if (!keep(items_[i])) continue;
      if (kept != i) std::swap(items_[kept], items_[i]);
      ++kept;
    }
    size_ = kept;
  }

 private:
  // Blocks that begin at the same place of their pages would share a few lines of the cache.
  static constexpr std::size_t kStride = kMostBytes + 320;

  std::unique_ptr<char[]> memory_;
  std::array<Datagram, kCapacity> items_;
  std::size_t size_ = 0;
};

/// Whoever a socket belongs to.
class DatagramReceiver {
 public:
  /// There may be something to receive. Called from the top of the loop's stack; and again, once
  /// everything else had its turn, for as long as it has left something. Does not destroy the
  /// socket before it returns.
  virtual void on_readable() = 0;

 protected:
  ~DatagramReceiver() = default;
};

/// A bound socket of the Network, which stays open when this goes; or a connected one, which is
/// closed. Nothing here waits.
class DatagramSocket {
 public:
  virtual ~DatagramSocket() = default;

  /// Adds what has come, `most` at most and as far as there is room: how many; 0: there is nothing
  /// left. Errors: of a connected socket `refused` and `unreachable`, which answered something that
  /// it sent before; it can be used on.
  virtual Result<std::size_t> receive(DatagramBatch& into, std::size_t most) = 0;

  /// Sends from the front; how many were sent, at least one. Errors are those of the first, which
  /// was not sent: `queue_full` when the kernel has no room for it, and those of `receive`.
  virtual Result<std::size_t> send(std::span<const Datagram> datagrams) = 0;
};

}  // namespace weir
