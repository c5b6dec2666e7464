#include "middleware/error_pages.h"

#include <fmt/format.h>

#include "expression/exchange_facts.h"
#include "http/error_response.h"
#include "http/grpc.h"
#include "http/status.h"

namespace weir {
namespace {

// Fields that speak of the content which is not sent.
bool of_content(const Header& field) {
  constexpr HeaderSet kKnown(HeaderId::content_type, HeaderId::content_encoding,
                             HeaderId::content_range, HeaderId::accept_ranges, HeaderId::etag,
                             HeaderId::last_modified, HeaderId::cache_control);
  return kKnown.has(field.id()) || iequals(field.name(), "Content-Language") ||
         iequals(field.name(), "Content-Location");
}

void show(Exchange& exchange, Response& response, const HtmlPage& page) {
  std::string text = page.render(expression::ExchangeFacts(exchange, response));
  response.body = exchange.own<MemoryBody>(copy_slice(text));
  response.headers.set(HeaderId::content_type, "text/html; charset=utf-8");
}

}  // namespace

std::optional<config::Problem> check_error_status(std::string_view text) {
  bool good = text == "4xx" || text == "5xx" ||
              (text.size() == 3 && (text[0] == '4' || text[0] == '5') && is_digit(text[1]) &&
               is_digit(text[2]));
  if (good) return std::nullopt;
  return config::Problem{config::Code::bad_text,
                         fmt::format("\"{}\" is no status of an error", text),
                         "write it like 404 or 5xx"};
}

ErrorPagesMiddleware::ErrorPagesMiddleware(const ErrorPagesConfig& config,
                                           config::Diagnostics& diagnostics)
    : intercept_(config.intercept) {
  for (const auto& entry : config.pages) {
    auto page = HtmlPage::load(entry.value, expression::Stage::response, diagnostics);
    if (page) pages_.emplace_back(entry.name, std::move(*page));
  }
}

const HtmlPage* ErrorPagesMiddleware::page_of(std::uint16_t status) const {
  std::string exact = std::to_string(status);
  const HtmlPage* of_class = nullptr;
  for (const auto& [key, page] : pages_) {
    if (key == exact) return &page;
    if (key[0] == exact[0] && key.ends_with("xx")) of_class = &page;
  }
  return of_class;
}

Task<Result<Response>> ErrorPagesMiddleware::handle(Exchange& exchange, Next next) const {
  bool call = grpc::is_call(exchange.request());
  Result<Response> response = co_await next(exchange);
  if (call) co_return response;
  if (!response) co_return answer(exchange, response.error());
  bool replaced = intercept_ && response->status >= 400 && page_of(response->status) != nullptr;
  if (replaced) response = intercept(exchange, std::move(*response));
  co_return response;
}

// The session makes the same response of an error that is passed on to it.
Result<Response> ErrorPagesMiddleware::answer(Exchange& exchange, const Error& error) const {
  const HtmlPage* page = page_of(status_of(error));
  bool shown = page != nullptr && wants_html(exchange) && !exchange.stop().stopped();
  if (!shown) return fail(error);
  exchange.outcome().error = error;
  Response response = error_response(exchange, error);
  show(exchange, response, *page);
  return response;
}

Response ErrorPagesMiddleware::intercept(Exchange& exchange, Response response) const {
  Response made =
      error_response(exchange, response.status, "origin", reason_phrase(response.status));
  if (wants_html(exchange)) show(exchange, made, *page_of(response.status));
  response.headers.remove_if(of_content);
  for (const Header& field : made.headers) {
    if (!response.headers.has(field.name())) response.headers.add(field.name(), field.value());
  }
  response.body = made.body;
  response.announced_length.reset();
  return response;
}

}  // namespace weir
