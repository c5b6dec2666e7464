// The records of FastCGI 1.0, as a web server speaks them with a responder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.h"
#include "core/result.h"

namespace weir::fastcgi {

/// FastCGI 1.0, 8.
enum class RecordType : std::uint8_t {
  begin_request = 1,
  abort_request = 2,
  end_request = 3,
  params = 4,
  standard_input = 5,
  standard_output = 6,
  standard_error = 7
};

inline constexpr std::size_t kHeaderBytes = 8;
inline constexpr std::size_t kMaxContent = 65535;
/// The one request on a connection: php-fpm and most other applications take one at a time.
inline constexpr std::uint16_t kRequestId = 1;

/// The header of a record of `content` bytes (at most kMaxContent) without padding.
std::array<char, kHeaderBytes> record_header(RecordType type, std::size_t content);

/// BEGIN_REQUEST for a responder, whole. `keep`: the application does not close the connection.
std::array<char, 2 * kHeaderBytes> begin_request(bool keep);

/// How an application says that a request has ended (FastCGI 1.0, 5.5).
enum class ProtocolStatus : std::uint8_t {
  complete = 0,
  cannot_multiplex = 1,  // it has not looked at the request
  overloaded = 2,        // nor here
  unknown_role = 3
};

struct EndRequest {
  ProtocolStatus protocol = ProtocolStatus::complete;
  std::uint32_t application = 0;  // exit status
};

/// Takes apart what an application sends for the one request of a connection. Bytes in, one step
/// after the other out; holds no bytes but those of a header or of END_REQUEST.
class RecordReader {
 public:
  struct Step {
    enum class Kind : std::uint8_t { more, output, error_output, end };
    Kind kind = Kind::more;    // more: all was consumed, nothing came of it
    std::string_view data;     // of output and error_output, not empty; part of the input
    std::size_t consumed = 0;  // data included
  };

  /// The first step of `bytes`, which continue where the last step's `consumed` ended. Not called
  /// again after `end` or an error.
  ///
  /// Errors, all of Origin::upstream: bad_framing for another version than 1, a record that no
  /// responder sends, another request than kRequestId, output after the end of its stream, an
  /// END_REQUEST that is not 8 bytes long or names a status that there is not.
  Result<Step> next(std::string_view bytes);

  /// After `end`.
  const EndRequest& end() const { return end_; }

 private:
  Status begin_record();
  Status finish_end();
  std::size_t gather(std::string_view bytes, std::size_t wanted);

  std::array<char, kHeaderBytes> held_{};  // of a header, or of END_REQUEST's content
  std::size_t held_size_ = 0;
  RecordType type_ = RecordType::end_request;
  bool in_record_ = false;
  bool output_ended_ = false;
  bool error_ended_ = false;
  std::uint16_t content_ = 0;  // left of the record
  std::uint8_t padding_ = 0;
  EndRequest end_;
};

}  // namespace weir::fastcgi
