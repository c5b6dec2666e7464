// What one write sends of a body: slices, and the chunk framing around them.
#pragma once

#include <cstddef>
#include <new>
#include <span>

#include "core/result.h"
#include "core/slice.h"
#include "http/h1/chunked.h"
#include "http/h1/writer.h"

namespace weir::h1 {

/// At most 8 slices of payload and about 512 KiB at a time, as one chunk. Reused from write to
/// write; what it framed stays valid until `clear`.
class Pieces {
 public:
  static constexpr std::size_t kSlices = 8;
  static constexpr std::size_t kBytes = 512 * 1024;

  Pieces() = default;
  Pieces(const Pieces&) = delete;
  Pieces& operator=(const Pieces&) = delete;
  ~Pieces() { clear(); }

  void clear() {
    for (std::size_t i = 0; i < count_; ++i) at(i).~Slice();
    count_ = 0;
    payload_ = 0;
  }
  /// Slices added from here to end_chunk are payload; with `chunked` they become one chunk.
  void begin_chunk(bool chunked) {
    in_chunk_ = true;
    chunked_ = chunked;
    chunk_at_ = count_;
    payload_ = 0;
    if (chunked) put(Slice());
  }
  void add(Slice slice) {
    if (in_chunk_) payload_ += slice.size();
    put(std::move(slice));
  }
  void end_chunk() {
    in_chunk_ = false;
    if (!chunked_ || payload_ == 0) return;
    std::size_t size = write_chunk_head(chunk_head_, payload_);
    at(chunk_at_) = Slice::unowned({chunk_head_, size});
    put(Slice::unowned(kChunkEnd));
  }
  /// The end of a chunked body; trailers (null: none) are written into the arena.
  Status add_last_chunk(const Headers* trailers, Arena& arena) {
    if (trailers == nullptr) {
      put(Slice::unowned(kLastChunk));
      return {};
    }
    std::size_t size = trailers->wire_size() + 16;
    char* out = arena.allocate(size);
    Result<std::string_view> text = write_last_chunk(out, out + size, *trailers);
    if (!text) return fail(text.error());
    put(Slice::unowned(*text));
    return {};
  }

  bool full() const { return count_ >= kSlices || payload_ >= kBytes; }
  /// Payload since begin_chunk.
  std::size_t payload() const { return payload_; }
  std::span<Slice> span() { return {&at(0), count_}; }

 private:
  static constexpr std::size_t kRoom = kSlices + 4;  // head, chunk head, chunk end, last chunk

  Slice& at(std::size_t index) {
    return *std::launder(reinterpret_cast<Slice*>(storage_ + index * sizeof(Slice)));
  }
  void put(Slice slice) { new (storage_ + count_++ * sizeof(Slice)) Slice(std::move(slice)); }

  // Made one by one: most exchanges need two of them.
  alignas(Slice) char storage_[kRoom * sizeof(Slice)];
  std::size_t count_ = 0;
  std::size_t payload_ = 0;
  std::size_t chunk_at_ = 0;
  bool chunked_ = false;
  bool in_chunk_ = false;
  char chunk_head_[kMaxChunkHead];
};

}  // namespace weir::h1
