#include "http/h2/engine.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "http/h2/engine_callbacks.h"

namespace weir::h2 {
namespace {

// A head that is larger than the limit is still answered with 431, up to this many times.
constexpr std::uint32_t kHeadExcess = 4;
// Data of which one window update is what an ordinary client sends.
constexpr std::size_t kBytesPerUpdate = 512;
constexpr std::uint32_t kMostUpdateCredit = 4096;

struct Option {
  Option(const Limits& limits) {
    nghttp2_option_new(&value);
    nghttp2_option_set_no_auto_window_update(value, 1);
    // Messages are checked by FieldBlock, more strictly and once.
    nghttp2_option_set_no_http_messaging(value, 1);
    nghttp2_option_set_max_reserved_remote_streams(value, 0);
    nghttp2_option_set_max_outbound_ack(value, limits.outbound_acks);
    nghttp2_option_set_max_settings(value, 32);
    nghttp2_option_set_max_deflate_dynamic_table_size(value, limits.header_table);
    nghttp2_option_set_builtin_recv_extension_type(value, NGHTTP2_PRIORITY_UPDATE);
    // Resets are counted by the abuse budget; nghttp2's own limit would read the system's clock.
    nghttp2_option_set_stream_reset_rate_limit(value, UINT64_MAX / 2, UINT64_MAX / 2);
  }
  ~Option() { nghttp2_option_del(value); }
  nghttp2_option* value = nullptr;
};

int submit_settings(nghttp2_session* session, Side side, const Limits& limits,
                    const FieldLimits& fields) {
  std::array<nghttp2_settings_entry, 6> entries;
  std::size_t count = 0;
  auto add = [&](std::int32_t id, std::uint32_t value) { entries[count++] = {id, value}; };
  add(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window);
  add(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, fields.list_bytes);
  if (limits.header_table != NGHTTP2_DEFAULT_HEADER_TABLE_SIZE) {
    add(NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, limits.header_table);
  }
  if (side == Side::client) {
    add(NGHTTP2_SETTINGS_ENABLE_PUSH, 0);
  } else {
    add(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams);
    add(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1);
    add(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1);
  }
  return nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, entries.data(), count);
}

const nghttp2_data_provider kProvider{{.ptr = nullptr}, &EngineCallbacks::read_data};

}  // namespace

Engine::Engine(Side side, const Limits& limits, const FieldLimits& fields, EngineListener& listener)
    : side_(side),
      listener_(listener),
      limits_(limits),
      field_limits_(fields),
      watch_(side == Side::server) {
  Option option(limits);
  nghttp2_mem memory = EngineCallbacks::memory(*this);
  auto make = side == Side::server ? &nghttp2_session_server_new3 : &nghttp2_session_client_new3;
  // These fail for lack of memory only, and then the allocator has ended the program.
  int made = make(&session_, EngineCallbacks::table(), this, option.value, &memory);
  if (made != 0 || submit_settings(session_, side, limits, fields) != 0) std::abort();
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(limits.connection_window));
}

Engine::~Engine() { nghttp2_session_del(session_); }

// --- in ----------------------------------------------------------------------------------------

Status Engine::feed(const Slice& bytes) {
  if (failed()) return fail(failure_);
  bool calm =
      watch_.scan(bytes.view(), [this](const FrameHeader& frame) { return on_frame(frame); });
  if (!calm) {
    calm_down();
    return fail(failure_);
  }
  feeding_ = &bytes;
  ssize_t took = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  feeding_ = nullptr;
  if (too_much_ || nghttp2_session_get_outbound_queue_size(session_) > limits_.outbound_frames) {
    calm_down();
  } else if (took < 0) {
    fail_with(static_cast<int>(took));
  }
  if (failed()) return fail(failure_);
  return {};
}

// Counts what costs more than it brings. False: too much of it.
bool Engine::on_frame(const FrameHeader& frame) {
  switch (frame.type) {
    case FrameType::headers:
    case FrameType::continuation: return on_head_frame(frame);
    case FrameType::data:
      return frame.length > 0 || frame.has(FrameHeader::kEndStream) || note(Misdeed::empty_frame);
    case FrameType::priority:
    case FrameType::priority_update: return note(Misdeed::priority);
    case FrameType::rst_stream: return note(Misdeed::reset);
    case FrameType::settings: return frame.has(FrameHeader::kAck) || note(Misdeed::settings);
    case FrameType::ping: return frame.has(FrameHeader::kAck) || note(Misdeed::ping);
    case FrameType::window_update:
      if (update_credit_ == 0) return note(Misdeed::window_update);
      --update_credit_;
      return true;
    case FrameType::push_promise:
    case FrameType::goaway: return true;
  }
  return note(Misdeed::ignored_frame);
}

// A head in many or in large pieces is given up before it is decoded (CONTINUATION flood).
bool Engine::on_head_frame(const FrameHeader& frame) {
  if (frame.type == FrameType::headers) {
    head_bytes_ = 0;
    head_frames_ = 0;
  } else if (++head_frames_ > limits_.continuations || !note(Misdeed::continuation)) {
    return false;
  }
  head_bytes_ += frame.length;
  if (head_bytes_ > kHeadExcess * std::max(field_limits_.list_bytes, 16384u)) return false;
  return frame.length > 0 || note(Misdeed::empty_frame);
}

bool Engine::note(Misdeed what) {
  if (!listener_.misdeed(what)) too_much_ = true;
  return !too_much_;
}

void Engine::accuse(Misdeed what) {
  bool inside = feeding_ != nullptr || pulling_ != nullptr;  // these see to it at their end
  if (!note(what) && !inside && !failed()) calm_down();
}

void Engine::calm_down() {
  Origin from = side_ == Side::server ? Origin::client : Origin::upstream;
  failure_ = Error(ErrorCode::limit, from, "the peer was told to calm down");
  listener_.calmed();
  terminate(Reason::enhance_your_calm);
}

void Engine::fail_with(int code) {
  Origin from = side_ == Side::server ? Origin::client : Origin::upstream;
  failure_ = Error(ErrorCode::parse, from, "not the HTTP/2 that we understand");
  bool magic = code == NGHTTP2_ERR_BAD_CLIENT_MAGIC;
  terminate(magic ? Reason::protocol_error : Reason::enhance_your_calm);
}

// --- out ---------------------------------------------------------------------------------------

bool Engine::wants_output() const { return nghttp2_session_want_write(session_) != 0; }

Status Engine::pull(OutputBatch& out) {
  pulling_ = &out;
  ssize_t size = 0;
  while (!out.full()) {
    const std::uint8_t* frame = nullptr;
    size = nghttp2_session_mem_send(session_, &frame);
    if (size <= 0) break;
    out.copy({reinterpret_cast<const char*>(frame), static_cast<std::size_t>(size)});
  }
  pulling_ = nullptr;
  if (size < 0) {
    failure_ = Error(ErrorCode::internal, Origin::weir, "HTTP/2 output");
    return fail(failure_);
  }
  if (too_much_ && !failed()) calm_down();
  return {};
}

void Engine::data_sent(std::size_t bytes) {
  update_credit_ = std::min<std::uint32_t>(
      update_credit_ + static_cast<std::uint32_t>(bytes / kBytesPerUpdate), kMostUpdateCredit);
}

// nghttp2 found that the peer broke the protocol.
void Engine::goaway_sent(std::uint32_t code) {
  if (code == NGHTTP2_NO_ERROR || failed()) return;
  Origin from = side_ == Side::server ? Origin::client : Origin::upstream;
  failure_ = Error(ErrorCode::parse, from, name(static_cast<Reason>(code)));
}

bool Engine::finished() const {
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

// --- streams -----------------------------------------------------------------------------------

Status Engine::request(EngineStream& stream, const FieldList& fields, bool end) {
  if (failed() || nghttp2_session_check_request_allowed(session_) == 0) {
    return fail(ErrorCode::shutting_down, Origin::upstream, "the session takes no more streams",
                Retry::always);
  }
  if (open_streams_ >= peer_streams()) {
    return fail(ErrorCode::overloaded, Origin::upstream, "no stream is free", Retry::always);
  }
  WireArray array(fields);
  std::int32_t id = nghttp2_submit_request(session_, nullptr, array.data(), array.size(),
                                           end ? nullptr : &kProvider, &stream);
  if (id < 0) {
    return fail(ErrorCode::shutting_down, Origin::upstream, "no stream can be opened",
                Retry::always);
  }
  stream.id_ = id;
  stream.open_ = true;
  ++open_streams_;
  return {};
}

Status Engine::interim(EngineStream& stream, const FieldList& fields) {
  WireArray array(fields);
  int error = stream.open_ ? nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id_,
                                                    nullptr, array.data(), array.size(), nullptr)
                           : NGHTTP2_ERR_STREAM_CLOSED;
  if (error != 0) return fail(ErrorCode::cancelled, Origin::client, "the stream is closed");
  return {};
}

Status Engine::respond(EngineStream& stream, const FieldList& fields, bool end) {
  WireArray array(fields);
  int error = stream.open_ ? nghttp2_submit_response(session_, stream.id_, array.data(),
                                                     array.size(), end ? nullptr : &kProvider)
                           : NGHTTP2_ERR_STREAM_CLOSED;
  if (error != 0) return fail(ErrorCode::cancelled, Origin::client, "the stream is closed");
  return {};
}

void Engine::resume(EngineStream& stream) {
  if (stream.open_) nghttp2_session_resume_data(session_, stream.id_);
}

void Engine::consume(EngineStream& stream, std::size_t bytes) {
  if (stream.open_ && bytes > 0) nghttp2_session_consume_stream(session_, stream.id_, bytes);
}

void Engine::reset(EngineStream& stream, Reason reason) {
  if (!stream.open_ || std::exchange(stream.reset_sent_, true)) return;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_,
                            static_cast<std::uint32_t>(reason));
}

// The rest of a head that is in the middle of arriving has nowhere to go.
void Engine::abandon_head(const EngineStream& stream) {
  if (head_of_ != &stream) return;
  head_of_ = nullptr;
  block_.begin({}, Origin::weir, nullptr, field_limits_);
}

void Engine::forget(EngineStream& stream) {
  abandon_head(stream);
  if (!stream.open_) return;
  reset(stream, Reason::cancel);
  nghttp2_session_set_stream_user_data(session_, stream.id_, nullptr);
  stream.open_ = false;
  --open_streams_;
}

void Engine::end_and_forget(EngineStream& stream) {
  if (!stream.open_ || stream.reset_sent_) return forget(stream);
  abandon_head(stream);
  nghttp2_session_set_stream_user_data(session_, stream.id_, &ending_);
  nghttp2_session_resume_data(session_, stream.id_);
  stream.open_ = false;  // still counted among the open ones
}

void Engine::prioritize(EngineStream& stream, Priority priority) {
  nghttp2_extpri wanted{priority.urgency, priority.incremental ? 1 : 0};
  nghttp2_session_change_extpri_stream_priority(session_, stream.id_, &wanted, 0);
}

bool Engine::blocked(const EngineStream& stream) const {
  return stream.open_ && (nghttp2_session_get_remote_window_size(session_) <= 0 ||
                          nghttp2_session_get_stream_remote_window_size(session_, stream.id_) <= 0);
}

// --- the connection ----------------------------------------------------------------------------

void Engine::ping() { nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr); }

void Engine::announce_goaway() { nghttp2_submit_shutdown_notice(session_); }

void Engine::goaway() {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
}

void Engine::terminate(Reason reason) {
  nghttp2_session_terminate_session(session_, static_cast<std::uint32_t>(reason));
}

std::uint32_t Engine::peer_streams() const {
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

bool Engine::peer_allows_connect_protocol() const {
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) ==
         1;
}

}  // namespace weir::h2
