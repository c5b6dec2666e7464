// TlsStream: a Stream whose bytes are encrypted on their way through another.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "core/recycle.h"
#include "core/task.h"
#include "io/loop.h"
#include "io/stream.h"
#include "io/tls/engine.h"
#include "io/tls/settle.h"

namespace weir {

/// Drives one engine over one transport: a state machine with one read and one write of the
/// transport, no coroutine and no timer. Whatever reading provokes (answers to key updates, alerts)
/// and what was left by a cancelled write goes out through the one writer, in order. An operation
/// of the transport is pending only while one of the owner's is, so the stream can be destroyed
/// whenever a plain one could. Destruction sends close_notify if that goes without waiting.
class TlsStream final : public Stream, public Recycled<TlsStream> {
 public:
  explicit TlsStream(std::unique_ptr<Stream> transport);
  ~TlsStream() override;

  /// Start it before the handshake.
  TlsEngine& engine() { return engine_; }
  /// Drives the handshake to its end, or until early data has come; reading then goes on with it.
  /// Nothing else is done with the stream before.
  Task<Status> handshake(StopToken stop);

  bool start_read(ReadOperation& operation) override;
  bool start_write(WriteOperation& operation) override;
  std::optional<Result<Slice>> try_read(std::size_t hint) override;
  void try_write(std::span<Slice>& data) override;
  void shutdown_write() override;
  void reset_on_close() override;
  void watch_hangup(HangupWatch* watch) override { transport_->watch_hangup(watch); }
  bool idle_and_open() override;
  bool seen_open() const override;
  Address peer() const override { return transport_->peer(); }
  Address local() const override { return transport_->local(); }
  Address redirected_from() const override { return transport_->redirected_from(); }
  Loop& loop() const override { return transport_->loop(); }
  int detach() override { return -1; }
  const TlsFacts* tls() const override {
    return engine_.established() ? &engine_.facts() : nullptr;
  }
  void cancel(Operation& operation, const Error& why) override;

 private:
  struct TransportRead : ReadOperation {
    using ReadOperation::ReadOperation;
    TlsStream* owner = nullptr;
  };
  struct TransportWrite : WriteOperation {
    using WriteOperation::WriteOperation;
    TlsStream* owner = nullptr;
  };
  /// What is on its way; `write.data` is what is left of `output`.
  struct Flight : Recycled<Flight> {
    Flight(TlsStream& stream, std::unique_ptr<TlsOutput> bytes);
    TransportWrite write;
    std::unique_ptr<TlsOutput> output;
  };
  enum class End : std::uint8_t { none, wanted, sent };

  bool advance_read(ReadOperation& operation);
  std::optional<Result<Slice>> next_of(const ReadOperation& operation) {
    return operation.hint == kSettle ? engine_.settle() : engine_.read(operation.hint);
  }
  void absorb(Result<Slice> arrived);
  void on_read();
  void end_read();

  bool advance_write(WriteOperation& operation);
  bool start_sending();
  void note_written();
  void on_written();
  bool take_output();
  void flush();
  void flush_answers();
  void flush_for_reader();
  void send_end();
  void close_if_flushed();

  std::unique_ptr<Stream> transport_;
  TlsEngine engine_;
  TransportRead read_;
  std::unique_ptr<Flight> sending_;
  ReadOperation* reader_ = nullptr;  // the owner's pending operations
  WriteOperation* writer_ = nullptr;
  Error write_error_;
  bool writing_ = false;         // the write of `sending_` is pending
  bool read_cancelled_ = false;  // the owner's, as long as it is pending
  bool write_cancelled_ = false;
  bool recalled_ = false;  // that write was cancelled because the read that it served is over
  bool resetting_ = false;
  bool tickets_wait_ = false;  // the output is nothing but tickets
  End end_ = End::none;
};

}  // namespace weir
