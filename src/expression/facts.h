// What is known about an exchange, as expressions and templates ask for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "io/address.h"

namespace weir::expression {

/// Facts with one value at most. Their names, types and meanings are in catalog.cc.
enum class Fact : std::uint8_t {
  client_ip,
  client_port,
  listener,
  scheme,
  tls_version,
  tls_cipher,
  tls_server_name,
  tls_alpn,
  tls_client_subject,
  tls_client_issuer,
  tls_client_serial,
  tls_client_fingerprint,
  tls_client_san,
  time,
  time_clf,
  time_unix,
  request_id,
  trace_id,
  span_id,
  protocol,
  method,
  host,
  path,
  query,
  target,
  raw_path,
  route,
  identity,
  upstream,
  endpoint,
  status,
  reason,
  bytes_in,
  bytes_out,
  duration,
  first_byte,
  upstream_connect,
  upstream_response,
};

inline constexpr std::size_t kFacts = static_cast<std::size_t>(Fact::upstream_response) + 1;

/// Facts that are asked for by name and can have several values.
enum class Source : std::uint8_t { header, response_header, query, cookie };

/// A fact's value. Texts are views: they stay valid as long as the exchange.
struct Value {
  enum class Kind : std::uint8_t { absent, text, number, address };
  Kind kind = Kind::absent;
  union {
    std::int64_t number = 0;  ///< durations in nanoseconds, times in nanoseconds since 1970 UTC
    std::string_view text;
    IpAddress address;
  };

  Value() {}
  /// Durations of the past carry -1 for "did not happen"; so does this.
  static Value of_duration(std::int64_t nanoseconds) {
    return nanoseconds < 0 ? Value() : of(nanoseconds);
  }
  static Value of(std::string_view text) {
    Value value;
    value.kind = Kind::text;
    value.text = text;
    return value;
  }
  static Value of(std::int64_t number) {
    Value value;
    value.kind = Kind::number;
    value.number = number;
    return value;
  }
  static Value of(const IpAddress& address) {
    Value value;
    value.kind = Kind::address;
    value.address = address;
    return value;
  }
};

/// What an exchange offers. The callee allocates nothing that outlives the exchange.
class Facts {
 public:
  /// Of the kind that the catalog gives the fact: text for texts, number for numbers, durations
  /// and times, address for addresses; absent when the exchange does not have it (yet).
  /// `time`, `time_clf` and `time_unix` are one value: when the request began.
  virtual Value get(Fact fact) const = 0;

  /// The first value of `name` at or after `position` (0 at the start), which then moves behind
  /// it; false at the end. Names of header fields come in lower case and match in any case.
  /// Values of `query` are percent-decoded, those of `cookie` are as sent.
  virtual bool next(Source source, std::string_view name, std::size_t& position,
                    std::string_view& value) const = 0;

 protected:
  ~Facts() = default;
};

}  // namespace weir::expression
