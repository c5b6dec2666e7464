#include "middleware/compress.h"

#include <algorithm>

#include "core/glob.h"
#include "http/compression/encoder_pool.h"
#include "http/compression/recoding.h"
#include "middleware/compress/compressed_body.h"

namespace weir {
namespace {

// BREACH: a page of an attacker lets a browser ask, with the user's credentials, for what repeats
// the attacker's guesses beside a secret, and sees by the length which of them was right. Requests
// that another site made, and that carry credentials, get what is not compressed.
bool may_be_forced(const Request& request, const ConnectionFacts& connection) {
  bool trusted = request.headers.has_any(HeaderSet(HeaderId::cookie, HeaderId::authorization)) ||
                 (connection.tls != nullptr && connection.tls->peer != nullptr);
  if (!trusted) return false;
  if (const Header* site = request.headers.find("Sec-Fetch-Site")) {
    return iequals(site->value(), "cross-site");
  }
  // Browsers of before tell by Referer at most.
  std::string_view referer = request.headers.get(HeaderId::referer);
  std::size_t scheme = referer.find("://");
  if (scheme == std::string_view::npos) return false;
  std::string_view host = referer.substr(scheme + 3);
  return !iequals(host.substr(0, host.find('/')), request.authority.text);
}

}  // namespace

bool CompressMiddleware::is_compressible(const Response& response) const {
  if (response.headers.has(HeaderId::content_encoding)) return false;
  std::optional<std::uint64_t> length = response.announced_length;
  if (response.body != nullptr) length = response.body->length();
  if (length && *length < std::max<std::uint64_t>(config_.min_size.bytes, 1)) return false;
  std::string_view type = response.headers.get(HeaderId::content_type);
  type = trim_ows(type.substr(0, type.find(';')));
  char lower[128];
  if (type.empty() || type.size() > sizeof lower) return false;
  for (std::size_t i = 0; i < type.size(); ++i) lower[i] = ascii_lower(type[i]);
  for (const std::string& pattern : config_.types) {
    if (fits(pattern, {lower, type.size()})) return may_recode(response);
  }
  return false;
}

void CompressMiddleware::compress(Exchange& exchange, Response& response, Coding coding) const {
  if (exchange.request().method == Method::head) {
    response.body = nullptr;
  } else {
    if (response.body == nullptr) return;
    EncoderPool& pool = EncoderPool::of(exchange.loop().slots());
    std::unique_ptr<Encoder> encoder = pool.take(coding, response.body->length());
    if (encoder == nullptr) return;
    auto* body =
        exchange.own<CompressedBody>(exchange.loop(), *response.body, coding, std::move(encoder));
    body->begin();
    response.body = body;
  }
  recode(response, coding);
}

Task<Result<Response>> CompressMiddleware::handle(Exchange& exchange, Next next) const {
  const Request& request = exchange.request();
  // Before what follows changes the request.
  Coding coding = AcceptedCodings(request.headers).choose(config_.codings);
  if (may_be_forced(request, exchange.connection())) coding = Coding::identity;
  Result<Response> response = co_await next(exchange);
  if (!response) co_return response;
  if (response->status == 304 && coding != Coding::identity) match_etag(request, *response);
  if (!is_compressible(*response)) co_return response;
  vary_by_encoding(response->headers);
  if (coding != Coding::identity) compress(exchange, *response, coding);
  co_return response;
}

}  // namespace weir
