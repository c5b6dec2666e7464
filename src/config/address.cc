#include "config/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace weir::config {
namespace {

using Refused = std::optional<Problem>;

Problem bad_address(std::string_view text, std::string_view why, std::string help = {}) {
  if (help.empty()) {
    help = "write it like :8080, 127.0.0.1:80, [::1]:80 or unix:/run/app.sock";
  }
  return {Code::bad_address, fmt::format("\"{}\" is not an address: {}", text, why),
          std::move(help)};
}

bool parse_ip(int family, std::string_view text, std::array<std::uint8_t, 16>& into) {
  if (text.size() >= INET6_ADDRSTRLEN) return false;
  return inet_pton(family, std::string(text).c_str(), into.data()) == 1;
}

std::string ip_text(int family, const std::array<std::uint8_t, 16>& ip) {
  char buffer[INET6_ADDRSTRLEN] = {};
  inet_ntop(family, ip.data(), buffer, sizeof buffer);
  return buffer;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// RFC 1123 names; underscores are let through, since names of services in use contain them.
std::string_view bad_host_name(std::string_view name) {
  if (name.empty()) return "the host name is empty";
  if (name.size() > 253) return "the host name has more than 253 characters";
  std::size_t label = 0;
  bool only_digits = true;  // of the last label
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (c == '.') {
      if (label == 0 || name[i - 1] == '-') return "a part of the host name is malformed";
      if (i + 1 == name.size()) return only_digits ? "it is no IPv4 address" : "";
      label = 0;
      only_digits = true;
      continue;
    }
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !is_digit(c) && c != '-' && c != '_') {
      return "a host name has letters, digits, \"-\" and \".\" only";
    }
    if (label == 0 && c == '-') return "a part of the host name begins with \"-\"";
    if (!is_digit(c)) only_digits = false;
    if (++label > 63) return "a part of the host name has more than 63 characters";
  }
  if (name.ends_with('-')) return "the host name ends with \"-\"";
  // The last label of a name is never a number, so this is a misspelt address (RFC 1123, 2.1).
  return only_digits ? "it is no IPv4 address" : "";
}

Refused read_port(std::string_view whole, std::string_view text, const Rules& rules,
                  std::uint16_t& into) {
  unsigned value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool digits = !text.empty() && text.size() <= 5 &&
                      std::all_of(text.begin(), text.end(), is_digit) && result.ec == std::errc{};
  if (!digits || value > 65535) {
    return bad_address(whole, fmt::format("\"{}\" is not a port", text),
                       "a port is a number from 1 to 65535");
  }
  if (value == 0 && !rules.any_port) {
    return bad_address(whole, "port 0 cannot be reached", "a port is a number from 1 to 65535");
  }
  into = static_cast<std::uint16_t>(value);
  return std::nullopt;
}

Refused read_unix(std::string_view whole, std::string_view path, Address& into) {
  if (!path.starts_with('/') && !path.starts_with('@')) {
    return bad_address(whole, "the path of a Unix socket begins with \"/\"",
                       fmt::format("write unix:/{}", path));
  }
  if (path.size() < 2 || path.size() >= sizeof(sockaddr_un::sun_path)) {
    return bad_address(
        whole, fmt::format("a socket path has 2 to {} bytes", sizeof(sockaddr_un::sun_path) - 1));
  }
  into.kind = Address::Kind::unix_socket;
  into.host = path;
  return std::nullopt;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

// The records of a service say its ports.
Refused read_service(std::string_view whole, std::string_view name, const Rules& rules,
                     Address& into) {
  if (!rules.host_names) return bad_address(whole, "services are not allowed here");
  if (const std::size_t colon = name.rfind(':'); colon != std::string_view::npos) {
    return bad_address(whole, "the records of a service say its ports",
                       fmt::format("write srv:{}", name.substr(0, colon)));
  }
  if (std::string_view why = bad_host_name(name); !why.empty()) return bad_address(whole, why);
  into.kind = Address::Kind::service;
  into.host = lower_case(name);
  return std::nullopt;
}

Refused read_host(std::string_view whole, std::string_view host, const Rules& rules,
                  Address& into) {
  if (parse_ip(AF_INET, host, into.ip)) {
    into.kind = Address::Kind::ipv4;
    return std::nullopt;
  }
  if (std::string_view why = bad_host_name(host); !why.empty()) return bad_address(whole, why);
  if (!rules.host_names) {
    std::string help = "use an IP address";
    if (host == "localhost") help = fmt::format("write 127.0.0.1:{}", into.port);
    return bad_address(whole, "host names are not allowed here", help);
  }
  into.kind = Address::Kind::name;
  into.host = lower_case(host);
  return std::nullopt;
}

Refused refuse_url(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return std::nullopt;
  std::string_view rest = text.substr(scheme + 3);
  rest = rest.substr(0, rest.find('/'));
  const std::string port = rest.find(':') != std::string_view::npos ? ""
                           : text.starts_with("https")              ? ":443"
                                                                    : ":80";
  return bad_address(text, "it is a URL", fmt::format("write {}{}", rest, port));
}

}  // namespace

Refused read_address(std::string_view text, const Rules& rules, Address& into) {
  Address result;
  if (text.starts_with("unix:")) {
    auto refused = read_unix(text, text.substr(5), result);
    if (!refused) into = std::move(result);
    return refused;
  }
  if (text.starts_with("srv:")) return read_service(text, text.substr(4), rules, into);
  std::string_view rest = text;
  const bool dns = rules.host_names && rest.starts_with("dns:");
  if (dns) rest.remove_prefix(4);
  if (auto refused = refuse_url(text)) return refused;
  if (!rest.empty() && std::all_of(rest.begin(), rest.end(), is_digit)) {
    return bad_address(text, "a port alone", fmt::format("write \":{}\"", text));
  }
  const std::size_t colon = rest.rfind(':');
  std::array<std::uint8_t, 16> unused;
  if (parse_ip(AF_INET6, rest, unused)) {
    return bad_address(text, "an IPv6 address with a port needs brackets",
                       fmt::format("write \"[{}]:80\"", rest));
  }
  if (colon == std::string_view::npos) {
    return bad_address(text, "the port is missing", fmt::format("write {}:80", text));
  }
  if (auto refused = read_port(text, rest.substr(colon + 1), rules, result.port)) return refused;
  const std::string_view host = rest.substr(0, colon);
  if (host.empty()) {
    if (rules.host_names) {
      return bad_address(text, "the host is missing", fmt::format("write localhost{}", text));
    }
    result.kind = Address::Kind::any;
  } else if (host.starts_with('[')) {
    const bool closed = host.ends_with(']');
    if (!closed || !parse_ip(AF_INET6, host.substr(1, host.size() - 2), result.ip)) {
      return bad_address(text, "the brackets hold no IPv6 address");
    }
    result.kind = Address::Kind::ipv6;
  } else if (host.find(':') != std::string_view::npos) {
    return bad_address(text, "an IPv6 address needs brackets", "write it like [::1]:80");
  } else if (auto refused = read_host(text, host, rules, result)) {
    return refused;
  }
  if (dns && result.kind != Address::Kind::name) {
    return bad_address(text, "dns: needs a host name", fmt::format("write {}", rest));
  }
  into = std::move(result);
  return std::nullopt;
}

std::string Address::text() const {
  switch (kind) {
    case Kind::any: return fmt::format(":{}", port);
    case Kind::ipv4: return fmt::format("{}:{}", ip_text(AF_INET, ip), port);
    case Kind::ipv6: return fmt::format("[{}]:{}", ip_text(AF_INET6, ip), port);
    case Kind::name: return fmt::format("{}:{}", host, port);
    case Kind::service: return "srv:" + host;
    case Kind::unix_socket: return "unix:" + host;
  }
  return {};
}

namespace {

// Clears the bits after the prefix; false when one of them was set.
bool mask(Network& network) {
  bool clean = true;
  const unsigned bits = network.v6 ? 128 : 32;
  for (unsigned i = 0; i < bits / 8; ++i) {
    const unsigned kept = std::clamp<int>(network.prefix - static_cast<int>(i) * 8, 0, 8);
    const auto keep = static_cast<std::uint8_t>(0xFF00u >> kept);
    if ((network.ip[i] & ~keep) != 0) clean = false;
    network.ip[i] &= keep;
  }
  return clean;
}

}  // namespace

Refused read_network(std::string_view text, Network& into) {
  const auto refuse = [&](std::string_view why, std::string help) {
    return Problem{Code::bad_network, fmt::format("\"{}\" is not a network: {}", text, why),
                   std::move(help)};
  };
  Network result;
  const std::size_t slash = text.find('/');
  const std::string_view ip = text.substr(0, slash);
  result.v6 = ip.find(':') != std::string_view::npos;
  if (!parse_ip(result.v6 ? AF_INET6 : AF_INET, ip, result.ip)) {
    return refuse(fmt::format("\"{}\" is no IP address", ip),
                  "write it like 10.0.0.0/8 or 2001:db8::/32");
  }
  const unsigned longest = result.v6 ? 128 : 32;
  unsigned prefix = longest;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    const bool whole = parsed.ec == std::errc{} && parsed.ptr == digits.data() + digits.size();
    if (!whole || prefix > longest || (digits.size() > 1 && digits[0] == '0')) {
      return refuse(fmt::format("\"{}\" is no prefix length", digits),
                    fmt::format("the prefix length is a number from 0 to {}", longest));
    }
  }
  result.prefix = static_cast<std::uint8_t>(prefix);
  if (!mask(result)) {
    return refuse("bits after the prefix are set", fmt::format("write {}", result.text()));
  }
  into = result;
  return std::nullopt;
}

bool Network::contains(std::span<const std::uint8_t> address) const {
  constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (address.size() == 16 && std::memcmp(address.data(), kMapped, sizeof kMapped) == 0) {
    address = address.subspan(12);
  }
  if (address.size() != (v6 ? 16u : 4u)) return false;
  const unsigned whole = prefix / 8;
  if (std::memcmp(address.data(), ip.data(), whole) != 0) return false;
  const unsigned rest = prefix % 8;
  if (rest == 0) return true;
  const auto keep = static_cast<std::uint8_t>(0xFF00u >> rest);
  return ((address[whole] ^ ip[whole]) & keep) == 0;
}

std::string Network::text() const {
  return fmt::format("{}/{}", ip_text(v6 ? AF_INET6 : AF_INET, ip), prefix);
}

namespace {

constexpr ScalarType kAddress{
    .noun = "an address",
    .json_type = "string",
    .pattern = "^(.*:[0-9]+|unix:[/@].+|srv:.+)$",
    .read = [](ScalarText text, const Rules& rules,
               void* into) { return read_address(text.text, rules, *static_cast<Address*>(into)); },
    .write = [](const void* v) { return static_cast<const Address*>(v)->text(); }};

constexpr ScalarType kNetwork{
    .noun = "a network",
    .json_type = "string",
    .pattern = "^[0-9a-fA-F.:]+(/[0-9]+)?$",
    .read = [](ScalarText text, const Rules&,
               void* into) { return read_network(text.text, *static_cast<Network*>(into)); },
    .write = [](const void* v) { return static_cast<const Network*>(v)->text(); }};

}  // namespace

constinit const Type TypeOf<Address>::value{.kind = Kind::scalar, .scalar = &kAddress};
constinit const Type TypeOf<Network>::value{.kind = Kind::scalar, .scalar = &kNetwork};

}  // namespace weir::config
