// RecordedBody: a body that several readers can take from its beginning, while it is small enough.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "core/byte_chunk.h"
#include "core/list.h"
#include "http/exchange.h"
#include "io/signal.h"

namespace weir {

/// What has been read of a source, up to a limit of bytes. It is kept as a copy: a slice would keep
/// all of the block alive in which it lies, and the sender chooses how small slices are. Shared by
/// its readers, which may outlive the exchange of the source. Above the limit it is one-shot again:
/// the reader that got there first goes on alone, and the others fail where the record ends.
class RecordedBody final {
 public:
  class Reader;

  /// The source is a body of `exchange`. A body that is known to be larger than `limit` is not
  /// worth a record.
  static std::shared_ptr<RecordedBody> of(Exchange& exchange, Body& source, std::size_t limit);
  static bool fits(const Body& source, std::size_t limit) {
    return source.length().value_or(0) <= limit;
  }

  RecordedBody(Loop& loop, Body& source, std::size_t limit);
  ~RecordedBody();

  /// All that has been read is still there: a reader can begin.
  bool whole() const { return heir_ == nullptr && !closed_; }
  /// Nothing has been asked of the source.
  bool untouched() const { return !touched_; }
  /// Nobody will begin any more, and `reader` is the one that goes on.
  void leave_to(Reader& reader);
  /// Bytes that are kept.
  std::size_t size() const { return bytes_; }

 private:
  struct Trailers {
    Arena arena;
    Headers headers{arena};
  };
  struct Anchor;

  static constexpr std::size_t kChunk = 4096;

  void take(Reader& reader, const Result<Slice>& piece);
  void keep(std::string_view bytes);
  void end();
  void wake();
  void source_gone();

  Loop& loop_;
  Body* source_;
  const std::size_t limit_;
  const std::optional<std::uint64_t> length_;
  std::size_t bytes_ = 0;
  std::vector<Slice> pieces_;
  ByteChunk* open_ = nullptr;  // the last of the pieces, while it has room
  Link readers_;
  Reader* heir_ = nullptr;  // goes on alone
  std::unique_ptr<Trailers> trailers_;
  Error error_;
  bool closed_ = false;  // nothing is kept any more, and nobody goes on
  bool touched_ = false;
  bool ended_ = false;
  bool reading_ = false;  // a reader waits for the source
};

/// Reads from the beginning. Made while the record is `whole`.
class RecordedBody::Reader final : public Body, public Link {
 public:
  enum class Role : std::uint8_t {
    leads,   // has the source read when it needs more; of the same exchange
    follows  // waits until others had it read
  };
  Reader(std::shared_ptr<RecordedBody> of, Role role, StopToken stop);
  ~Reader();

  Task<Result<Slice>> read() override;
  std::optional<Slice> try_read() override;
  void let_pass() override;
  std::optional<std::uint64_t> length() const override { return record_->length_; }
  const Headers* trailers() const override;

 private:
  friend class RecordedBody;
  std::optional<Result<Slice>> next();
  bool alone() const { return record_->heir_ == this; }
  bool may_ask() const;

  std::shared_ptr<RecordedBody> record_;
  Signal changed_;
  StopToken stop_;
  Role role_;
  bool passes_ = false;
  std::size_t piece_ = 0;   // where it is in the record
  std::size_t offset_ = 0;  // in that piece
};

}  // namespace weir
