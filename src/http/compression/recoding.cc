#include "http/compression/recoding.h"

#include "http/status.h"

namespace weir {
namespace {

bool forbids_change(const Headers& headers) {
  bool forbids = false;
  headers.for_each(HeaderId::cache_control, [&](std::string_view list) {
    for_each_token(list, [&](std::string_view directive) {
      forbids = forbids || iequals(directive, "no-transform");
    });
  });
  return forbids;
}

bool is_strong(std::string_view etag) { return !etag.empty() && !etag.starts_with("W/"); }

}  // namespace

bool may_recode(const Response& response) {
  if (never_has_content(response.status) || response.status == 206 || response.tunnel) return false;
  return !response.headers.has(HeaderId::content_range) && !forbids_change(response.headers);
}

void recode(Response& response, Coding coding) {
  Headers& headers = response.headers;
  if (coding == Coding::identity) {
    headers.remove(HeaderId::content_encoding);
  } else {
    headers.set(HeaderId::content_encoding, name(coding));
  }
  headers.remove(HeaderId::accept_ranges);
  if (headers.has(HeaderId::unknown)) {
    headers.remove("Content-Digest");
    headers.remove("Repr-Digest");
    headers.remove("Content-MD5");
  }
  std::string_view etag = headers.get(HeaderId::etag);
  if (is_strong(etag)) headers.set(HeaderId::etag, headers.arena().concat({"W/", etag}));
  response.announced_length.reset();
}

void match_etag(const Request& request, Response& response) {
  std::string_view etag = response.headers.get(HeaderId::etag);
  if (!is_strong(etag)) return;
  std::string_view weak = response.headers.arena().concat({"W/", etag});
  std::string_view asked = request.headers.get(HeaderId::if_none_match);
  if (asked.find(weak) != std::string_view::npos) response.headers.set(HeaderId::etag, weak);
}

}  // namespace weir
