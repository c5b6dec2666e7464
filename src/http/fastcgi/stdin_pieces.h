// What one write sends of a request's body: slices, each behind the header of its record.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "core/slice.h"
#include "http/fastcgi/records.h"

namespace weir::fastcgi {

/// Reused from write to write; what it framed stays valid until `clear`.
class StdinPieces {
 public:
  static constexpr std::size_t kRecords = 8;  // at a time; 512 KiB of payload at most

  void clear() {
    for (Slice& slice : slices()) slice = Slice();
    slices_used_ = 0;
    records_ = 0;
    payload_ = 0;
  }
  /// Bytes that go before all records: the head of the request.
  void add_head(std::string_view bytes) { put(Slice::unowned(bytes)); }
  /// Takes as much from the front of `piece` as there is room for.
  void add(Slice& piece) {
    while (!piece.empty() && !full()) {
      Slice part = piece.take(std::min(piece.size(), kMaxContent));
      payload_ += part.size();
      header(part.size());
      put(std::move(part));
    }
    if (piece.empty()) piece = Slice();
  }
  /// The empty record behind the last byte. One more always has room.
  void add_end() { header(0); }

  bool full() const { return records_ >= kRecords; }
  std::size_t payload() const { return payload_; }
  std::span<Slice> slices() { return {slices_.data(), slices_used_}; }

 private:
  void header(std::size_t content) {
    headers_[records_] = record_header(RecordType::standard_input, content);
    put(Slice::unowned({headers_[records_].data(), kHeaderBytes}));
    ++records_;
  }
  void put(Slice slice) { slices_[slices_used_++] = std::move(slice); }

  std::array<std::array<char, kHeaderBytes>, kRecords + 1> headers_;
  std::array<Slice, 2 * (kRecords + 1)> slices_;
  std::size_t slices_used_ = 0;
  std::size_t records_ = 0;
  std::size_t payload_ = 0;
};

}  // namespace weir::fastcgi
