#include "http/fastcgi/cgi_head.h"

#include <algorithm>

#include "http/syntax.h"

namespace weir::fastcgi {
namespace {

std::unexpected<Error> refused(std::string_view detail) {
  return fail(ErrorCode::parse, Origin::upstream, detail);
}

std::unexpected<Error> too_large() {
  return fail(ErrorCode::head_too_large, Origin::upstream, "the head of a CGI response");
}

// The length of the head with its empty line; 0 if that has not come. An LF that could be the last
// but one may lie in what was seen, with a CR behind it.
std::size_t find_end(std::string_view bytes, std::size_t already_seen) {
  std::size_t at = already_seen < 2 ? 0 : already_seen - 2;
  if (at == 0) {
    if (bytes.starts_with('\n')) return 1;
    if (bytes.starts_with("\r\n")) return 2;
  }
  while ((at = bytes.find('\n', at)) != std::string_view::npos) {
    std::string_view next = bytes.substr(++at, 2);
    if (next.starts_with('\n')) return at + 1;
    if (next == "\r\n") return at + 2;
  }
  return 0;
}

bool read_status(std::string_view value, CgiHead& head) {
  if (value.size() < 3 || !std::all_of(value.begin(), value.begin() + 3, is_digit)) return false;
  auto digit = [&](int i) { return value[static_cast<std::size_t>(i)] - '0'; };
  head.status = static_cast<std::uint16_t>(digit(0) * 100 + digit(1) * 10 + digit(2));
  if (head.status < 200 || head.status > 599) return false;
  if (value.size() > 3 && value[3] != ' ') return false;
  head.reason = trim_ows(value.substr(3));
  return true;
}

}  // namespace

Result<std::size_t> parse_cgi_head(std::string_view bytes, std::size_t already_seen,
                                   const h1::Limits& limits, CgiHead& head, Headers& headers) {
  std::size_t length = find_end(bytes, already_seen);
  std::size_t most = std::min(limits.head_bytes, h1::kMaxHead);
  if (length > most || (length == 0 && bytes.size() >= most)) return too_large();
  if (length == 0) return std::size_t{0};
  head = {};
  headers.clear();
  bool has_status = false;
  std::string_view rest = bytes.substr(0, length);
  while (true) {
    std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    std::size_t colon = line.find(':');
    std::string_view name = line.substr(0, colon);
    if (colon == std::string_view::npos || !is_token(name)) return refused("a line is no field");
    std::string_view value = trim_ows(line.substr(colon + 1));
    if (!is_field_value(value)) return refused("a control character in a field");
    if (iequals(name, "Status")) {
      if (has_status || !read_status(value, head)) return refused("Status of a CGI response");
      has_status = true;
      continue;
    }
    if (headers.size() == limits.header_count) return too_large();
    headers.add(name, value);
  }
  if (!has_status && headers.empty()) return refused("a CGI response without a field");
  if (!has_status && headers.has(HeaderId::location)) head.status = 302;
  return length;
}

}  // namespace weir::fastcgi
