// Stream: bytes in order, both ways: TCP, Unix socket, TLS over either, or a simulated pipe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/result.h"
#include "core/slice.h"
#include "io/address.h"
#include "io/operation.h"

namespace weir {

class Loop;
class Stream;
struct TlsFacts;

/// One read, as streams know it. `hint` is how many bytes would be useful (0: the usual 16 KiB at
/// most; more than 4 GiB are as good as that); large hints may be answered from larger buffers. The
/// result is never empty; the end of the stream is the error `end_of_stream`.
struct ReadOperation : Operation {
  explicit ReadOperation(std::size_t useful = 0)
      : hint(static_cast<std::uint32_t>(std::min<std::size_t>(useful, UINT32_MAX))) {}

  Result<Slice> result{};
  std::uint32_t hint;
  bool into_pipe = false;  // `hint` is then the most that may be taken
};

/// One write of all of `data`, in order. The slices are consumed as they are sent; on an error
/// what is left in them was not taken by the kernel.
struct WriteOperation : Operation {
  explicit WriteOperation(std::span<Slice> slices = {}) : data(slices) {}

  std::span<Slice> data;
  /// The stream ends right after it: what says so (FIN, close_notify) may share its last packet.
  bool last = false;
  Status result{};
};

/// The same to be awaited.
struct StreamRead : ReadOperation {
  StreamRead(Stream& from, std::size_t useful) : ReadOperation(useful), stream(from) {}
  inline bool start();
  Stream& stream;
};
struct StreamSplice : StreamRead {
  StreamSplice(Stream& from, std::size_t most) : StreamRead(from, most) { into_pipe = true; }
};
struct StreamWrite : WriteOperation {
  StreamWrite(Stream& to, std::span<Slice> slices) : WriteOperation(slices), stream(to) {}
  inline bool start();
  Stream& stream;
};

/// Called once when the peer has closed its sending side or the connection broke, even while
/// bytes are still unread. Must not destroy the stream or resume a coroutine before it returns.
class HangupWatch {
 public:
  using Function = void (*)(HangupWatch&);
  explicit HangupWatch(Function function) : function_(function) {}
  void run() { function_(*this); }

 private:
  Function function_;
};

/// One reader and one writer at a time, side by side. Destroyed only when no operation is
/// pending; destruction closes.
class Stream : public Cancellable {
 public:
  virtual ~Stream() = default;

  /// `co_await stream.read(stop)` gives Result<Slice>.
  OperationAwaiter<StreamRead> read(StopToken stop = {}, std::size_t hint = 0) {
    return OperationAwaiter<StreamRead>(stop, *this, hint);
  }
  /// `co_await stream.write(slices, stop)` gives Status. `data` outlives the await.
  OperationAwaiter<StreamWrite> write(std::span<Slice> data, StopToken stop = {}) {
    return OperationAwaiter<StreamWrite>(stop, *this, data);
  }

  /// Both return true when the operation completed at once; else it pends until the loop
  /// completes it.
  virtual bool start_read(ReadOperation& operation) = 0;
  virtual bool start_write(WriteOperation& operation) = 0;

  /// What can be read without waiting; nothing when a read would wait. For tunnels and for
  /// bodies that want to leave together with what is already there.
  virtual std::optional<Result<Slice>> try_read(std::size_t hint) = 0;

  /// Whether `write` takes slices of pipes and `splice` can make them.
  virtual bool splices() const { return false; }
  /// Reads at most `most` bytes for a reader who passes them on without a look: they may come as
  /// a slice of a pipe, or in memory when no pipe is to be had. Only if `splices`.
  OperationAwaiter<StreamSplice> splice(StopToken stop, std::size_t most) {
    return OperationAwaiter<StreamSplice>(stop, *this, most);
  }
  virtual std::optional<Result<Slice>> try_splice(std::size_t most) { return try_read(most); }

  /// Writes what goes without waiting, while no write is pending, and consumes it. A broken
  /// connection takes nothing; the next operation tells.
  virtual void try_write(std::span<Slice>& data) { (void)data; }

  /// Sends what was written, then the end (FIN). Reading goes on.
  virtual void shutdown_write() = 0;

  /// Makes the coming destruction a reset instead of an orderly end.
  virtual void reset_on_close() = 0;

  /// At most one watch; null removes it. Runs at once if the hang-up has already been seen.
  virtual void watch_hangup(HangupWatch* watch) = 0;

  /// Asks the kernel, without reading: nothing unread, not closed by the peer.
  virtual bool idle_and_open() = 0;
  /// The same by what has been seen so far, without asking.
  virtual bool seen_open() const = 0;

  virtual Address peer() const = 0;
  virtual Address local() const = 0;
  /// Where the peer had connected to, if the system redirected it here (SO_ORIGINAL_DST); else
  /// none.
  virtual Address redirected_from() const { return {}; }
  virtual Loop& loop() const = 0;

  /// Gives up the descriptor (or the simulated socket's number): nothing of the loop refers to
  /// it any more. No operation is pending. TLS streams cannot: -1.
  virtual int detach() = 0;

  /// What the handshake told, if this is TLS; else null. Lives as long as the stream.
  virtual const TlsFacts* tls() const { return nullptr; }
};

inline bool StreamRead::start() { return stream.start_read(*this); }
inline bool StreamWrite::start() { return stream.start_write(*this); }

}  // namespace weir
