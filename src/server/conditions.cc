#include "server/conditions.h"

#include <algorithm>

#include "expression/exchange_facts.h"
#include "expression/header_edits.h"

namespace weir {
namespace {

// A parameter of `query` as it is written there: `name=value` or `name`, between '&'.
bool has_parameter(std::string_view query, std::string_view name, std::string_view value) {
  while (!query.empty()) {
    std::size_t end = query.find('&');
    std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    std::size_t equal = pair.find('=');
    if (pair.substr(0, equal) != name) continue;
    std::string_view given =
        equal == std::string_view::npos ? std::string_view() : pair.substr(equal + 1);
    if (value == "*" || given == value) return true;
  }
  return false;
}

bool has_field(const Headers& headers, std::string_view name, std::string_view value) {
  bool found = false;
  headers.for_each(
      name, [&](std::string_view given) { found = found || value == "*" || given == value; });
  return found;
}

}  // namespace

Conditions::Conditions(const MatchConfig& match, config::Diagnostics& diagnostics)
    : methods_(match.method) {
  for (const auto& header : match.header) headers_.emplace_back(header.name, header.value);
  for (const auto& parameter : match.query) query_.emplace_back(parameter.name, parameter.value);
  if (match.when->empty()) return;
  auto compiled = expression::Expression::compile(*match.when, expression::Stage::request);
  if (compiled) {
    when_ = std::move(*compiled);
  } else {
    report(compiled.error(), match.when.position, diagnostics);
  }
}

bool Conditions::hold(Exchange& exchange) const {
  const Request& request = exchange.request();
  if (!methods_.empty() &&
      std::find(methods_.begin(), methods_.end(), request.method_text) == methods_.end()) {
    return false;
  }
  for (const auto& [name, value] : headers_) {
    if (!has_field(request.headers, name, value)) return false;
  }
  for (const auto& [name, value] : query_) {
    if (!has_parameter(request.target.query, name, value)) return false;
  }
  return !when_ || when_->evaluate(expression::ExchangeFacts(exchange));
}

std::uint32_t Conditions::count() const {
  return static_cast<std::uint32_t>((methods_.empty() ? 0 : 1) + headers_.size() + query_.size() +
                                    (when_ ? 1 : 0));
}

}  // namespace weir
