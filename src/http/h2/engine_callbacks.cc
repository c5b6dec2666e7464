#include "http/h2/engine_callbacks.h"

#include <cstring>

#include "http/status.h"

namespace weir::h2 {
namespace {

Engine& engine_of(void* user) { return *static_cast<Engine*>(user); }

std::string_view text_of(nghttp2_rcbuf* buffer) {
  nghttp2_vec bytes = nghttp2_rcbuf_get_buf(buffer);
  return {reinterpret_cast<const char*>(bytes.base), bytes.len};
}

// --- memory ------------------------------------------------------------------------------------

// Each block begins with its size: nghttp2 frees without telling it.
constexpr std::size_t kBlockHeader = 16;

void* take(std::size_t bytes, void* user) {
  std::size_t total = bytes + kBlockHeader;
  *static_cast<std::size_t*>(user) += total;
  char* block = static_cast<char*>(recycle_allocate(total));
  std::memcpy(block, &total, sizeof total);
  return block + kBlockHeader;
}

std::size_t total_of(void* bytes) {
  std::size_t total;
  std::memcpy(&total, static_cast<char*>(bytes) - kBlockHeader, sizeof total);
  return total;
}

void give_back(void* bytes, void* user) {
  if (bytes == nullptr) return;
  std::size_t total = total_of(bytes);
  *static_cast<std::size_t*>(user) -= total;
  recycle_free(static_cast<char*>(bytes) - kBlockHeader, total);
}

void* take_zeroed(std::size_t count, std::size_t size, void* user) {
  void* bytes = take(count * size, user);
  std::memset(bytes, 0, count * size);
  return bytes;
}

void* resize(void* bytes, std::size_t size, void* user) {
  if (bytes == nullptr) return take(size, user);
  void* larger = take(size, user);
  std::size_t old = total_of(bytes) - kBlockHeader;
  std::memcpy(larger, bytes, old < size ? old : size);
  give_back(bytes, user);
  return larger;
}

}  // namespace

nghttp2_mem EngineCallbacks::memory(Engine& engine) {
  return {&engine.allocated_, &take, &give_back, &take_zeroed, &resize};
}

const nghttp2_session_callbacks* EngineCallbacks::table() {
  static const nghttp2_session_callbacks* const kTable = [] {
    nghttp2_session_callbacks* made = nullptr;
    nghttp2_session_callbacks_new(&made);
    nghttp2_session_callbacks_set_on_begin_headers_callback(made, &on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(made, &on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, &on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, &on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, &on_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(made, &on_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(made, &on_not_sent);
    nghttp2_session_callbacks_set_send_data_callback(made, &send_data);
    return made;
  }();
  return kTable;
}

EngineStream* EngineCallbacks::stream_of(nghttp2_session* session, std::int32_t id) {
  return static_cast<EngineStream*>(nghttp2_session_get_stream_user_data(session, id));
}

// --- what arrives ------------------------------------------------------------------------------

HeadKind EngineCallbacks::kind_of(const Engine& engine, const nghttp2_frame& frame,
                                  const EngineStream& stream) {
  if (engine.side_ == Side::server) {
    return frame.headers.cat == NGHTTP2_HCAT_REQUEST ? HeadKind::request : HeadKind::trailers;
  }
  return stream.final_seen_ ? HeadKind::trailers : HeadKind::response;
}

int EngineCallbacks::on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame,
                                      void* user) {
  Engine& engine = engine_of(user);
  std::int32_t id = frame->hd.stream_id;
  EngineStream* stream = stream_of(session, id);
  engine.block_.begin({}, Origin::client, nullptr, engine.field_limits_);
  if (engine.side_ == Side::server && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
    stream = engine.listener_.open(id);
    if (stream == nullptr) {
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
      bool bearable = engine.note(Misdeed::refused);
      return bearable ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    stream->id_ = id;
    stream->open_ = true;
    ++engine.open_streams_;
    nghttp2_session_set_stream_user_data(session, id, stream);
  }
  if (stream == nullptr) return 0;
  HeadKind kind = kind_of(engine, *frame, *stream);
  Origin from = engine.side_ == Side::server ? Origin::client : Origin::upstream;
  engine.head_of_ = stream;
  engine.block_.begin(kind, from, stream->head_begins(kind), engine.field_limits_);
  return 0;
}

int EngineCallbacks::on_header(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf* name,
                               nghttp2_rcbuf* value, std::uint8_t, void* user) {
  Engine& engine = engine_of(user);
  if (engine.block_.wanted()) engine.block_.add(text_of(name), text_of(value));
  return 0;
}

int EngineCallbacks::on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
  Engine& engine = engine_of(user);
  bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  bool ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      if (EngineStream* stream = stream_of(session, frame->hd.stream_id)) {
        on_head(engine, *stream, end);
      }
      break;
    case NGHTTP2_DATA:
      if (!end) {
        // Nothing but padding; FrameWatch sees only those without even that.
        bool hollow = frame->data.padlen > 0 && frame->hd.length == frame->data.padlen;
        if (hollow) engine.note(Misdeed::empty_frame);
        break;
      }
      if (EngineStream* stream = stream_of(session, frame->hd.stream_id)) stream->on_end();
      break;
    case NGHTTP2_RST_STREAM:
      if (EngineStream* stream = stream_of(session, frame->hd.stream_id)) {
        stream->peer_reset_ = true;
      }
      break;
    case NGHTTP2_SETTINGS:
      if (!ack) engine.listener_.on_settings();
      break;
    case NGHTTP2_PING:
      if (ack) engine.listener_.on_ping_ack();
      break;
    case NGHTTP2_GOAWAY:
      engine.listener_.on_goaway(frame->goaway.last_stream_id,
                                 static_cast<Reason>(frame->goaway.error_code));
      break;
    default: break;
  }
  return engine.too_much_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

void EngineCallbacks::on_head(Engine& engine, EngineStream& stream, bool end) {
  FieldBlock& block = engine.block_;
  engine.head_of_ = nullptr;
  if (!block.wanted()) return;
  block.end();
  // RFC 9113, 8.1: trailers end the message; an interim response does not.
  bool interim = block.kind() == HeadKind::response && is_interim(block.status);
  if (block.kind() == HeadKind::response && !interim) stream.final_seen_ = true;
  if ((block.kind() == HeadKind::trailers && !end) || (interim && end)) {
    block.spoil("a head that ends, or does not end, its message");
  }
  if (block.error().code == ErrorCode::head_too_large) engine.note(Misdeed::oversized_head);
  stream.on_head(block, end);
  if (end && stream.open_) stream.on_end();
}

int EngineCallbacks::on_data(nghttp2_session* session, std::uint8_t, std::int32_t id,
                             const std::uint8_t* data, std::size_t size, void* user) {
  Engine& engine = engine_of(user);
  // For the connection the bytes are taken at once; how many a stream may hold back is bounded by
  // its own window, so that one that nobody reads does not stop the others.
  nghttp2_session_consume_connection(session, size);
  EngineStream* stream = stream_of(session, id);
  if (stream == nullptr) return 0;
  stream->on_data(engine.feeding_->part({reinterpret_cast<const char*>(data), size}));
  return 0;
}

int EngineCallbacks::on_close(nghttp2_session* session, std::int32_t id, std::uint32_t code,
                              void* user) {
  EngineStream* stream = stream_of(session, id);
  if (stream == nullptr) return 0;
  --engine_of(user).open_streams_;
  if (stream == &engine_of(user).ending_) return 0;
  stream->open_ = false;
  // By RST_STREAM, by GOAWAY, or by a violation that made nghttp2 reset it.
  bool by_peer = !stream->reset_sent_ && (stream->peer_reset_ || code != NGHTTP2_NO_ERROR);
  stream->on_closed({static_cast<Reason>(code), by_peer});
  return 0;
}

// --- what goes out -----------------------------------------------------------------------------

ssize_t EngineCallbacks::read_data(nghttp2_session* session, std::int32_t id, std::uint8_t*,
                                   std::size_t most, std::uint32_t* flags, nghttp2_data_source*,
                                   void*) {
  EngineStream* stream = stream_of(session, id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  Supply supply = stream->supply(most);
  if (supply.bytes == 0 && !supply.end) return NGHTTP2_ERR_DEFERRED;
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (supply.end) *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (supply.end && supply.trailers != nullptr) {
    WireArray fields(*supply.trailers);
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    if (nghttp2_submit_trailer(session, id, fields.data(), fields.size()) != 0) {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
  }
  return static_cast<ssize_t>(supply.bytes);
}

int EngineCallbacks::send_data(nghttp2_session* session, nghttp2_frame* frame,
                               const std::uint8_t* header, std::size_t size, nghttp2_data_source*,
                               void* user) {
  Engine& engine = engine_of(user);
  EngineStream* stream = stream_of(session, frame->hd.stream_id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  engine.pulling_->copy({reinterpret_cast<const char*>(header), kFrameHeader});
  if (size > 0) stream->take(size, *engine.pulling_);
  engine.data_sent(size);
  return engine.pulling_->full() ? NGHTTP2_ERR_PAUSE : 0;
}

int EngineCallbacks::on_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
  Engine& engine = engine_of(user);
  std::int32_t id = frame->hd.stream_id;
  bool message = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
  if (message && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
    if (EngineStream* stream = stream_of(session, id)) stream->on_end_sent();
  }
  if (frame->hd.type == NGHTTP2_RST_STREAM) {
    // One that we did not wish for: nghttp2 found a violation (MadeYouReset).
    EngineStream* stream = stream_of(session, id);
    if (stream != nullptr && !stream->reset_sent_) engine.note(Misdeed::malformed);
  }
  if (frame->hd.type == NGHTTP2_GOAWAY) engine.goaway_sent(frame->goaway.error_code);
  return 0;
}

// A request that never left: GOAWAY came before it.
int EngineCallbacks::on_not_sent(nghttp2_session*, const nghttp2_frame*, int, void*) { return 0; }

WireArray::WireArray(const FieldList& fields)
    : data_(fields.span().size() <= kInline ? inline_ : new nghttp2_nv[fields.span().size()]),
      size_(fields.span().size()) {
  auto bytes = [](std::string_view text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
  };
  nghttp2_nv* out = data_;
  for (const WireField& field : fields.span()) {
    *out++ = {bytes(field.name), bytes(field.value), field.name.size(), field.value.size(),
              NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
  }
}

WireArray::~WireArray() {
  if (data_ != inline_) delete[] data_;
}

}  // namespace weir::h2
