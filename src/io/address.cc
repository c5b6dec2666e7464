#include "io/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <charconv>
#include <cstddef>
#include <cstring>

namespace weir {
namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
  unsigned value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > 65535) return {};
  return static_cast<std::uint16_t>(value);
}

// Once per request: inet_ntop goes through printf and takes thirty times as long.
std::size_t write_v4(const std::uint8_t* bytes, char* out) {
  char* next = out;
  for (int i = 0; i < 4; ++i) {
    unsigned value = bytes[i];
    if (i > 0) *next++ = '.';
    if (value >= 100) *next++ = static_cast<char>('0' + value / 100);
    if (value >= 10) *next++ = static_cast<char>('0' + value / 10 % 10);
    *next++ = static_cast<char>('0' + value % 10);
  }
  return static_cast<std::size_t>(next - out);
}

bool mapped_v4(const IpAddress& ip) {
  static constexpr std::uint8_t kPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return !ip.v4 && std::memcmp(ip.bytes.data(), kPrefix, 12) == 0;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  char buffer[INET6_ADDRSTRLEN + 1];
  if (text.empty() || text.size() >= sizeof buffer) return {};
  if (text.find('\0') != std::string_view::npos) return {};  // inet_pton would stop there
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = 0;
  IpAddress ip;
  if (inet_pton(AF_INET, buffer, ip.bytes.data() + 12) == 1) {
    ip.v4 = true;
    return ip;
  }
  if (inet_pton(AF_INET6, buffer, ip.bytes.data()) == 1) return ip;
  return {};
}

std::size_t IpAddress::write(char* out) const {
  if (v4) return write_v4(bytes.data() + 12, out);
  if (inet_ntop(AF_INET6, bytes.data(), out, INET6_ADDRSTRLEN) == nullptr) return 0;
  return std::strlen(out);
}

std::string IpAddress::text() const {
  char buffer[INET6_ADDRSTRLEN];
  return std::string(buffer, write(buffer));
}

bool IpAddress::loopback() const {
  if (v4) return bytes[12] == 127;
  if (mapped_v4(*this)) return bytes[12] == 127;
  for (int i = 0; i < 15; ++i) {
    if (bytes[i] != 0) return false;
  }
  return bytes[15] == 1;
}

Address Address::unix_socket(std::string path) {
  Address address;
  address.family_ = Family::unix_path;
  address.path_ = std::make_shared<const std::string>(std::move(path));
  return address;
}

std::optional<Address> Address::parse(std::string_view text) {
  if (text.starts_with("unix:")) {
    std::string_view path = text.substr(5);
    if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path)) return {};
    return unix_socket(std::string(path));
  }
  std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {};
  auto port = parse_port(text.substr(colon + 1));
  if (!port) return {};
  std::string_view host = text.substr(0, colon);
  if (host.empty()) return Address(IpAddress{}, *port);
  bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  auto ip = IpAddress::parse(host);
  if (!ip || ip->v4 == bracketed) return {};
  return Address(*ip, *port);
}

Address Address::from_sockaddr(const sockaddr_storage& storage, socklen_t length) {
  IpAddress ip;
  if (storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    std::memcpy(ip.bytes.data() + 12, &in.sin_addr, 4);
    ip.v4 = true;
    return Address(ip, ntohs(in.sin_port));
  }
  if (storage.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(storage);
    std::memcpy(ip.bytes.data(), &in.sin6_addr, 16);
    if (mapped_v4(ip)) {  // a client of a dual-stack listener is known by its own address
      std::memset(ip.bytes.data(), 0, 12);
      ip.v4 = true;
    }
    return Address(ip, ntohs(in.sin6_port));
  }
  if (storage.ss_family == AF_UNIX) {
    const auto& un = reinterpret_cast<const sockaddr_un&>(storage);
    std::size_t bytes =
        length > offsetof(sockaddr_un, sun_path) ? length - offsetof(sockaddr_un, sun_path) : 0;
    return unix_socket(std::string(un.sun_path, strnlen(un.sun_path, bytes)));
  }
  return {};
}

bool Address::any() const { return family_ == Family::ipv6 && ip_ == IpAddress{}; }

socklen_t Address::to_sockaddr(sockaddr_storage& storage) const {
  std::memset(&storage, 0, sizeof storage);
  if (family_ == Family::ipv4) {
    auto& in = reinterpret_cast<sockaddr_in&>(storage);
    in.sin_family = AF_INET;
    in.sin_port = htons(port_);
    std::memcpy(&in.sin_addr, ip_.bytes.data() + 12, 4);
    return sizeof in;
  }
  if (family_ == Family::ipv6) {
    auto& in = reinterpret_cast<sockaddr_in6&>(storage);
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(port_);
    std::memcpy(&in.sin6_addr, ip_.bytes.data(), 16);
    return sizeof in;
  }
  auto& un = reinterpret_cast<sockaddr_un&>(storage);
  un.sun_family = AF_UNIX;
  std::string_view where = path().substr(0, sizeof un.sun_path - 1);
  std::memcpy(un.sun_path, where.data(), where.size());
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + where.size() + 1);
}

std::string Address::text() const {
  switch (family_) {
    case Family::none: return "";
    case Family::ipv4: return ip_.text() + ":" + std::to_string(port_);
    case Family::ipv6:
      return any() ? ":" + std::to_string(port_) : "[" + ip_.text() + "]:" + std::to_string(port_);
    case Family::unix_path: return "unix:" + std::string(path());
  }
  return "";
}

std::strong_ordering Address::operator<=>(const Address& other) const {
  if (auto order = family_ <=> other.family_; order != 0) return order;
  if (auto order = ip_ <=> other.ip_; order != 0) return order;
  if (auto order = port_ <=> other.port_; order != 0) return order;
  return path() <=> other.path();
}

Address Peer::address() const {
  if (family_ == Address::Family::none) return {};
  if (family_ == Address::Family::unix_path) return Address::unix_socket({});
  return {ip_, port_};
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  std::size_t slash = text.find('/');
  auto ip = IpAddress::parse(text.substr(0, slash));
  if (!ip) return {};
  unsigned bits = ip->v4 ? 32 : 128;
  unsigned prefix = bits;
  if (slash != std::string_view::npos) {
    std::string_view number = text.substr(slash + 1);
    auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), prefix);
    if (error != std::errc() || end != number.data() + number.size() || prefix > bits) return {};
  }
  return IpNetwork{*ip, static_cast<std::uint8_t>(prefix)};
}

bool IpNetwork::contains(const IpAddress& ip) const {
  if (base.v4 != (ip.v4 || mapped_v4(ip))) return false;
  std::size_t first = base.v4 ? 12 : 0;
  unsigned left = prefix;
  for (std::size_t i = first; left > 0; ++i) {
    unsigned bits = left < 8 ? left : 8;
    auto mask = static_cast<std::uint8_t>(0xff << (8 - bits));
    if ((base.bytes[i] & mask) != (ip.bytes[i] & mask)) return false;
    left -= bits;
  }
  return true;
}

}  // namespace weir
