// The header fields that Weir knows by number, and the way from a name to its number.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir {

/// At most 64, so that a set of them is one word. `unknown` is every other field.
enum class HeaderId : std::uint8_t {
  unknown,
  accept,
  accept_encoding,
  accept_language,
  accept_ranges,
  age,
  allow,
  alt_svc,
  authorization,
  cache_control,
  connection,
  content_encoding,
  content_length,
  content_range,
  content_type,
  cookie,
  date,
  early_data,
  etag,
  expect,
  expires,
  forwarded,
  host,
  http2_settings,
  if_match,
  if_modified_since,
  if_none_match,
  if_range,
  if_unmodified_since,
  keep_alive,
  last_modified,
  location,
  max_forwards,
  origin,
  pragma,
  proxy,
  proxy_authenticate,
  proxy_authorization,
  proxy_connection,
  range,
  referer,
  retry_after,
  sec_websocket_accept,
  sec_websocket_extensions,
  sec_websocket_key,
  sec_websocket_protocol,
  sec_websocket_version,
  server,
  set_cookie,
  te,
  traceparent,
  trailer,
  transfer_encoding,
  upgrade,
  user_agent,
  vary,
  via,
  www_authenticate,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_port,
  x_forwarded_proto,
  x_real_ip,
  x_request_id,
  count
};

inline constexpr unsigned kHeaderIds = static_cast<unsigned>(HeaderId::count);
static_assert(kHeaderIds <= 64);

/// The field's number, in any case of letters; `unknown` for every other text. About 2 ns.
HeaderId header_id(std::string_view name);

/// The field's name as RFCs write it ("Content-Length"); empty for `unknown`. Static text.
std::string_view header_name(HeaderId id);

/// A set of fields by number.
class HeaderSet {
 public:
  constexpr HeaderSet() = default;
  template <class... Ids>
  constexpr explicit HeaderSet(HeaderId first, Ids... rest)
      : bits_((bit(first) | ... | bit(rest))) {}

  constexpr bool has(HeaderId id) const { return (bits_ & bit(id)) != 0; }
  constexpr void insert(HeaderId id) { bits_ |= bit(id); }
  constexpr void erase(HeaderId id) { bits_ &= ~bit(id); }
  constexpr bool intersects(HeaderSet other) const { return (bits_ & other.bits_) != 0; }
  constexpr bool empty() const { return bits_ == 0; }

 private:
  static constexpr std::uint64_t bit(HeaderId id) {
    return std::uint64_t{1} << static_cast<unsigned>(id);
  }
  std::uint64_t bits_ = 0;
};

}  // namespace weir
