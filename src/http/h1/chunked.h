// The chunked transfer coding (RFC 9112, 7.1): a strict decoder, and the bytes of an encoder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/arena.h"
#include "core/result.h"
#include "http/headers.h"

namespace weir::h1 {

struct ChunkLimits {
  std::uint32_t extension_bytes = 256;  // of one chunk, from the first byte after the size to CR
  // Framing beyond 16 bytes and twice the data, per chunk, adds up to at most this: a body of
  // little else than extensions and leading zeros is refused.
  std::uint32_t excess_bytes = 16384;
  std::uint32_t trailer_bytes = 8192;  // the trailer section with its last CRLF
  std::uint16_t trailer_count = 32;
};

/// Takes a chunked body apart, however it is cut. Extensions are checked and dropped. An error
/// is final, and the connection must be closed: nothing after it can be trusted.
class ChunkedDecoder {
 public:
  /// `arena` keeps trailers and outlives the decoder. `origin` is set in errors.
  ChunkedDecoder(Arena& arena, Origin origin, const ChunkLimits& limits = {})
      : limits_(limits), origin_(origin), trailers_(arena) {}

  struct Step {
    enum class Kind : std::uint8_t {
      need_more,  // all of the input is consumed, no data in it (any more)
      data,       // `data` is a piece of the body
      end         // the body and its trailers are complete; the rest is the next message's
    };
    Kind kind;
    std::size_t consumed;   // bytes of the input that are done with, `data` included
    std::string_view data;  // a view into the input
  };

  /// The next piece. Call it with the input from `consumed` on until it says need_more or end.
  /// Errors: bad_framing (400), limit (extensions, excess), head_too_large (trailers).
  Result<Step> next(std::string_view in);

  /// Bytes of the current chunk's data not seen yet: they may be moved without being read
  /// (splice), and are then reported with skip_data.
  std::uint64_t data_left() const { return state_ == State::data ? left_ : 0; }
  void skip_data(std::uint64_t bytes);

  bool done() const { return state_ == State::done; }
  /// After the end: the trailer fields that may be passed on. Views into the arena.
  const Headers& trailers() const { return trailers_; }
  Headers& trailers() { return trailers_; }

 private:
  enum class State : std::uint8_t {
    size_first,
    size,
    extension_before_semicolon,
    extension_name_first,
    extension_name,
    extension_after_name,
    extension_value_first,
    extension_value,
    extension_quoted,
    extension_quoted_pair,
    extension_after_quoted,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_first,
    trailer_last_lf,
    trailer_fields,
    done,
    failed
  };

  struct Refusal;
  Refusal framing_byte(char c);
  Refusal size_byte(char c);
  Refusal extension_byte(char c);
  Refusal after_extension(char c);
  Refusal end_of_size_line();
  Result<std::size_t> take_trailers(std::string_view in);

  ChunkLimits limits_;
  Origin origin_;
  State state_ = State::size_first;
  std::uint8_t digits_ = 0;
  std::uint32_t line_bytes_ = 0;       // of the current chunk's size line
  std::uint32_t extension_bytes_ = 0;  // of the current chunk
  std::uint32_t excess_ = 0;
  std::uint64_t left_ = 0;
  char* trailer_buffer_ = nullptr;  // in the arena, only if there are trailers
  std::uint32_t trailer_size_ = 0;
  std::uint32_t trailer_capacity_ = 0;
  Headers trailers_;
};

inline constexpr std::size_t kMaxChunkHead = 18;  // 16 digits and CRLF
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";  // without trailers
inline constexpr std::string_view kLastChunkHead = "0\r\n";  // then fields, then an empty line

/// Writes the line before a chunk of `size` bytes (not 0); returns its length. `out` has room
/// for kMaxChunkHead bytes. After the data comes kChunkEnd.
std::size_t write_chunk_head(char* out, std::uint64_t size);

}  // namespace weir::h1
