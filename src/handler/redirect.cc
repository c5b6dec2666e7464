#include "handler/redirect.h"

#include <fmt/format.h>

#include "expression/exchange_facts.h"
#include "expression/header_edits.h"

namespace weir {
namespace {

// Where the name of the site ends in `https://site/...`; 0 if there is none. Holes are skipped.
std::size_t end_of_site(std::string_view to) {
  std::size_t at = to.starts_with("//") ? 0 : to.find("://");
  if (at == to.npos || to.substr(0, at).find_first_of("/?") != to.npos) return 0;
  at += to[at] == ':' ? 3 : 2;
  while (at < to.size() && to[at] != '/' && to[at] != '?' && to[at] != '#') {
    at = to.substr(at).starts_with("${") ? to.find('}', at) : at;
    if (at == to.npos) return to.size();
    ++at;
  }
  return at;
}

}  // namespace

std::optional<config::Problem> check_redirect_to(std::string_view text) {
  if (auto problem = check_header_value(text)) return problem;
  std::string_view site = text.substr(0, end_of_site(text));
  for (std::size_t at = site.find('$'); at < site.size(); at = site.find('$', at + 1)) {
    if (at + 1 >= site.size() || !is_digit(site[at + 1])) continue;
    return config::Problem{config::Code::bad_text,
                           "a client could choose the site that this leads to",
                           "write a slash between the name of the site and what was captured"};
  }
  return std::nullopt;
}

Redirect::Redirect(const RedirectConfig& config, config::Diagnostics& diagnostics)
    : names_site_(config.to->starts_with("//")), status_(config.status) {
  if (!config.regex->empty()) {
    auto compiled = expression::CapturingRegex::compile(*config.regex);
    if (!compiled) {
      diagnostics.error(config.regex.position, config::Code::bad_regex,
                        fmt::format("\"{}\" cannot be used: {}", *config.regex, compiled.error()));
      return;  // what it captures is not known
    }
    regex_ = std::move(*compiled);
  }
  auto compiled = expression::PathTemplate::compile(*config.to, expression::Stage::route,
                                                    regex_ ? regex_->groups() : -1);
  if (compiled) {
    to_ = std::move(*compiled);
  } else {
    report(compiled.error(), config.to.position, diagnostics);
  }
}

Task<Result<Response>> Redirect::handle(Exchange& exchange) const {
  std::string_view path = exchange.request().target.path;
  expression::Captures captures;
  captures[0] = path;
  if (regex_ && !regex_->match(path, captures)) {
    co_return fail(ErrorCode::not_found, Origin::weir, "the regex matches another path");
  }
  std::string location;
  to_->append_to(location, expression::ExchangeFacts(exchange), captures);
  // `//name` is another site; so is `/\name` for browsers, but a path has no backslash.
  if (location.starts_with("//") && !names_site_) {
    co_return fail(ErrorCode::bad_target, Origin::client, "leads to another site");
  }
  Response response(exchange.arena());
  response.status = status_;
  response.headers.add(HeaderId::location, exchange.arena().copy(location));
  response.body = exchange.own<MemoryBody>(Slice());
  co_return response;
}

}  // namespace weir
