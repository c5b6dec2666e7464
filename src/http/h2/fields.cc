#include "http/h2/fields.h"

#include <array>
#include <cstring>
#include <limits>

#include "http/h1/framing.h"
#include "http/h1/head_parser.h"
#include "http/header_table.h"
#include "http/status.h"
#include "http/syntax.h"

namespace weir::h2 {
namespace {

consteval std::array<bool, 256> make_name_chars() {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c) {
    bool upper = c >= 'A' && c <= 'Z';
    table[static_cast<std::size_t>(c)] = !upper && is_token_char(static_cast<char>(c));
  }
  return table;
}

// RFC 9113, 8.2.1: 1*tchar without upper-case letters.
bool is_lower_name(std::string_view name) {
  static constexpr std::array<bool, 256> kAllowed = make_name_chars();
  bool good = !name.empty();
  for (char c : name) good = good && kAllowed[static_cast<unsigned char>(c)];
  return good;
}

// True if no byte of the word is below 0x20 or is 0x7f: nearly every word of every value.
bool is_plain_word(std::uint64_t word) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHigh = 0x8080808080808080;
  std::uint64_t del = word ^ (kOnes * 0x7f);
  std::uint64_t below = (word - kOnes * 0x20) & ~word;
  return (((del - kOnes) & ~del) & kHigh) == 0 && (below & kHigh) == 0;
}

bool is_good_value(std::string_view value) {
  if (value.empty()) return true;
  // RFC 9113, 8.2.1: no space at either end.
  if (is_ows(value.front()) || is_ows(value.back())) return false;
  std::size_t at = 0;
  for (; at + 8 <= value.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, value.data() + at, 8);
    if (!is_plain_word(word) && !is_field_value(value.substr(at, 8))) return false;
  }
  return is_field_value(value.substr(at));
}

// RFC 9113, 8.2.2: what belongs to a connection of HTTP/1.1.
constexpr HeaderSet kConnectionFields(HeaderId::connection, HeaderId::keep_alive,
                                      HeaderId::proxy_connection, HeaderId::transfer_encoding,
                                      HeaderId::upgrade);

constexpr HeaderSet kSpecialFields(HeaderId::connection, HeaderId::keep_alive,
                                   HeaderId::proxy_connection, HeaderId::transfer_encoding,
                                   HeaderId::upgrade, HeaderId::te, HeaderId::host,
                                   HeaderId::content_length, HeaderId::cookie, HeaderId::expect);

std::optional<std::uint64_t> parse_length(std::string_view text) {
  if (text.empty() || text.size() > 19) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return std::nullopt;
  }
  return value;
}

// What would change the protocol of the connection itself is never forwarded (RFC 9110, 7.8).
bool is_hop_protocol(std::string_view name) {
  return iequals(name, "h2c") || iequals(name, "h2") || iequals(name, "http") ||
         iequals(name, "tls");
}

FieldBlock::Pseudo pseudo_of(std::string_view name) {
  if (name == ":method") return FieldBlock::kMethod;
  if (name == ":scheme") return FieldBlock::kScheme;
  if (name == ":authority") return FieldBlock::kAuthority;
  if (name == ":path") return FieldBlock::kPath;
  if (name == ":protocol") return FieldBlock::kProtocol;
  if (name == ":status") return FieldBlock::kStatus;
  return {};
}

}  // namespace

bool is_malformed(const Error& error) { return error.code == ErrorCode::bad_framing; }

// --- reading -----------------------------------------------------------------------------------

void FieldBlock::begin(HeadKind kind, Origin from, Headers* into, const FieldLimits& limits) {
  *this = FieldBlock();
  kind_ = kind;
  from_ = from;
  headers_ = into;
  limits_ = limits;
}

void FieldBlock::add(std::string_view name, std::string_view value) {
  if (error_.code != ErrorCode::none) return;
  std::uint64_t bytes = std::uint64_t{bytes_} + name.size() + value.size() + 32;
  if (bytes > limits_.list_bytes) return refuse(ErrorCode::head_too_large, "bytes of fields");
  bytes_ = static_cast<std::uint32_t>(bytes);
  if (!is_good_value(value)) return malformed("a field value");
  if (!name.empty() && name.front() == ':') return add_pseudo(name, value);
  add_regular(name, value);
}

void FieldBlock::add_pseudo(std::string_view name, std::string_view value) {
  Pseudo field = pseudo_of(name);
  bool expected = kind_ == HeadKind::request    ? field != kStatus
                  : kind_ == HeadKind::response ? field == kStatus
                                                : false;
  if (field == 0 || !expected) return malformed("an unexpected pseudo-header field");
  if (regular_seen_) return malformed("a pseudo-header field after others");
  if (has(field)) return malformed("a pseudo-header field twice");
  seen_ |= field;
  if (field == kStatus) return add_status(value);
  std::string_view kept = headers_->arena().copy(value);
  switch (field) {
    case kMethod: method = kept; break;
    case kScheme: scheme = kept; break;
    case kAuthority: authority = kept; break;
    case kPath: path = kept; break;
    default: protocol = kept; break;
  }
}

void FieldBlock::add_status(std::string_view value) {
  bool good = value.size() == 3 && is_digit(value[0]) && is_digit(value[1]) && is_digit(value[2]);
  if (good) {
    status = static_cast<std::uint16_t>((value[0] - '0') * 100 + (value[1] - '0') * 10 +
                                        (value[2] - '0'));
  }
  // RFC 9113, 8.6: there is no 101 in HTTP/2.
  if (!good || status < 100 || status == 101) malformed("a status");
}

void FieldBlock::add_regular(std::string_view name, std::string_view value) {
  regular_seen_ = true;
  HeaderId id = header_table::find(name);
  if (!is_lower_name(name)) return malformed("a field name");
  if (id == HeaderId::cookie ? ++crumbs_ > limits_.cookie_crumbs : ++count_ > limits_.count) {
    return refuse(ErrorCode::head_too_large, "number of fields");
  }
  if (kSpecialFields.has(id) && !add_special(id, value)) return;
  if (kind_ == HeadKind::trailers && !h1::trailer_allowed(id, name)) return;
  Arena& arena = headers_->arena();
  if (id != HeaderId::unknown) return headers_->add(header_name(id), arena.copy(value), id);
  if (iequals(name, "priority")) priority = parse_priority(value);
  char* text = arena.allocate(name.size() + value.size());
  std::memcpy(text, name.data(), name.size());
  if (!value.empty()) std::memcpy(text + name.size(), value.data(), value.size());
  headers_->add({text, name.size()}, {text + name.size(), value.size()}, id);
}

// False if the field is not to be kept.
bool FieldBlock::add_special(HeaderId id, std::string_view value) {
  if (kConnectionFields.has(id)) {
    malformed("a field of the connection");
    return false;
  }
  switch (id) {
    case HeaderId::te:
      if (!iequals(value, "trailers")) malformed("TE other than trailers");
      te_trailers = true;
      break;
    case HeaderId::host:
      if (headers_->has(HeaderId::host)) malformed("more than one Host");
      break;
    case HeaderId::content_length:
      if (content_length) malformed("more than one Content-Length");
      content_length = parse_length(value);
      if (!content_length) malformed("Content-Length is not a number");
      return kind_ == HeadKind::request;
    case HeaderId::expect:
      unknown_expectation = expects_continue || !iequals(value, "100-continue");
      expects_continue = true;
      break;
    default: break;
  }
  return error_.code == ErrorCode::none;
}

void FieldBlock::end() {
  if (error_.code != ErrorCode::none) return;
  if (kind_ == HeadKind::response && !has(kStatus)) return malformed("no status");
  if (crumbs_ > 1) join_cookies();
  if (kind_ == HeadKind::request) check_request();
}

// RFC 9113, 8.2.3: one field with "; " between the crumbs for everyone who does not speak HTTP/2.
void FieldBlock::join_cookies() {
  std::size_t size = 0;
  headers_->for_each(HeaderId::cookie, [&](std::string_view crumb) { size += crumb.size() + 2; });
  char* text = headers_->arena().allocate(size);
  char* out = text;
  headers_->for_each(HeaderId::cookie, [&](std::string_view crumb) {
    if (out != text) {
      *out++ = ';';
      *out++ = ' ';
    }
    if (!crumb.empty()) std::memcpy(out, crumb.data(), crumb.size());
    out += crumb.size();
  });
  headers_->set(HeaderId::cookie, {text, static_cast<std::size_t>(out - text)});
}

// RFC 9113, 8.3.1 and 8.5; RFC 8441, 4.
void FieldBlock::check_request() {
  if (!has(kMethod)) return malformed("no method");
  if (!is_token(method)) return malformed("a method that is no token");
  bool connect = method == "CONNECT";
  if (has(kProtocol) && !connect) return malformed(":protocol without CONNECT");
  if (connect && !has(kProtocol)) {
    if (!has(kAuthority) || has(kScheme) || has(kPath))
      malformed("pseudo-header fields of CONNECT");
    return;
  }
  if (!has(kScheme) || !has(kPath) || path.empty()) return malformed("no scheme or no path");
  if (has(kProtocol) && !has(kAuthority)) return malformed(":protocol without :authority");
  if (path.front() == '/' || (path == "*" && method == "OPTIONS")) return;
  malformed("a path that does not begin with a slash");
}

// --- requests ----------------------------------------------------------------------------------

namespace {

// :authority wins, and Host must say the same: two recipients must not see two hosts.
Status find_authority(const FieldBlock& block, Request& request) {
  Arena& arena = request.headers.arena();
  const Header* host = request.headers.find(HeaderId::host);
  if (!block.has(FieldBlock::kAuthority) && host == nullptr) {
    return fail(ErrorCode::bad_host, Origin::client, "neither :authority nor Host");
  }
  std::string_view text = block.has(FieldBlock::kAuthority) ? block.authority : host->value();
  Result<Authority> authority = parse_authority(text, arena);
  if (!authority) return fail(authority.error());
  request.authority = *authority;
  if (host == nullptr) {
    request.headers.add(HeaderId::host, authority->text);
  } else if (block.has(FieldBlock::kAuthority) && host->value() != text) {
    Result<Authority> other = parse_authority(host->value(), arena);
    if (!other || other->text != authority->text) {
      return fail(ErrorCode::bad_framing, Origin::client, "Host is not :authority");
    }
  }
  return {};
}

Status find_upgrade(const FieldBlock& block, Request& request) {
  if (!is_token(block.protocol)) {
    return fail(ErrorCode::bad_framing, Origin::client, ":protocol is no token");
  }
  if (is_hop_protocol(block.protocol)) {
    return fail(ErrorCode::unsupported, Origin::client, "a protocol of the connection itself");
  }
  request.method = Method::get;
  request.method_text = method_name(Method::get);
  request.upgrade = block.protocol;
  return {};
}

}  // namespace

Status make_request(FieldBlock& block, const TargetOptions& options, Request& request) {
  if (block.error().code != ErrorCode::none) return fail(block.error());
  if (block.method.size() > h1::kMaxMethod) {
    return fail(ErrorCode::unsupported, Origin::client, "a method that is too long");
  }
  request.method_text = block.method;
  request.method = parse_method(block.method);
  request.te_trailers = block.te_trailers;
  if (Status found = find_authority(block, request); !found) return found;
  bool extended = block.has(FieldBlock::kProtocol);
  bool connect = request.method == Method::connect && !extended;
  if (!connect && !iequals(block.scheme, "http") && !iequals(block.scheme, "https")) {
    return fail(ErrorCode::bad_target, Origin::client, "a scheme other than http and https");
  }
  if (extended) {
    if (Status found = find_upgrade(block, request); !found) return found;
  }
  std::string_view text = connect ? block.authority : block.path;
  Result<Target> target =
      parse_target(text, target_rule(request.method_text), request.headers.arena(), options);
  if (!target) return fail(target.error());
  request.target = *target;
  bool content = block.content_length.value_or(0) != 0;
  if (content && (connect || extended || request.method == Method::trace)) {
    return fail(ErrorCode::bad_framing, Origin::client, "content with CONNECT or TRACE");
  }
  if (block.unknown_expectation) {
    return fail(ErrorCode::expectation_failed, Origin::client,
                "an expectation other than 100-continue");
  }
  return {};
}

// --- writing -----------------------------------------------------------------------------------

namespace {

std::string_view lower_name(HeaderId id) {
  auto index = static_cast<std::size_t>(id);
  return {header_table::kPatterns[index].lower, header_table::kSizes[index]};
}

// Null for a name that may not be sent.
std::string_view lower_name(const Header& header, Arena& arena) {
  if (header.id() != HeaderId::unknown) return lower_name(header.id());
  if (is_lower_name(header.name())) return header.name();
  if (!is_token(header.name())) return {};
  char* lower = arena.allocate(header.name().size());
  for (std::size_t i = 0; i < header.name().size(); ++i) lower[i] = ascii_lower(header.name()[i]);
  return {lower, header.name().size()};
}

bool stays_here(HeaderId id) {
  return h1::is_hop_by_hop(id) || id == HeaderId::host || id == HeaderId::content_length;
}

std::string_view digits(std::uint64_t value, Arena& arena) {
  char text[20];
  char* at = text + sizeof text;
  do {
    *--at = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return arena.copy({at, static_cast<std::size_t>(text + sizeof text - at)});
}

}  // namespace

void FieldList::add_number(std::string_view name, std::uint64_t value) {
  add(name, digits(value, *arena_));
}

Status FieldList::add_all(const Headers& headers, HeaderSet without) {
  for (const Header& header : headers) {
    if (stays_here(header.id()) || without.has(header.id())) continue;
    std::string_view name = lower_name(header, *arena_);
    std::string_view value = trim_ows(header.value());
    if (name.empty() || !is_good_value(value)) {
      return fail(ErrorCode::internal, Origin::weir, "a forbidden byte in a field");
    }
    add(name, value);
  }
  return {};
}

Result<FieldList> response_fields(const Response& response, std::uint16_t status,
                                  const ResponseFraming& framing, Arena& arena) {
  FieldList list(arena, response.headers.size() + 3);
  list.add_number(":status", status);
  if (!framing.date.empty() && !response.headers.has(HeaderId::date)) {
    list.add("date", framing.date);
  }
  if (Status added = list.add_all(response.headers); !added) return fail(added.error());
  if (framing.length) list.add_number("content-length", *framing.length);
  return list;
}

Result<const FieldList*> trailer_fields(const Headers* trailers, Arena& arena) {
  if (trailers == nullptr || trailers->empty()) return nullptr;
  auto* list = arena.make<FieldList>(arena, trailers->size());
  if (Status added = list->add_all(*trailers); !added) return fail(added.error());
  return list->span().empty() ? nullptr : list;
}

Result<FieldList> request_fields(const RequestParts& parts, const Headers& headers, Arena& arena) {
  if (!is_token(parts.method) || !all_of_class(parts.path, kTargetChar) ||
      !is_good_value(parts.authority)) {
    return fail(ErrorCode::internal, Origin::weir, "a forbidden byte in a request");
  }
  FieldList list(arena, headers.size() + 7);
  bool tunnel = parts.method == "CONNECT" && parts.protocol.empty();
  list.add(":method", parts.protocol.empty() ? parts.method : "CONNECT");
  if (!parts.protocol.empty()) list.add(":protocol", parts.protocol);
  if (!tunnel) {
    list.add(":scheme", parts.scheme);
    list.add(":path", parts.path);
  }
  list.add(":authority", parts.authority);
  HeaderSet without;
  if (!parts.protocol.empty()) without.insert(HeaderId::sec_websocket_key);
  if (Status added = list.add_all(headers, without); !added) return fail(added.error());
  if (parts.length) list.add_number("content-length", *parts.length);
  if (parts.te_trailers) list.add("te", "trailers");
  return list;
}

// --- priority ----------------------------------------------------------------------------------

// A Dictionary of RFC 8941 of which two members matter: u=0..7 and i or i=?1.
Priority parse_priority(std::string_view value) {
  Priority priority;
  for_each_token(value, [&priority](std::string_view member) {
    member = trim_ows(member.substr(0, member.find(';')));
    if (member.size() == 3 && member.starts_with("u=") && member[2] >= '0' && member[2] <= '7') {
      priority.urgency = static_cast<std::uint8_t>(member[2] - '0');
    } else if (member == "i" || member == "i=?1") {
      priority.incremental = true;
    } else if (member == "i=?0") {
      priority.incremental = false;
    }
  });
  return priority;
}

}  // namespace weir::h2
