#include "http/authority.h"

#include <arpa/inet.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace weir {
namespace {

constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMaxLabel = 63;

enum Class : std::uint8_t { kBad, kPlain, kUpper, kDot, kColon };

constexpr std::array<std::uint8_t, 256> kClass = [] {
  std::array<std::uint8_t, 256> table{};
  for (int c = 'a'; c <= 'z'; ++c) table[c] = kPlain;
  for (int c = '0'; c <= '9'; ++c) table[c] = kPlain;
  for (int c = 'A'; c <= 'Z'; ++c) table[c] = kUpper;
  table['-'] = table['_'] = kPlain;
  table['.'] = kDot;
  table[':'] = kColon;
  return table;
}();

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::unexpected<Error> bad_host(std::string_view detail) {
  return fail(ErrorCode::bad_host, Origin::client, detail);
}

/// `text` is what follows the colon.
Result<std::uint16_t> parse_port(std::string_view text) {
  if (text.empty()) return bad_host("the port is empty");
  if (text.size() > 5 || text[0] == '0') return bad_host("the port is out of range");
  std::uint32_t port = 0;
  for (char c : text) {
    if (!is_digit(c)) return bad_host("the port is not a number");
    port = port * 10 + static_cast<std::uint32_t>(c - '0');
  }
  if (port > 65535) return bad_host("the port is out of range");
  return static_cast<std::uint16_t>(port);
}

/// Four decimal numbers of 0 to 255 without leading zeros.
bool is_dotted_quad(std::string_view host) {
  int numbers = 0;
  std::size_t at = 0;
  while (true) {
    std::size_t start = at;
    int value = 0;
    while (at < host.size() && is_digit(host[at]) && at - start < 3) {
      value = value * 10 + (host[at++] - '0');
    }
    std::size_t digits = at - start;
    if (digits == 0 || value > 255 || (digits > 1 && host[start] == '0')) return false;
    if (++numbers == 4) return at == host.size();
    if (at == host.size() || host[at] != '.') return false;
    ++at;
  }
}

/// True for a last label that some resolver would read as a number: all digits, or 0x and hex.
bool reads_as_number(std::string_view label) {
  if (label.size() >= 2 && label[0] == '0' && (label[1] | 0x20) == 'x') {
    return label.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string_view::npos;
  }
  return label.find_first_not_of("0123456789") == std::string_view::npos;
}

struct NameScan {
  std::size_t end = 0;         ///< of the name, without a trailing dot
  std::size_t consumed = 0;    ///< up to the colon or the end
  std::size_t last_label = 0;  ///< where it starts
  bool upper = false;
};

Result<NameScan> scan_name(std::string_view text) {
  NameScan scan;
  std::size_t at = 0;
  std::size_t label = 0;
  for (; at < text.size(); ++at) {
    std::uint8_t kind = kClass[static_cast<unsigned char>(text[at])];
    if (kind == kPlain) continue;
    if (kind == kUpper) {
      scan.upper = true;
    } else if (kind == kDot) {
      if (at == label) return bad_host("the host has an empty label");
      if (at - label > kMaxLabel) return bad_host("a label of the host is too long");
      scan.last_label = label;
      label = at + 1;
    } else if (kind == kColon) {
      break;
    } else {
      return bad_host(text[at] == '@' ? "userinfo in the authority is refused"
                                      : "the host has a forbidden character");
    }
  }
  if (at == 0) return bad_host("the host is empty");
  scan.consumed = scan.end = at;
  if (label == at) {
    --scan.end;  // the one trailing dot; `last_label` is the label before it
  } else {
    if (at - label > kMaxLabel) return bad_host("a label of the host is too long");
    scan.last_label = label;
  }
  if (scan.end > kMaxName) return bad_host("the host is too long");
  return scan;
}

/// Writes the canonical host and the port as they will be forwarded.
Authority rebuild(Authority authority, std::string_view host, std::string_view port_part,
                  Arena& arena) {
  char* out = arena.allocate(host.size() + port_part.size());
  for (std::size_t i = 0; i < host.size(); ++i) {
    char c = host[i];
    out[i] = (c >= 'A' && c <= 'Z') ? static_cast<char>(c | 0x20) : c;
  }
  if (!port_part.empty()) std::memcpy(out + host.size(), port_part.data(), port_part.size());
  authority.host = {out, host.size()};
  authority.text = {out, host.size() + port_part.size()};
  return authority;
}

Result<Authority> parse_ipv6(std::string_view text, Arena& arena) {
  std::size_t close = text.find(']');
  if (close == std::string_view::npos) return bad_host("the bracket of an IPv6 host is not closed");
  std::string_view literal = text.substr(1, close - 1);
  std::string_view port_part = text.substr(close + 1);
  Authority authority{.kind = HostKind::ipv6};
  if (!port_part.empty()) {
    if (port_part[0] != ':') return bad_host("the port must follow the IPv6 host after a colon");
    Result<std::uint16_t> port = parse_port(port_part.substr(1));
    if (!port) return fail(port.error());
    authority.port = *port;
  }
  char given[INET6_ADDRSTRLEN] = {};
  in6_addr address;
  if (literal.size() >= sizeof given) return bad_host("the IPv6 host is not an address");
  std::memcpy(given, literal.data(), literal.size());
  if (literal.find('\0') != std::string_view::npos || inet_pton(AF_INET6, given, &address) != 1) {
    return bad_host("the IPv6 host is not an address");
  }
  char canonical[INET6_ADDRSTRLEN + 2] = "[";
  inet_ntop(AF_INET6, &address, canonical + 1, INET6_ADDRSTRLEN);
  std::size_t size = std::strlen(canonical);
  canonical[size++] = ']';
  std::string_view host(canonical, size);
  if (text.substr(0, close + 1) == host) {
    authority.host = text.substr(0, close + 1);
    authority.text = text;
    return authority;
  }
  return rebuild(authority, host, port_part, arena);
}

}  // namespace

Result<Authority> parse_authority(std::string_view text, Arena& arena) {
  if (!text.empty() && text[0] == '[') return parse_ipv6(text, arena);
  Result<NameScan> scan = scan_name(text);
  if (!scan) return fail(scan.error());
  Authority authority;
  std::string_view port_part = text.substr(scan->consumed);
  if (!port_part.empty()) {
    Result<std::uint16_t> port = parse_port(port_part.substr(1));
    if (!port) return fail(port.error());
    authority.port = *port;
  }
  std::string_view host = text.substr(0, scan->end);
  if (is_digit(host[scan->last_label]) && reads_as_number(host.substr(scan->last_label))) {
    if (!is_dotted_quad(host)) return bad_host("a numeric host must be a dotted IPv4 address");
    authority.kind = HostKind::ipv4;
  }
  if (scan->upper || scan->end != scan->consumed) {
    return rebuild(authority, host, port_part, arena);
  }
  authority.host = host;
  authority.text = text;
  return authority;
}

}  // namespace weir
