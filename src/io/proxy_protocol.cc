#include "io/proxy_protocol.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace weir {
namespace {

using Family = Address::Family;

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::string_view kWord = "PROXY ";
constexpr std::size_t kPrefix = 16;  // signature, command, family, length
constexpr std::size_t kUnixPath = 108;
constexpr std::size_t kMaxUniqueId = 128;

std::unexpected<Error> bad(std::string_view why) {
  return fail(ErrorCode::parse, Origin::client, why);
}

std::uint8_t byte_at(std::string_view bytes, std::size_t index) {
  return static_cast<std::uint8_t>(bytes[index]);
}

std::uint16_t word_at(std::string_view bytes, std::size_t index) {
  return static_cast<std::uint16_t>(byte_at(bytes, index) << 8 | byte_at(bytes, index + 1));
}

// --- version 1 -----------------------------------------------------------------------------------

/// Cuts off what stands before the next space; all of the rest if there is none.
std::string_view next_word(std::string_view& rest) {
  std::size_t end = std::min(rest.find(' '), rest.size());
  std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

// No sign, no leading zero.
std::optional<std::uint16_t> port_of(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return {};
  unsigned value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return {};
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value > 65535) return {};
  return static_cast<std::uint16_t>(value);
}

// A client that came to a socket of both families is known by its own address.
IpAddress unmapped(IpAddress ip) {
  static constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (ip.v4 || std::memcmp(ip.bytes.data(), kMapped, sizeof kMapped) != 0) return ip;
  std::memset(ip.bytes.data(), 0, sizeof kMapped);
  ip.v4 = true;
  return ip;
}

Status read_v1(std::string_view line, ProxyHeader& header) {
  // Behind UNKNOWN anything may stand, and means nothing.
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return {};
  std::string_view family = next_word(line);
  if (family != "TCP4" && family != "TCP6") return bad("PROXY: neither TCP4, TCP6 nor UNKNOWN");
  if (std::ranges::count(line, ' ') != 3) return bad("PROXY: not two addresses and two ports");
  auto source = IpAddress::parse(next_word(line));
  auto destination = IpAddress::parse(next_word(line));
  auto source_port = port_of(next_word(line));
  auto destination_port = port_of(next_word(line));
  bool v4 = family == "TCP4";
  if (!source || !destination || source->v4 != v4 || destination->v4 != v4) {
    return bad("PROXY: not an address of its family");
  }
  if (!source_port || !destination_port) return bad("PROXY: not a port");
  header.own = false;
  header.source = Address(unmapped(*source), *source_port);
  header.destination = Address(unmapped(*destination), *destination_port);
  return {};
}

Result<std::size_t> parse_v1(std::string_view bytes, ProxyHeader& header) {
  std::string_view most = bytes.substr(0, kMaxProxyHeaderV1);
  std::size_t end = most.find('\n');
  if (end == std::string_view::npos) {
    if (bytes.size() < kMaxProxyHeaderV1) return std::size_t{0};
    return bad("PROXY: the line is longer than 107 bytes");
  }
  if (bytes[end - 1] != '\r') return bad("PROXY: the line does not end with CRLF");
  Status read = read_v1(bytes.substr(kWord.size(), end - 1 - kWord.size()), header);
  if (!read) return std::unexpected(read.error());
  return end + 1;
}

// --- version 2 -----------------------------------------------------------------------------------

Address ip_address(std::string_view bytes, std::uint16_t port) {
  IpAddress ip;
  ip.v4 = bytes.size() == 4;
  std::memcpy(ip.bytes.data() + (ip.v4 ? 12 : 0), bytes.data(), bytes.size());
  return {unmapped(ip), port};
}

// Zeros behind the path; a zero ahead of an abstract one.
Address path_address(std::string_view bytes) {
  std::size_t end = bytes.find('\0', bytes[0] == '\0' && bytes[1] != '\0' ? 1 : 0);
  return Address::unix_socket(std::string(bytes.substr(0, end)));
}

// The bytes that the addresses of a family take; 0 for one that says nothing.
std::size_t address_bytes(std::uint8_t family) {
  switch (family >> 4) {
    case 1: return 12;
    case 2: return 36;
    case 3: return 2 * kUnixPath;
    default: return 0;
  }
}

void read_addresses(std::string_view block, ProxyHeader& header) {
  header.own = false;
  if (block.size() == 2 * kUnixPath) {
    header.source = path_address(block.substr(0, kUnixPath));
    header.destination = path_address(block.substr(kUnixPath));
    return;
  }
  std::size_t size = block.size() == 12 ? 4 : 16;
  header.source = ip_address(block.substr(0, size), word_at(block, 2 * size));
  header.destination = ip_address(block.substr(size, size), word_at(block, 2 * size + 2));
}

// Castagnoli's polynomial, reflected (RFC 3720, B.4).
constexpr auto kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (value & 1 ? 0x82f63b78u : 0);
    table[i] = value;
  }
  return table;
}();

// Of the whole header, the checksum itself taken for zeros.
std::uint32_t checksum(std::string_view bytes, std::size_t at) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::uint8_t byte = i >= at && i < at + 4 ? 0 : byte_at(bytes, i);
    crc = (crc >> 8) ^ kCrcTable[(crc ^ byte) & 0xff];
  }
  return ~crc;
}

Status check_tlvs(std::string_view whole, std::string_view tlvs) {
  while (!tlvs.empty()) {
    if (tlvs.size() < 3 || tlvs.size() - 3 < word_at(tlvs, 1)) {
      return bad("PROXY: a TLV is longer than its header");
    }
    std::size_t size = word_at(tlvs, 1);
    if (byte_at(tlvs, 0) == ProxyTlv::unique_id && size > kMaxUniqueId) {
      return bad("PROXY: a unique ID is longer than 128 bytes");
    }
    if (byte_at(tlvs, 0) == ProxyTlv::crc32c) {
      if (size != 4) return bad("PROXY: a checksum has not 4 bytes");
      std::uint32_t told = std::uint32_t{word_at(tlvs, 3)} << 16 | word_at(tlvs, 5);
      auto at = static_cast<std::size_t>(tlvs.data() + 3 - whole.data());
      if (told != checksum(whole, at)) return bad("PROXY: the checksum does not match");
    }
    tlvs.remove_prefix(3 + size);
  }
  return {};
}

Result<std::size_t> parse_v2(std::string_view bytes, ProxyHeader& header) {
  if (bytes.size() > 12) {
    std::uint8_t command = byte_at(bytes, 12);
    if (command != 0x20 && command != 0x21) return bad("PROXY: not a command of version 2");
  }
  if (bytes.size() < kPrefix) return std::size_t{0};
  bool local = byte_at(bytes, 12) == 0x20;
  std::uint8_t family = byte_at(bytes, 13);
  if (family >> 4 > 3 || (family & 15) > 2) return bad("PROXY: not an address family");
  std::size_t length = kPrefix + word_at(bytes, 14);
  if (length > kMaxProxyHeader) return bad("PROXY: the header is longer than 4096 bytes");
  // Without a transport, as without a family, the addresses tell nothing.
  std::size_t addresses = (family & 15) == 0 ? 0 : address_bytes(family);
  if (!local && length < kPrefix + addresses) return bad("PROXY: too short for its addresses");
  if (bytes.size() < length) return std::size_t{0};
  if (local) return length;
  std::string_view whole = bytes.substr(0, length);
  if (addresses > 0) read_addresses(whole.substr(kPrefix, addresses), header);
  // What stands behind addresses that we cannot tell the end of is not looked at.
  bool known = addresses > 0 || family == 0;
  header.tlvs = known ? whole.substr(kPrefix + addresses) : std::string_view();
  if (Status checked = check_tlvs(whole, header.tlvs); !checked) {
    return std::unexpected(checked.error());
  }
  return length;
}

// --- writing -------------------------------------------------------------------------------------

enum class Kind : std::uint8_t { unknown, v4, v6, path };

Kind kind_of(const Address& source, const Address& destination) {
  bool from_ip = source.family() == Family::ipv4 || source.family() == Family::ipv6;
  bool to_ip = destination.family() == Family::ipv4 || destination.family() == Family::ipv6;
  if (from_ip && to_ip) return source.ip().v4 && destination.ip().v4 ? Kind::v4 : Kind::v6;
  bool paths = source.family() == Family::unix_path && destination.family() == Family::unix_path;
  return paths ? Kind::path : Kind::unknown;
}

IpAddress mapped(IpAddress ip) {
  if (!ip.v4) return ip;
  ip.v4 = false;
  ip.bytes[10] = ip.bytes[11] = 0xff;
  return ip;
}

std::string write_v1(const Address& source, const Address& destination) {
  Kind kind = kind_of(source, destination);
  if (kind != Kind::v4 && kind != Kind::v6) return "PROXY UNKNOWN\r\n";
  bool v4 = kind == Kind::v4;
  auto text = [&](const Address& address) {
    return (v4 ? address.ip() : mapped(address.ip())).text() + ' ';
  };
  return std::string(v4 ? "PROXY TCP4 " : "PROXY TCP6 ") + text(source) + text(destination) +
         std::to_string(source.port()) + ' ' + std::to_string(destination.port()) + "\r\n";
}

void put_word(std::string& out, std::size_t word) {
  out += static_cast<char>(word >> 8 & 0xff);
  out += static_cast<char>(word & 0xff);
}

void put_ips(std::string& out, Kind kind, const Address& source, const Address& destination) {
  for (const Address* each : {&source, &destination}) {
    IpAddress ip = kind == Kind::v4 ? each->ip() : mapped(each->ip());
    std::size_t skipped = kind == Kind::v4 ? 12 : 0;
    out.append(reinterpret_cast<const char*>(ip.bytes.data()) + skipped, 16 - skipped);
  }
  put_word(out, source.port());
  put_word(out, destination.port());
}

void put_path(std::string& out, const Address& address) {
  std::string_view path = address.path().substr(0, kUnixPath);
  out.append(path).append(kUnixPath - path.size(), '\0');
}

std::string write_v2(const Address& source, const Address& destination,
                     std::span<const ProxyTlv> tlvs) {
  static constexpr std::uint8_t kFamilies[] = {0x00, 0x11, 0x21, 0x31};
  Kind kind = kind_of(source, destination);
  std::string out(kSignature);
  out += '\x21';
  out += static_cast<char>(kFamilies[static_cast<std::size_t>(kind)]);
  put_word(out, 0);
  if (kind == Kind::path) {
    put_path(out, source);
    put_path(out, destination);
  } else if (kind != Kind::unknown) {
    put_ips(out, kind, source, destination);
  }
  for (const ProxyTlv& tlv : tlvs) {
    if (out.size() + 3 + tlv.value.size() > kMaxProxyHeader) continue;
    out += static_cast<char>(tlv.type);
    put_word(out, tlv.value.size());
    out += tlv.value;
  }
  std::size_t length = out.size() - kPrefix;
  out[14] = static_cast<char>(length >> 8);
  out[15] = static_cast<char>(length & 0xff);
  return out;
}

}  // namespace

std::optional<std::string_view> ProxyHeader::tlv(std::uint8_t type) const {
  std::string_view rest = tlvs;
  while (rest.size() >= 3) {
    std::size_t size = word_at(rest, 1);
    if (byte_at(rest, 0) == type) return rest.substr(3, size);
    rest.remove_prefix(std::min(3 + size, rest.size()));
  }
  return std::nullopt;
}

Result<std::size_t> parse_proxy_header(std::string_view bytes, ProxyHeader& header) {
  header = {};
  auto begins = [bytes](std::string_view with) {
    std::size_t size = std::min(bytes.size(), with.size());
    return bytes.substr(0, size) == with.substr(0, size);
  };
  if (bytes.empty()) return std::size_t{0};
  if (begins(kWord)) {
    if (bytes.size() <= kWord.size()) return std::size_t{0};
    return parse_v1(bytes, header);
  }
  if (begins(kSignature)) return parse_v2(bytes, header);
  return bad("PROXY: the connection does not begin with a header");
}

std::string write_proxy_header(ProxyProtocolVersion version, const Address& source,
                               const Address& destination, std::span<const ProxyTlv> tlvs) {
  return version == ProxyProtocolVersion::v1 ? write_v1(source, destination)
                                             : write_v2(source, destination, tlvs);
}

}  // namespace weir
