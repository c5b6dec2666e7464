// What the tests and fuzz targets of the HTTP/1.1 engine share.
#pragma once

#include <cstring>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/arena.h"
#include "http/h1/chunked.h"
#include "http/h1/engine.h"
#include "http/h1/framing.h"
#include "http/h1/head_parser.h"
#include "http/headers.h"

namespace weir::h1::testing {

/// Bytes in a block of exactly their size, so that AddressSanitizer sees every read beside it.
class ExactBytes {
 public:
  explicit ExactBytes(std::string_view text)
      : data_(std::make_unique_for_overwrite<char[]>(text.size())), size_(text.size()) {
    if (!text.empty()) std::memcpy(data_.get(), text.data(), text.size());
  }
  std::string_view view() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t size_;
};

/// A head parsed from a text that arrives whole.
template <class Head>
struct Parsed {
  explicit Parsed(std::string_view text, const Limits& limits = {},
                  const Engine& parser = weir::h1::engine())
      : bytes(text), headers(arena) {
    if constexpr (std::is_same_v<Head, RequestHead>) {
      length = parser.request_head(bytes.view(), 0, limits, head, headers);
    } else {
      length = parser.response_head(bytes.view(), 0, limits, head, headers);
    }
  }
  bool complete() const { return length && *length != 0; }
  bool incomplete() const { return length && *length == 0; }
  ErrorCode error() const { return length ? ErrorCode::none : length.error().code; }

  ExactBytes bytes;
  Arena arena;
  Headers headers;
  Head head;
  Result<std::size_t> length = std::size_t{0};
};

using Request = Parsed<RequestHead>;
using Response = Parsed<ResponseHead>;

/// A framing whose view outlives the message it came from.
inline Result<Framing> keep(Result<Framing> framing) {
  static std::set<std::string, std::less<>> kept;
  if (framing) framing->upgrade = *kept.emplace(framing->upgrade).first;
  return framing;
}

/// The framing of a request, or the error of whichever step refused it.
inline Result<Framing> frame_request(std::string_view text) {
  Request request(text);
  if (!request.length) return fail(request.length.error());
  if (request.incomplete()) return fail(ErrorCode::truncated, Origin::client, "incomplete");
  return keep(request_framing(request.head, request.headers));
}

inline Result<Framing> frame_response(std::string_view text, Method method = Method::get) {
  Response response(text);
  if (!response.length) return fail(response.length.error());
  if (response.incomplete()) return fail(ErrorCode::truncated, Origin::upstream, "incomplete");
  return keep(response_framing(response.head, response.headers, method));
}

/// `none` if the request is accepted.
inline ErrorCode request_error(std::string_view text) {
  auto framing = frame_request(text);
  return framing ? ErrorCode::none : framing.error().code;
}

inline ErrorCode response_error(std::string_view text, Method method = Method::get) {
  auto framing = frame_response(text, method);
  return framing ? ErrorCode::none : framing.error().code;
}

/// A POST over HTTP/1.1 with these further field lines (each with CRLF).
inline std::string post(std::string_view fields) {
  return "POST /x HTTP/1.1\r\nHost: a.example\r\n" + std::string(fields) + "\r\n";
}

inline std::string get(std::string_view fields) {
  return "GET /x HTTP/1.1\r\nHost: a.example\r\n" + std::string(fields) + "\r\n";
}

/// A chunked body taken apart in pieces of `cut` bytes (0: in one).
struct Decoded {
  explicit Decoded(std::string_view text, std::size_t cut = 0, const ChunkLimits& limits = {})
      : decoder(arena, Origin::client, limits) {
    std::size_t at = 0;
    while (at < text.size() && !ended && error.code == ErrorCode::none) {
      ExactBytes piece(text.substr(at, cut == 0 ? text.size() : cut));
      at += feed(piece.view());
    }
    consumed = at;
  }

  std::size_t feed(std::string_view in) {
    std::size_t done = 0;
    while (true) {
      auto step = decoder.next(in.substr(done));
      if (!step) {
        error = step.error();
        return done;
      }
      done += step->consumed;
      body += step->data;
      ended = step->kind == ChunkedDecoder::Step::Kind::end;
      if (step->kind != ChunkedDecoder::Step::Kind::data) return done;
    }
  }

  Arena arena;
  ChunkedDecoder decoder;
  std::string body;
  std::size_t consumed = 0;
  bool ended = false;
  Error error;
};

}  // namespace weir::h1::testing
