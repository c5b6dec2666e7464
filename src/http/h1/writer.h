// Writes heads of HTTP/1.1 messages into memory of the caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/result.h"
#include "http/headers.h"

namespace weir::h1 {

/// Bytes enough for a head with these parts (exact for requests and known statuses).
std::size_t request_head_size(std::string_view method, std::string_view target,
                              const Headers& headers);
std::size_t response_head_size(std::uint16_t status, std::string_view reason,
                               const Headers& headers);

/// Writes a head from its parts, always as HTTP/1.1: the first line, then fields, then
/// `finish`. Every byte is checked again on its way out: a name, value, method or target with a
/// byte that could start a new line or field fails the whole head, which must not be sent.
/// Failures stick and are told by `finish`.
class HeadWriter {
 public:
  HeadWriter(char* begin, char* end) : begin_(begin), next_(begin), end_(end) {}

  void request_line(std::string_view method, std::string_view target);
  /// An empty `reason` means the registered phrase of `status` (100 to 999).
  void status_line(std::uint16_t status, std::string_view reason = {});
  void field(std::string_view name, std::string_view value);
  void field(HeaderId id, std::string_view value) { known_field(header_name(id), value); }
  /// A field with a number as value: Content-Length.
  void field(HeaderId id, std::uint64_t value);
  void fields(const Headers& headers);
  /// Bytes that are known to be good: ready-made field lines with their CRLF.
  void raw(std::string_view lines);

  /// Ends the head with the empty line and gives it. Errors: limit (does not fit), internal (a
  /// forbidden byte), Origin::weir.
  Result<std::string_view> finish();

  /// Bytes written so far.
  std::size_t size() const { return static_cast<std::size_t>(next_ - begin_); }

 private:
  enum class Failure : std::uint8_t { none, no_room, forbidden };
  bool reserve(std::size_t bytes);
  void known_field(std::string_view name, std::string_view value);
  void finish_field(std::string_view value, bool good);

  char* begin_;
  char* next_;
  char* end_;
  Failure failure_ = Failure::none;
};

/// "0" CRLF, the trailer fields, CRLF: the end of a chunked body. Same checks and errors.
Result<std::string_view> write_last_chunk(char* begin, char* end, const Headers& trailers);

}  // namespace weir::h1
