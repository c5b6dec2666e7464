// A body that compresses another one while it is read.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "http/body.h"
#include "http/compression/encoder.h"
#include "io/loop.h"

namespace weir {

/// Holds at most one slice of its source beside the encoder. When the source has nothing more for
/// the moment, everything it gave so far is sent, so that events reach their readers.
class CompressedBody final : public Body {
 public:
  /// `source` lives as long; the encoder goes back to the worker's pool with the end.
  CompressedBody(Loop& loop, Body& source, Coding coding, std::unique_ptr<Encoder> encoder)
      : loop_(loop), source_(source), encoder_(std::move(encoder)), coding_(coding) {}
  ~CompressedBody() override;

  /// Compresses what is there already, up to kAhead slices; if that is all of it, the length is
  /// known, and can be told.
  void begin();

  Task<Result<Slice>> read() override;
  std::optional<Slice> try_read() override;
  std::optional<std::uint64_t> length() const override { return length_; }
  const Headers* trailers() const override { return source_.trailers(); }

 private:
  static constexpr std::size_t kAhead = 4;
  // After so much without a pause the other exchanges of the worker have their turn.
  static constexpr std::size_t kBudget = 256 * 1024;

  enum class Wait : std::uint8_t { flush, keep };

  std::optional<Slice> queued();
  Result<std::optional<Slice>> advance(Wait wait);
  Result<std::optional<Slice>> encode();
  void feed(Slice piece);
  void give_back();

  Loop& loop_;
  Body& source_;
  std::unique_ptr<Encoder> encoder_;
  Coding coding_;
  Flush flush_ = Flush::none;
  bool more_ = false;   // the encoder has more to give for `flush_`
  bool dirty_ = false;  // it keeps bytes that were not flushed
  bool ended_ = false;  // so has the source
  Slice input_;
  std::string_view left_;  // of the input
  std::size_t spent_ = 0;
  std::array<Slice, kAhead> ahead_;
  std::size_t ahead_first_ = 0;
  std::size_t ahead_end_ = 0;
  std::optional<std::uint64_t> length_;
  Error error_;  // for the next read
};

}  // namespace weir
