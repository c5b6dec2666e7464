// Field lists of HTTP/2 and what they mean: checked strictly, in both directions (RFC 9113, 8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/arena.h"
#include "core/result.h"
#include "http/h2/limits.h"
#include "http/headers.h"
#include "http/message.h"

namespace weir::h2 {

enum class HeadKind : std::uint8_t { request, response, trailers };

/// How urgent a response is (RFC 9218): 0 is first, 7 last. Incremental ones of the same urgency
/// share the connection, others go one after the other.
struct Priority {
  std::uint8_t urgency = 3;
  bool incremental = false;
};

/// What the field `Priority` says; parts that cannot be understood are ignored, as RFC 9218 wants.
Priority parse_priority(std::string_view value);

/// A malformed message (RFC 9113, 8.1.1): its stream is reset with PROTOCOL_ERROR.
bool is_malformed(const Error& error);

/// Collects one header block. Names and values are copied into the arena of the Headers they go
/// to. After the first error everything else is ignored. Origins: client for requests and their
/// trailers, upstream for responses. Errors: bad_framing (malformed), head_too_large.
class FieldBlock {
 public:
  /// `from` sent the block: which side an error belongs to.
  void begin(HeadKind kind, Origin from, Headers* into, const FieldLimits& limits);
  void add(std::string_view name, std::string_view value);
  /// After the last field: joins cookie crumbs, looks for what is missing.
  void end();

  /// Found malformed from outside: how it stands among the frames of its stream.
  void spoil(std::string_view detail) {
    if (error_.code == ErrorCode::none) malformed(detail);
  }

  /// Somebody gave a place for the fields.
  bool wanted() const { return headers_ != nullptr; }
  HeadKind kind() const { return kind_; }
  /// Code none if the block is good.
  const Error& error() const { return error_; }
  Headers& headers() { return *headers_; }

  // Pseudo-header fields; empty if they are absent, which `has` tells from empty ones.
  enum Pseudo : std::uint8_t {
    kMethod = 1,
    kScheme = 2,
    kAuthority = 4,
    kPath = 8,
    kProtocol = 16,
    kStatus = 32
  };
  bool has(Pseudo field) const { return (seen_ & field) != 0; }
  std::string_view method;
  std::string_view scheme;
  std::string_view authority;
  std::string_view path;
  std::string_view protocol;
  std::uint16_t status = 0;

  std::optional<std::uint64_t> content_length;
  std::optional<Priority> priority;
  bool te_trailers = false;
  bool expects_continue = false;
  bool unknown_expectation = false;

 private:
  void refuse(ErrorCode code, std::string_view detail) { error_ = Error(code, from_, detail); }
  void malformed(std::string_view detail) { refuse(ErrorCode::bad_framing, detail); }
  void add_pseudo(std::string_view name, std::string_view value);
  void add_status(std::string_view value);
  void add_regular(std::string_view name, std::string_view value);
  bool add_special(HeaderId id, std::string_view value);
  void check_request();
  void join_cookies();

  HeadKind kind_ = HeadKind::request;
  Origin from_ = Origin::client;
  std::uint8_t seen_ = 0;
  bool regular_seen_ = false;
  std::uint16_t count_ = 0;
  std::uint16_t crumbs_ = 0;
  std::uint32_t bytes_ = 0;
  Headers* headers_ = nullptr;
  FieldLimits limits_;
  Error error_;
};

/// Fills `request` from a good block: method, target, authority, Host, upgrade. An extended
/// CONNECT (RFC 8441) becomes what it is in HTTP/1.1: GET with `upgrade`. Errors: bad_framing
/// (malformed), bad_target, bad_host, unsupported (a method that is too long),
/// expectation_failed.
Status make_request(FieldBlock& block, const TargetOptions& options, Request& request);

/// One field as it is sent: name in lower case.
struct WireField {
  std::string_view name;
  std::string_view value;
};

/// The fields of one head on their way out, in memory of an arena.
class FieldList {
 public:
  FieldList(Arena& arena, std::size_t room)
      : data_(arena.make_array<WireField>(room)), arena_(&arena) {}

  /// The caller knows that these are good; `room` is not exceeded.
  void add(std::string_view name, std::string_view value) { data_[size_++] = {name, value}; }
  void add_number(std::string_view name, std::uint64_t value);
  /// Adds all end-to-end fields, checked again; what belongs to one connection only is left out,
  /// so are Host, Content-Length and `without`. Errors: internal, Origin::weir.
  Status add_all(const Headers& headers, HeaderSet without = {});

  std::span<const WireField> span() const { return {data_, size_}; }

 private:
  WireField* data_;
  std::size_t size_ = 0;
  Arena* arena_;
};

/// What a response's head says besides its fields.
struct ResponseFraming {
  std::optional<std::uint64_t> length;  // Content-Length, if it is to be said
  std::string_view date;                // added if the response has none
};

/// The head of a response, final or interim. `response.tunnel` makes 101 a 200 (RFC 8441, 5).
Result<FieldList> response_fields(const Response& response, std::uint16_t status,
                                  const ResponseFraming& framing, Arena& arena);

/// Trailers that may be sent on; null if none.
Result<const FieldList*> trailer_fields(const Headers* trailers, Arena& arena);

/// What a client asks for.
struct RequestParts {
  std::string_view method;
  std::string_view scheme;
  std::string_view authority;
  std::string_view path;
  std::string_view protocol;  // extended CONNECT; empty: none
  std::optional<std::uint64_t> length;
  bool te_trailers = false;
};

/// Authority only for CONNECT without `protocol`. `headers` are end-to-end fields; Host among
/// them is replaced by the authority, and a WebSocket's key left out with `protocol`.
Result<FieldList> request_fields(const RequestParts& parts, const Headers& headers, Arena& arena);

}  // namespace weir::h2
