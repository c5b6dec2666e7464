#include "http/recorded_body.h"

#include <algorithm>

namespace weir {

/// Ends with the exchange of the source.
struct RecordedBody::Anchor {
  explicit Anchor(std::shared_ptr<RecordedBody> of) : record(std::move(of)) {}
  ~Anchor() { record->source_gone(); }
  std::shared_ptr<RecordedBody> record;
};

std::shared_ptr<RecordedBody> RecordedBody::of(Exchange& exchange, Body& source,
                                               std::size_t limit) {
  auto record = std::make_shared<RecordedBody>(exchange.loop(), source, limit);
  exchange.own<Anchor>(record);
  return record;
}

RecordedBody::RecordedBody(Loop& loop, Body& source, std::size_t limit)
    : loop_(loop), source_(&source), limit_(limit), length_(source.length()) {}

RecordedBody::~RecordedBody() = default;

// --- what is kept ------------------------------------------------------------------------------

// What the source gave to `reader`, which had come to the end of the record.
void RecordedBody::take(Reader& reader, const Result<Slice>& piece) {
  if (reader.alone()) return;
  if (!piece) {
    error_ = piece.error();
  } else if (piece->empty()) {
    end();
  } else if (whole() && piece->size() > limit_ - bytes_) {
    leave_to(reader);
  } else if (!closed_) {
    if (heir_ == nullptr) {
      keep(piece->view());
    } else {
      pieces_.push_back(*piece);  // was under way when the heir was named
    }
    reader.piece_ = pieces_.size() - 1;
    reader.offset_ = pieces_.back().size();
  }
  wake();
}

void RecordedBody::keep(std::string_view bytes) {
  while (!bytes.empty()) {
    if (open_ == nullptr || open_->room() == 0) {
      std::size_t expected = length_ ? static_cast<std::size_t>(*length_) - bytes_ : kChunk;
      std::size_t wanted = std::max(bytes.size(), std::min(expected, kChunk));
      open_ = ByteChunk::make(std::min(wanted, limit_ - bytes_));
      pieces_.push_back(open_->since(0));
    }
    std::size_t size = std::min(bytes.size(), open_->room());
    open_->append(bytes.substr(0, size));
    pieces_.back() = open_->since(0);
    bytes.remove_prefix(size);
    bytes_ += size;
  }
}

void RecordedBody::end() {
  ended_ = true;
  const Headers* trailers = source_->trailers();
  if (trailers == nullptr) return;
  trailers_ = std::make_unique<Trailers>();
  trailers_->headers = trailers->clone(trailers_->arena);
}

void RecordedBody::leave_to(Reader& reader) {
  heir_ = &reader;
  bool others = readers_.next()->next() != &readers_;
  bool at_end = pieces_.empty() ||
                (reader.piece_ == pieces_.size() - 1 && reader.offset_ == pieces_.back().size());
  if (!others && at_end) {
    pieces_.clear();
    open_ = nullptr;
    bytes_ = 0;
    reader.piece_ = reader.offset_ = 0;
  }
  if (reader.passes_ && source_ != nullptr) source_->let_pass();
  wake();
}

void RecordedBody::source_gone() {
  source_ = nullptr;
  if (!ended_ && error_.code == ErrorCode::none) {
    error_ = Error(ErrorCode::truncated, Origin::weir, "the exchange of the body has ended");
  }
  wake();
}

void RecordedBody::wake() {
  for (Link* link = readers_.next(); link != &readers_; link = link->next()) {
    static_cast<Reader*>(link)->changed_.raise();
  }
}

// --- readers -----------------------------------------------------------------------------------

RecordedBody::Reader::Reader(std::shared_ptr<RecordedBody> of, Role role, StopToken stop)
    : record_(std::move(of)), changed_(record_->loop_), stop_(stop), role_(role) {
  record_->readers_.append(*this);
}

RecordedBody::Reader::~Reader() {
  unlink();
  if (alone()) {
    record_->heir_ = nullptr;
    record_->closed_ = true;
  }
}

// The next of what is recorded, the end, or why there is no more. Nothing: the source is to be
// asked.
std::optional<Result<Slice>> RecordedBody::Reader::next() {
  while (piece_ < record_->pieces_.size()) {
    const Slice& piece = record_->pieces_[piece_];
    if (offset_ < piece.size()) {
      Slice rest = piece;
      rest.advance(std::exchange(offset_, piece.size()));
      return rest;
    }
    if (piece_ + 1 == record_->pieces_.size()) break;
    ++piece_;
    offset_ = 0;
  }
  if (record_->error_.code != ErrorCode::none) return fail(record_->error_);
  if (record_->ended_) return Slice();
  if (alone() || record_->whole()) return std::nullopt;
  return fail(ErrorCode::limit, Origin::weir, "the body is larger than its record");
}

bool RecordedBody::Reader::may_ask() const {
  return role_ == Role::leads && record_->source_ != nullptr && !record_->reading_;
}

Task<Result<Slice>> RecordedBody::Reader::read() {
  while (true) {
    if (std::optional<Result<Slice>> piece = next()) co_return std::move(*piece);
    if (!may_ask()) {
      if (Status woke = co_await changed_.wait(stop_); !woke) co_return fail(woke.error());
      continue;
    }
    record_->reading_ = record_->touched_ = true;
    Result<Slice> piece = co_await record_->source_->read();
    record_->reading_ = false;
    record_->take(*this, piece);
    co_return piece;
  }
}

std::optional<Slice> RecordedBody::Reader::try_read() {
  if (std::optional<Result<Slice>> piece = next()) {
    if (!*piece) return std::nullopt;  // `read` finds the error again
    return std::move(**piece);
  }
  if (!may_ask()) return std::nullopt;
  std::optional<Slice> piece = record_->source_->try_read();
  if (!piece) return std::nullopt;
  record_->touched_ = true;
  record_->take(*this, *piece);
  return piece;
}

void RecordedBody::Reader::let_pass() {
  passes_ = true;
  if (alone() && record_->source_ != nullptr) record_->source_->let_pass();
}

const Headers* RecordedBody::Reader::trailers() const {
  if (record_->trailers_ != nullptr) return &record_->trailers_->headers;
  return alone() && record_->source_ != nullptr ? record_->source_->trailers() : nullptr;
}

}  // namespace weir
