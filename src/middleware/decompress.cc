#include "middleware/decompress.h"

#include "http/compression/decoder.h"
#include "http/compression/recoding.h"
#include "middleware/decompress/decoded_body.h"

namespace weir {
namespace {

// The one coding of a response. What was encoded more than once stays as it is.
Coding coding_of(const Headers& headers) {
  Coding coding = Coding::identity;
  unsigned fields = 0;
  headers.for_each(HeaderId::content_encoding, [&](std::string_view value) {
    coding = parse_coding(value).value_or(Coding::identity);
    ++fields;
  });
  return fields == 1 ? coding : Coding::identity;
}

}  // namespace

void DecompressMiddleware::decompress(Exchange& exchange, Response& response, Coding coding) const {
  if (exchange.request().method != Method::head) {
    // An origin that says a coding of nothing at all has encoded nothing.
    if (response.body == nullptr || response.body->length() == 0) return;
    std::unique_ptr<Decoder> decoder = make_decoder(coding);
    if (decoder == nullptr) return;
    decoder->limit.ratio = config_.max_ratio;
    response.body = exchange.own<DecodedBody>(exchange.loop(), *response.body, std::move(decoder),
                                              config_.max_size.bytes);
  }
  recode(response, Coding::identity);
}

Task<Result<Response>> DecompressMiddleware::handle(Exchange& exchange, Next next) const {
  // Before what follows changes the request.
  AcceptedCodings accepted(exchange.request().headers);
  Result<Response> response = co_await next(exchange);
  if (!response) co_return response;
  if (response->status == 304) match_etag(exchange.request(), *response);
  Coding coding = coding_of(response->headers);
  if (coding == Coding::identity || !may_recode(*response)) co_return response;
  vary_by_encoding(response->headers);
  if (accepted.weight(coding) == 0) decompress(exchange, *response, coding);
  co_return response;
}

}  // namespace weir
