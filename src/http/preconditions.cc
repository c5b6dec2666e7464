#include "http/preconditions.h"

#include "http/date.h"

namespace weir {
namespace {

bool is_weak(std::string_view etag) { return etag.starts_with("W/"); }

std::string_view opaque(std::string_view etag) { return is_weak(etag) ? etag.substr(2) : etag; }

bool matches(std::string_view one, std::string_view other, EtagComparison how) {
  if (one.empty() || other.empty()) return false;
  if (how == EtagComparison::strong && (is_weak(one) || is_weak(other))) return false;
  return opaque(one) == opaque(other);
}

// The entity tag that `text` begins with, RFC 9110, 8.8.3: quotes around anything but quotes,
// blanks and controls. Empty if it begins with none.
std::string_view first_etag(std::string_view text) {
  std::size_t at = text.starts_with("W/") ? 2 : 0;
  if (at >= text.size() || text[at] != '"') return {};
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c == '"') return text.substr(0, i + 1);
    if (c <= 0x20 || c == 0x7f) return {};
  }
  return {};
}

bool any_names(const Headers& headers, HeaderId id, std::string_view etag, EtagComparison how) {
  bool found = false;
  headers.for_each(id,
                   [&](std::string_view list) { found = found || names_etag(list, etag, how); });
  return found;
}

// Fields with a single date; one that is no date, or comes twice, is as if it were not there.
std::optional<std::int64_t> date_of(const Headers& headers, HeaderId id, std::int64_t now) {
  if (headers.count(id) != 1) return std::nullopt;
  return parse_http_date(headers.get(id), now);
}

}  // namespace

bool names_etag(std::string_view list, std::string_view etag, EtagComparison how) {
  list = trim_ows(list);
  if (list == "*") return true;
  while (!list.empty()) {
    if (list.front() == ',' || is_ows(list.front())) {
      list.remove_prefix(1);
      continue;
    }
    std::string_view each = first_etag(list);
    if (each.empty()) return false;
    if (matches(each, etag, how)) return true;
    list = trim_ows(list.substr(each.size()));
    if (!list.empty() && list.front() != ',') return false;
  }
  return false;
}

Precondition check_preconditions(const Request& request, const Validators& current,
                                 std::int64_t now) {
  const Headers& headers = request.headers;
  if (!headers.has_any(HeaderSet(HeaderId::if_match, HeaderId::if_unmodified_since,
                                 HeaderId::if_none_match, HeaderId::if_modified_since))) {
    return Precondition::holds;
  }
  bool reads = request.method == Method::get || request.method == Method::head;
  if (headers.has(HeaderId::if_match)) {
    if (!any_names(headers, HeaderId::if_match, current.etag, EtagComparison::strong)) {
      return Precondition::failed;
    }
  } else if (auto since = date_of(headers, HeaderId::if_unmodified_since, now)) {
    if (current.modified && *current.modified > *since) return Precondition::failed;
  }
  if (headers.has(HeaderId::if_none_match)) {
    if (any_names(headers, HeaderId::if_none_match, current.etag, EtagComparison::weak)) {
      return reads ? Precondition::not_modified : Precondition::failed;
    }
  } else if (reads) {
    auto since = date_of(headers, HeaderId::if_modified_since, now);
    if (since && current.modified && *current.modified <= *since) {
      return Precondition::not_modified;
    }
  }
  return Precondition::holds;
}

bool range_wanted(const Request& request, const Validators& current, std::int64_t now) {
  const Headers& headers = request.headers;
  if (request.method != Method::get || headers.count(HeaderId::range) != 1) return false;
  if (!headers.has(HeaderId::if_range)) return true;
  if (headers.count(HeaderId::if_range) != 1) return false;
  std::string_view asked = headers.get(HeaderId::if_range);
  if (std::string_view etag = first_etag(asked); !etag.empty()) {
    return etag.size() == asked.size() && matches(etag, current.etag, EtagComparison::strong);
  }
  std::optional<std::int64_t> date = parse_http_date(asked, now);
  return date && current.modified && *date == *current.modified && *current.modified < now;
}

}  // namespace weir
