// The HTTP/2 engine: bytes in, events out; messages in, bytes out. Knows nothing of sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/recycle.h"
#include "core/result.h"
#include "core/slice.h"
#include "http/abuse_budget.h"
#include "http/h2/fields.h"
#include "http/h2/frame_watch.h"
#include "http/h2/limits.h"
#include "http/h2/output_batch.h"
#include "http/h2/reason.h"

struct nghttp2_session;

namespace weir::h2 {

class EngineCallbacks;

using StreamId = std::int32_t;

enum class Side : std::uint8_t { server, client };

/// How a stream ended.
struct Closed {
  Reason reason = Reason::no_error;
  bool by_peer = false;  // the peer reset it, refused it, or made us reset it
};

/// What a stream has to send at this moment.
struct Supply {
  std::size_t bytes = 0;
  bool end = false;                     // nothing comes after these bytes
  const FieldList* trailers = nullptr;  // with `end`
};

/// One stream as the engine calls it: from inside `feed` (what arrived) and `pull` (what goes
/// out). None of these may destroy a stream or call `feed` or `pull`.
class EngineStream {
 public:
  StreamId id() const { return id_; }

  /// A head or trailers begin: where their fields go, or null if nobody wants them.
  virtual Headers* head_begins(HeadKind kind) = 0;
  /// They are complete, perhaps with an error. `end`: nothing follows.
  virtual void on_head(FieldBlock& block, bool end) = 0;
  virtual void on_data(Slice bytes) = 0;
  /// The peer has sent everything; after on_head or on_data.
  virtual void on_end() = 0;
  /// The last call: the engine has let go of the stream.
  virtual void on_closed(Closed how) = 0;

  /// What could be sent, at most `most` bytes. With no bytes and no end the stream rests until
  /// `Engine::resume`. Is followed by `take` of exactly these bytes, or by on_closed.
  virtual Supply supply(std::size_t most) = 0;
  virtual void take(std::size_t bytes, OutputBatch& out) = 0;
  /// The last frame of our message has been pulled.
  virtual void on_end_sent() = 0;

 protected:
  EngineStream() = default;
  ~EngineStream() = default;

 private:
  friend class Engine;
  friend class EngineCallbacks;
  StreamId id_ = 0;
  bool open_ = false;        // the engine refers to it
  bool reset_sent_ = false;  // by our own wish
  bool final_seen_ = false;  // client: the head that is no interim one
  bool peer_reset_ = false;
};

/// The connection's own events. The same rule as for streams.
class EngineListener {
 public:
  /// A client opens a stream: null refuses it, and it is safe for the client to repeat.
  virtual EngineStream* open(StreamId id) = 0;
  /// False closes the connection with ENHANCE_YOUR_CALM.
  virtual bool misdeed(Misdeed what) = 0;
  /// The connection is closed for abuse.
  virtual void calmed() {}
  /// The peer takes no new streams; those above `last` were not touched.
  virtual void on_goaway(StreamId last, Reason reason) = 0;
  virtual void on_settings() = 0;
  virtual void on_ping_ack() = 0;

 protected:
  ~EngineListener() = default;
};

/// Around nghttp2. Single-threaded; an error of `feed` or `pull` is final, but what explains it
/// to the peer (GOAWAY) may still be pulled.
class Engine {
 public:
  Engine(Side side, const Limits& limits, const FieldLimits& fields, EngineListener& listener);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Takes what arrived; calls streams and listener. DATA reaches them as parts of `bytes`.
  Status feed(const Slice& bytes);

  bool wants_output() const;
  /// Adds frames until the batch is full or nothing is left that may go now.
  Status pull(OutputBatch& out);

  /// Nothing is left to read or write: the connection can be closed.
  bool finished() const;
  /// An error has ended the connection as a whole.
  bool failed() const { return failure_.code != ErrorCode::none; }
  const Error& failure() const { return failure_; }
  /// A head is arriving, or the very first frame has not come: for the timeout of heads.
  bool in_head() const { return watch_.in_head(); }
  std::uint32_t heads_begun() const { return watch_.heads(); }

  // Streams. All fields live until the frame has been pulled or the stream is forgotten.
  /// Client: opens a stream. Errors: overloaded (limit of the peer), shutting_down (GOAWAY), both
  /// Retry::always.
  Status request(EngineStream& stream, const FieldList& fields, bool end);
  Status interim(EngineStream& stream, const FieldList& fields);
  Status respond(EngineStream& stream, const FieldList& fields, bool end);
  /// It has something to send again.
  void resume(EngineStream& stream);
  /// `bytes` of its body were read: the peer may send as many more.
  void consume(EngineStream& stream, std::size_t bytes);
  void reset(EngineStream& stream, Reason reason);
  /// The object goes. A stream that is not closed is reset with CANCEL.
  void forget(EngineStream& stream);
  /// The object goes, and all that is left to be sent is the end of the stream.
  void end_and_forget(EngineStream& stream);
  void prioritize(EngineStream& stream, Priority priority);
  /// The peer does not let this stream send, by its window or that of the connection.
  bool blocked(const EngineStream& stream) const;

  // The connection.
  void ping();
  /// Says that GOAWAY is near: no stream is lost that is on its way (RFC 9113, 6.8).
  void announce_goaway();
  /// No new streams from here on; open ones go on.
  void goaway();
  /// Ends everything; GOAWAY with `reason` is the last frame.
  void terminate(Reason reason);
  /// Counts against the budget; ends the connection when it is used up.
  void accuse(Misdeed what);

  /// Streams that may be open at once, as the peer has said.
  std::uint32_t peer_streams() const;
  std::uint32_t open_streams() const { return open_streams_; }
  bool peer_allows_connect_protocol() const;
  /// Bytes of the heap that nghttp2 holds for this connection.
  std::size_t allocated() const { return allocated_; }

 private:
  friend class EngineCallbacks;

  /// Stands for streams whose objects are gone and whose last frame is still to be sent.
  class Ending final : public EngineStream {
    Headers* head_begins(HeadKind) override { return nullptr; }
    void on_head(FieldBlock&, bool) override {}
    void on_data(Slice) override {}
    void on_end() override {}
    void on_closed(Closed) override {}
    Supply supply(std::size_t) override { return {.bytes = 0, .end = true, .trailers = nullptr}; }
    void take(std::size_t, OutputBatch&) override {}
    void on_end_sent() override {}
  };

  bool on_frame(const FrameHeader& frame);
  bool on_head_frame(const FrameHeader& frame);
  bool note(Misdeed what);
  void abandon_head(const EngineStream& stream);
  void calm_down();
  void fail_with(int code);
  void data_sent(std::size_t bytes);
  void goaway_sent(std::uint32_t code);

  Side side_;
  EngineListener& listener_;
  const Limits limits_;
  FieldLimits field_limits_;
  nghttp2_session* session_ = nullptr;
  Ending ending_;
  FrameWatch watch_;
  EngineStream* head_of_ = nullptr;  // whose head is arriving
  FieldBlock block_;                 // of the head that is arriving: heads never interleave
  const Slice* feeding_ = nullptr;
  OutputBatch* pulling_ = nullptr;
  std::size_t allocated_ = 0;
  std::uint32_t open_streams_ = 0;
  std::uint32_t head_bytes_ = 0;  // compressed, of the head that is arriving
  std::uint16_t head_frames_ = 0;
  std::uint32_t update_credit_ = 0;  // window updates that are paid for by data we sent
  bool too_much_ = false;            // the budget is used up
  Error failure_;
};

}  // namespace weir::h2
