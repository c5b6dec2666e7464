// Connected sockets of the io_uring engine.
#pragma once

#include <memory>

#include "core/recycle.h"
#include "io/uring_engine.h"

namespace weir {

/// Reads wait in the kernel, with a provided buffer where there are such, and own no memory
/// meanwhile. Large reads, whose hint asks for it, wait for readiness and then fill a bulk block
/// in one call.
class UringStream final : public Stream, public Recycled<UringStream> {
 public:
  UringStream(UringLoop& loop, int socket) : loop_(&loop), socket_(socket) {}
  ~UringStream() override;

  bool start_read(ReadOperation& operation) override;
  bool start_write(WriteOperation& operation) override;
  bool start_connect(ConnectOperation& operation);
  std::optional<Result<Slice>> try_read(std::size_t hint) override;
  bool splices() const override { return true; }
  std::optional<Result<Slice>> try_splice(std::size_t most) override;
  void try_write(std::span<Slice>& data) override;
  void shutdown_write() override;
  void reset_on_close() override;
  void watch_hangup(HangupWatch* watch) override;
  bool idle_and_open() override;
  bool seen_open() const override;
  Address peer() const override;
  Address local() const override;
  Address redirected_from() const override;
  Loop& loop() const override { return *loop_; }
  int detach() override;
  void cancel(Operation& operation, const Error& why) override;

  /// Completions. Each may destroy the stream.
  void on_read(int result, unsigned flags);
  void on_write(int result);
  void on_hangup(int result);

 private:
  void queue_receive();
  void queue_poll(UringTag tag, unsigned events);
  void queue_send(WriteOperation& operation);
  std::optional<Result<Slice>> try_now(std::size_t hint, bool into_pipe);
  bool read_now(std::size_t hint, bool into_pipe, Result<Slice>& result);
  bool received(int result, unsigned flags);
  bool advance(WriteOperation& operation);
  bool write_now(WriteOperation& operation);
  bool sent(WriteOperation& operation, int result);
  void connected(ConnectOperation& operation, int result);
  void forget_hangup();

  static constexpr std::uint32_t kUnwatched = ~std::uint32_t{0};

  UringLoop* loop_;
  ReadOperation* read_ = nullptr;
  Operation* write_ = nullptr;  // a write, or the connect
  HangupWatch* hangup_watch_ = nullptr;
  int socket_;
  std::uint32_t registration_ = kUnwatched;  // of the standing poll for the peer's end
  std::uint32_t emptied_turn_ = 0;           // when a read last took all there was
  bool emptied_ : 1 = false;                 // it did
  bool hung_up_ : 1 = false;
  bool connecting_ : 1 = false;
  bool read_polls_ : 1 = false;  // the pending read waits for readiness, not for bytes
  bool write_polls_ : 1 = false;
  bool read_cancelled_ : 1 = false;  // its result is set already, for the case that none comes
  bool write_cancelled_ : 1 = false;
};

}  // namespace weir
