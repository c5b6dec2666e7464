#include "io/tls/stream.h"

#include <utility>

#include "io/sockets.h"

namespace weir {
namespace {

// Output of one write to the transport: what fits into one large block, with its overhead.
constexpr std::size_t kFlightBytes = 240 * 1024;
// Rounds of nothing but control records that try_read goes through.
constexpr int kMostRounds = 16;

Error interrupted() { return Error(ErrorCode::cancelled, Origin::weir, "the reader is done"); }

}  // namespace

TlsStream::TlsStream(std::unique_ptr<Stream> transport)
    : transport_(std::move(transport)), engine_(transport_->loop().buffers()) {
  read_.owner = this;
  read_.when_done([](Operation& self) { static_cast<TransportRead&>(self).owner->on_read(); });
}

TlsStream::Flight::Flight(TlsStream& stream, std::unique_ptr<TlsOutput> bytes)
    : write(bytes->slices()), output(std::move(bytes)) {
  write.owner = &stream;
  write.when_done([](Operation& self) { static_cast<TransportWrite&>(self).owner->on_written(); });
}

TlsStream::~TlsStream() {
  if (resetting_ || end_ == End::sent || write_error_.code != ErrorCode::none) return;
  engine_.close_notify();
  flush();
}

Task<Status> TlsStream::handshake(StopToken stop) {
  while (true) {
    Result<bool> done = engine_.handshake();
    if (!done) {
      flush();  // the alert
      co_return fail(done.error());
    }
    if (*done) {
      // A server's ticket may leave together with its first answer: it goes when the server
      // writes, or when it waits. All other last words are waited for.
      tickets_wait_ = engine_.only_tickets_left();
      flush_answers();
      co_return Status();
    }
    if (take_output()) {
      Status sent = co_await transport_->write(sending_->write.data, stop);
      sending_.reset();
      if (!sent) co_return fail(sent.error());
    }
    Result<Slice> arrived = co_await transport_->read(stop);
    if (!arrived && stop.stopped()) co_return fail(arrived.error());
    absorb(std::move(arrived));
  }
}

// ---- Reading

bool TlsStream::start_read(ReadOperation& operation) {
  if (advance_read(operation)) {
    flush_answers();
    return true;
  }
  reader_ = &operation;
  operation.pend(*this);
  flush_for_reader();
  return false;
}

// True when the read is over; else the transport's is pending. What was decrypted or held comes
// first.
bool TlsStream::advance_read(ReadOperation& operation) {
  while (true) {
    if (std::optional<Result<Slice>> got = next_of(operation)) {
      operation.result = std::move(*got);
      return true;
    }
    flush();
    read_.result = {};
    read_.hint = operation.hint == kSettle ? 0 : operation.hint;
    if (!transport_->start_read(read_)) return false;
    absorb(std::move(read_.result));
  }
}

void TlsStream::absorb(Result<Slice> arrived) {
  if (arrived) {
    engine_.feed(std::move(*arrived));
  } else {
    engine_.feed_end(arrived.error());
  }
}

void TlsStream::on_read() {
  if (!read_cancelled_) {
    absorb(std::move(read_.result));
    if (advance_read(*reader_)) return end_read();
    return flush_for_reader();
  }
  // What came beats the cancellation. The error that it left in the transport's read is no news.
  bool came = read_.result || read_.result.error().code != reader_->result.error().code;
  if (came) {
    absorb(std::move(read_.result));
    if (std::optional<Result<Slice>> got = next_of(*reader_)) {
      reader_->result = std::move(*got);
    }
  }
  end_read();
}

// Completes the owner's read. A write that was pending for its sake must end first: the owner may
// destroy a stream without operations.
void TlsStream::end_read() {
  flush();
  if (writing_ && writer_ == nullptr) {
    if (!std::exchange(recalled_, true)) transport_->cancel(sending_->write, interrupted());
    return;
  }
  read_cancelled_ = false;
  std::exchange(reader_, nullptr)->complete();
}

std::optional<Result<Slice>> TlsStream::try_read(std::size_t hint) {
  for (int round = 0; round < kMostRounds; ++round) {
    if (reader_ != nullptr) return std::nullopt;
    std::optional<Result<Slice>> got = engine_.read(hint);
    if (engine_.has_output()) flush_answers();
    if (got) return got;
    std::optional<Result<Slice>> arrived = transport_->try_read(hint);
    if (!arrived) return std::nullopt;
    absorb(std::move(*arrived));
  }
  return std::nullopt;
}

// ---- Writing

bool TlsStream::start_write(WriteOperation& operation) {
  consume(operation.data, 0);
  if (operation.data.empty()) return true;
  if (!writing_ && advance_write(operation)) return true;
  writer_ = &operation;
  operation.pend(*this);
  return false;
}

// True when the write is over; else the transport's is pending.
bool TlsStream::advance_write(WriteOperation& operation) {
  while (true) {
    if (write_error_.code != ErrorCode::none) {
      operation.result = fail(write_error_);
      return true;
    }
    tickets_wait_ = false;
    if (sending_ == nullptr && !operation.data.empty()) {
      if (Status written = engine_.write(operation.data, kFlightBytes); !written) {
        operation.result = written;
        return true;
      }
      if (operation.last && operation.data.empty()) engine_.close_notify();
    }
    if (!take_output()) return true;
    sending_->write.last = operation.last && operation.data.empty();
    if (!start_sending()) return false;
  }
}

// Takes up what the engine has to send; false if nothing is left to send.
bool TlsStream::take_output() {
  if (sending_ != nullptr) return true;
  std::unique_ptr<TlsOutput> output = engine_.take_output();
  if (output == nullptr) return false;
  sending_ = std::make_unique<Flight>(*this, std::move(output));
  return true;
}

// False when it waits.
bool TlsStream::start_sending() {
  sending_->write.result = {};
  writing_ = true;
  if (!transport_->start_write(sending_->write)) return false;
  note_written();
  return true;
}

void TlsStream::note_written() {
  writing_ = false;
  const Status& result = sending_->write.result;
  if (result) {
    sending_.reset();
    return;
  }
  // Cancelled: what is left goes out later, or the records would have a hole.
  bool ours = recalled_ && result.error().code == ErrorCode::cancelled;
  bool owners = write_cancelled_ && result.error().code == writer_->result.error().code;
  if (ours || owners) return;
  write_error_ = result.error();
  sending_.reset();
}

void TlsStream::on_written() {
  note_written();
  WriteOperation* written = nullptr;
  if (writer_ != nullptr) {
    if (write_cancelled_) {
      bool all = sending_ == nullptr && writer_->data.empty();
      if (all && write_error_.code == ErrorCode::none) writer_->result = {};
      written = std::exchange(writer_, nullptr);
      write_cancelled_ = false;
    } else if (advance_write(*writer_)) {
      written = std::exchange(writer_, nullptr);
    }
  }
  if (written != nullptr && end_ == End::wanted) send_end();
  close_if_flushed();
  if (std::exchange(recalled_, false)) {
    read_cancelled_ = false;
    loop().complete_soon(*std::exchange(reader_, nullptr));
  }
  if (writer_ == nullptr) flush_for_reader();
  if (written != nullptr) written->complete();
}

// What reading provoked. Tickets go with the first answer, if it comes without waiting for more.
void TlsStream::flush_answers() {
  if (!tickets_wait_) flush();
}

// What goes without waiting.
void TlsStream::flush() {
  tickets_wait_ = false;
  while (!writing_ && take_output()) {
    transport_->try_write(sending_->write.data);
    if (!sending_->write.data.empty()) return;
    sending_.reset();
  }
  close_if_flushed();
}

// While the owner reads and does not write, what is to be sent waits for the transport.
void TlsStream::flush_for_reader() {
  if (reader_ == nullptr || writer_ != nullptr || recalled_) return;
  while (!writing_ && take_output() && start_sending()) {
  }
  close_if_flushed();
}

void TlsStream::try_write(std::span<Slice>& data) {
  consume(data, 0);
  flush();
  while (!data.empty() && !writing_ && sending_ == nullptr &&
         write_error_.code == ErrorCode::none && end_ == End::none) {
    if (!engine_.write(data, BufferPool::kBlockBytes)) return;
    flush();
  }
}

// ---- The end

void TlsStream::shutdown_write() {
  if (end_ != End::none) return;
  end_ = End::wanted;
  if (writer_ == nullptr) send_end();
}

void TlsStream::send_end() {
  engine_.close_notify();
  flush();
  flush_for_reader();
}

void TlsStream::close_if_flushed() {
  if (end_ != End::wanted || writer_ != nullptr || writing_ || sending_ != nullptr ||
      engine_.has_output()) {
    return;
  }
  end_ = End::sent;
  transport_->shutdown_write();
}

void TlsStream::reset_on_close() {
  resetting_ = true;
  transport_->reset_on_close();
}

bool TlsStream::idle_and_open() {
  for (int round = 0; round < kMostRounds; ++round) {
    if (!engine_.quiet()) return false;
    if (transport_->idle_and_open()) return true;
    // Bytes came, or the end. Session tickets and key updates are no news to the owner.
    std::optional<Result<Slice>> arrived = transport_->try_read(0);
    if (!arrived) return false;
    absorb(std::move(*arrived));
  }
  return false;
}

bool TlsStream::seen_open() const {
  auto& self = const_cast<TlsStream&>(*this);  // what a look finds out changes nothing for others
  return self.engine_.quiet() && (transport_->seen_open() || self.idle_and_open());
}

void TlsStream::cancel(Operation& operation, const Error& why) {
  operation.unlink();
  if (&operation == reader_) {
    if (read_cancelled_ || recalled_) return;
    read_cancelled_ = true;
    reader_->result = fail(why);
    return transport_->cancel(read_, why);
  }
  if (write_cancelled_) return;
  write_cancelled_ = true;
  writer_->result = fail(why);
  if (!recalled_) transport_->cancel(sending_->write, why);
}

}  // namespace weir
