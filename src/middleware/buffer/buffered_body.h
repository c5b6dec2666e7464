// The bodies of `buffer`: one that was stored as a whole, and one that is read ahead.
#pragma once

#include <optional>

#include "http/exchange.h"
#include "io/signal.h"
#include "middleware/buffer/spool.h"

namespace weir {

/// Has come as a whole; what remains is its spool.
class StoredBody final : public Body {
 public:
  StoredBody(Loop& loop, const SpoolLimits& limits) : spool_(loop, limits) {}

  /// Reads all of `source`, which lives as long. Fails with `body_too_large` (Origin::client) if it
  /// is larger than both limits, with `overloaded` if the disk fails.
  Task<Status> store(Body& source);

  Task<Result<Slice>> read() override;
  std::optional<Slice> try_read() override;
  std::optional<std::uint64_t> length() const override { return length_; }
  const Headers* trailers() const override { return source_->trailers(); }

 private:
  Spool spool_;
  Body* source_ = nullptr;
  std::uint64_t length_ = 0;
};

/// Reads its source as fast as that gives, up to the limits, whatever the speed of its reader, who
/// gets every byte as soon as it is there.
class ReadAheadBody final : public Body {
 public:
  /// A body of `exchange`, as `source` is.
  ReadAheadBody(Exchange& exchange, Body& source, const SpoolLimits& limits)
      : exchange_(exchange),
        source_(source),
        spool_(exchange.loop(), limits),
        came_(exchange.loop()),
        taken_(exchange.loop()) {}

  /// Takes what is there already; if that is not all, a child of the exchange's scope goes on.
  void begin();

  Task<Result<Slice>> read() override;
  std::optional<Slice> try_read() override;
  std::optional<std::uint64_t> length() const override;
  const Headers* trailers() const override { return source_.trailers(); }

 private:
  Task<void> read_ahead();
  Task<Status> keep_all();

  Exchange& exchange_;
  Body& source_;
  Spool spool_;
  Slice held_;  // has been read, but did not fit yet
  Signal came_;
  Signal taken_;
  bool ended_ = false;
  std::optional<std::uint64_t> all_;  // the length, where all was there
  Error error_;                       // of the source, for after the last byte
};

}  // namespace weir
