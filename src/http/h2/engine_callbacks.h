// What nghttp2 calls: turns its callbacks into the calls of EngineStream and EngineListener.
#pragma once

#include <nghttp2/nghttp2.h>

#include "http/h2/engine.h"

namespace weir::h2 {

class EngineCallbacks {
 public:
  /// Made once per process.
  static const nghttp2_session_callbacks* table();
  /// Recycled blocks, counted in `engine`.
  static nghttp2_mem memory(Engine& engine);
  /// For a stream whose object may be gone.
  static ssize_t read_data(nghttp2_session* session, std::int32_t id, std::uint8_t* buffer,
                           std::size_t most, std::uint32_t* flags, nghttp2_data_source* source,
                           void* user);

 private:
  static EngineStream* stream_of(nghttp2_session* session, std::int32_t id);
  static HeadKind kind_of(const Engine& engine, const nghttp2_frame& frame,
                          const EngineStream& stream);

  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, nghttp2_rcbuf* name,
                       nghttp2_rcbuf* value, std::uint8_t flags, void* user);
  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  static void on_head(Engine& engine, EngineStream& stream, bool end);
  static int on_data(nghttp2_session* session, std::uint8_t flags, std::int32_t id,
                     const std::uint8_t* data, std::size_t size, void* user);
  static int on_close(nghttp2_session* session, std::int32_t id, std::uint32_t code, void* user);
  static int on_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  static int on_not_sent(nghttp2_session* session, const nghttp2_frame* frame, int error,
                         void* user);
  static int send_data(nghttp2_session* session, nghttp2_frame* frame, const std::uint8_t* header,
                       std::size_t size, nghttp2_data_source* source, void* user);
};

/// The fields as nghttp2 takes them; names and values are not copied.
class WireArray {
 public:
  explicit WireArray(const FieldList& fields);
  ~WireArray();
  WireArray(const WireArray&) = delete;
  WireArray& operator=(const WireArray&) = delete;
  const nghttp2_nv* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kInline = 32;
  nghttp2_nv inline_[kInline];
  nghttp2_nv* data_;
  std::size_t size_;
};

}  // namespace weir::h2
