// The facts of an exchange, as expressions and templates ask for them.
#pragma once

#include "expression/facts.h"
#include "http/exchange.h"

namespace weir::expression {

/// A view of one exchange; lives on the stack of whoever evaluates.
class ExchangeFacts final : public Facts {
 public:
  explicit ExchangeFacts(Exchange& exchange) : exchange_(exchange) {}
  /// With the response at hand, before it has been sent.
  ExchangeFacts(Exchange& exchange, const Response& response)
      : exchange_(exchange), response_(&response) {}

  Value get(Fact fact) const override;
  bool next(Source source, std::string_view name, std::size_t& position,
            std::string_view& value) const override;

 private:
  Value request_fact(Fact fact) const;
  Value trace_fact(Fact fact) const;
  Value tls_fact(Fact fact) const;
  Value outcome_fact(Fact fact) const;
  bool next_field(const Headers* headers, std::string_view name, std::size_t& position,
                  std::string_view& value) const;
  bool next_parameter(std::string_view name, std::size_t& position, std::string_view& value) const;
  bool next_cookie(std::string_view name, std::size_t& position, std::string_view& value) const;

  Exchange& exchange_;
  const Response* response_ = nullptr;
};

}  // namespace weir::expression
