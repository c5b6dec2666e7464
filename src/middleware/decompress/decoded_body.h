// A body that decompresses another one while it is read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "http/body.h"
#include "http/compression/decoder.h"
#include "io/loop.h"

namespace weir {

/// Holds at most one slice of its source beside the decoder.
class DecodedBody final : public Body {
 public:
  /// `source` lives as long. Fails (Origin::upstream) with `parse` for what is not encoded so, with
  /// `truncated` for what ends too early, with `limit` for what expands by more than the decoder's
  /// limit or to more than `most` bytes.
  DecodedBody(Loop& loop, Body& source, std::unique_ptr<Decoder> decoder, std::uint64_t most)
      : loop_(loop), source_(source), decoder_(std::move(decoder)), room_(most) {}

  Task<Result<Slice>> read() override;
  std::optional<Slice> try_read() override;
  std::optional<std::uint64_t> length() const override { return std::nullopt; }
  const Headers* trailers() const override { return source_.trailers(); }

 private:
  // After so much without a pause the other exchanges of the worker have their turn.
  static constexpr std::size_t kBudget = 256 * 1024;

  Result<std::optional<Slice>> advance();
  Result<std::optional<Slice>> decode();
  Result<Slice> end() const;
  void feed(Slice piece);

  Loop& loop_;
  Body& source_;
  std::unique_ptr<Decoder> decoder_;
  std::uint64_t room_;  // for what may still come out
  bool more_ = false;   // the decoder has more to give
  bool ended_ = false;  // the source has
  Slice input_;
  std::string_view left_;  // of the input
  std::size_t spent_ = 0;
  Error error_;  // for the next read
};

}  // namespace weir
