// An HTTP/2 stream as a Stream: bytes both ways with half-close, for CONNECT and WebSocket.
#pragma once

#include "http/h2/channel.h"
#include "io/stream.h"

namespace weir::h2 {

/// A view of a channel whose heads have been exchanged. The channel outlives it; destroying it
/// before both sides have ended resets the HTTP/2 stream.
class TunnelStream final : public Stream, private Arrivals, private Departures {
 public:
  explicit TunnelStream(Channel& channel);
  ~TunnelStream() override;

  bool start_read(ReadOperation& operation) override;
  bool start_write(WriteOperation& operation) override;
  std::optional<Result<Slice>> try_read(std::size_t hint) override;
  void shutdown_write() override;
  void reset_on_close() override { reset_ = true; }
  void watch_hangup(HangupWatch* watch) override;
  bool idle_and_open() override { return seen_open(); }
  bool seen_open() const override { return !channel_.closed(); }
  Address peer() const override { return channel_.connection().stream().peer(); }
  Address local() const override { return channel_.connection().stream().local(); }
  Loop& loop() const override { return channel_.connection().loop(); }
  int detach() override { return -1; }
  void cancel(Operation& operation, const Error& why) override;

 private:
  void arrived() override;
  Supply supply(std::size_t most) override;
  void take(std::size_t bytes, OutputBatch& out) override;
  void closed() override;

  Channel& channel_;
  ReadOperation* read_ = nullptr;
  WriteOperation* write_ = nullptr;
  HangupWatch* watch_ = nullptr;
  bool shut_ = false;
  bool reset_ = false;
};

}  // namespace weir::h2
