// Addresses and networks as configurations write them. Plain values: sockets are made elsewhere.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "config/schema.h"

namespace weir::config {

// `127.0.0.1:80`, `[::1]:80`, `:8080` (IPv6 and IPv4), `unix:/path`, `unix:@name` (abstract), and
// where the field allows host names `localhost:3000`, `dns:localhost:3000`, or
// `srv:_http._tcp.app.example` (RFC 2782).
struct Address {
  enum class Kind : std::uint8_t { any, ipv4, ipv6, name, service, unix_socket };

  Kind kind = Kind::any;
  std::uint16_t port = 0;                // not of Unix sockets and services
  std::array<std::uint8_t, 16> ip = {};  // network order; IPv4 uses the first four
  std::string host;                      // names: in lower case; unix_socket: the path

  // The canonical text, which reads back as the same address.
  std::string text() const;
  friend bool operator==(const Address&, const Address&) = default;
};

// `10.0.0.0/8`, `2001:db8::/32`, or an address alone.
struct Network {
  std::array<std::uint8_t, 16> ip = {};  // network order; IPv4 uses the first four
  bool v6 = false;
  std::uint8_t prefix = 0;

  // 4 or 16 bytes in network order. An IPv4-mapped IPv6 address counts as IPv4.
  bool contains(std::span<const std::uint8_t> address) const;
  std::string text() const;
  friend bool operator==(const Network&, const Network&) = default;
};

std::optional<Problem> read_address(std::string_view text, const Rules& rules, Address& into);
std::optional<Problem> read_network(std::string_view text, Network& into);

template <>
struct TypeOf<Address> {
  static const Type value;
};
template <>
struct TypeOf<Network> {
  static const Type value;
};

}  // namespace weir::config
