// Address: where a socket is bound or connected: IPv4, IPv6, or a Unix socket's path.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sys/socket.h>

#include "core/result.h"

namespace weir {

/// An IP address with no port. IPv4 is kept in the last four bytes and marked by `v4`.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  bool v4 = false;

  static std::optional<IpAddress> parse(std::string_view text);
  /// Writes the text form (RFC 5952 for IPv6) to `out` of at least 46 bytes; returns its length.
  std::size_t write(char* out) const;
  std::string text() const;
  bool loopback() const;
  auto operator<=>(const IpAddress&) const = default;
};

class Address {
 public:
  enum class Family : std::uint8_t { none, ipv4, ipv6, unix_path };

  Address() = default;
  Address(const IpAddress& ip, std::uint16_t port)
      : ip_(ip), port_(port), family_(ip.v4 ? Family::ipv4 : Family::ipv6) {}
  static Address unix_socket(std::string path);
  /// `ip:port`, `[ip]:port`, `:port` (any address, IPv6 and IPv4), `unix:path`. No names.
  static std::optional<Address> parse(std::string_view text);
  static Address from_sockaddr(const sockaddr_storage& storage, socklen_t length);

  Family family() const { return family_; }
  const IpAddress& ip() const { return ip_; }
  std::uint16_t port() const { return port_; }
  Address with_port(std::uint16_t port) const {
    Address copy = *this;
    copy.port_ = port;
    return copy;
  }
  std::string_view path() const { return path_ ? std::string_view(*path_) : std::string_view(); }
  /// Bound to every local address of both families (`:8080`).
  bool any() const;

  /// Fills `storage`; returns the length that the socket calls want.
  socklen_t to_sockaddr(sockaddr_storage& storage) const;
  std::string text() const;

  bool operator==(const Address& other) const {
    return family_ == other.family_ && port_ == other.port_ && ip_ == other.ip_ &&
           path() == other.path();
  }
  std::strong_ordering operator<=>(const Address& other) const;

 private:
  IpAddress ip_;
  std::uint16_t port_ = 0;
  Family family_ = Family::none;
  std::shared_ptr<const std::string> path_;
};

/// Who is at the other end of a connection, in 20 bytes: an Address without a path.
class Peer {
 public:
  Peer() = default;
  Peer(const Address& address)
      : ip_(address.ip()), family_(address.family()), port_(address.port()) {}

  Address::Family family() const { return family_; }
  const IpAddress& ip() const { return ip_; }
  std::uint16_t port() const { return port_; }
  /// Of a Unix socket one without a path.
  Address address() const;

 private:
  IpAddress ip_;
  Address::Family family_ = Address::Family::none;
  std::uint16_t port_ = 0;
};

/// A network in CIDR notation; a bare address is a network of one.
struct IpNetwork {
  IpAddress base;
  std::uint8_t prefix = 0;  // bits, of 32 or 128

  static std::optional<IpNetwork> parse(std::string_view text);
  /// IPv4-mapped IPv6 addresses (`::ffff:a.b.c.d`) match IPv4 networks.
  bool contains(const IpAddress& ip) const;
};

}  // namespace weir
