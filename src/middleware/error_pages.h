// error_pages: pages of the user's own for errors.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/diagnostics.h"
#include "expression/html_page.h"
#include "http/handler.h"
#include "middleware/error_pages_config.h"

namespace weir {

/// The status stays as it is, and so does the reason in the log.
class ErrorPagesMiddleware final : public Middleware {
 public:
  ErrorPagesMiddleware(const ErrorPagesConfig& config, config::Diagnostics& diagnostics);
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;

 private:
  const HtmlPage* page_of(std::uint16_t status) const;
  Result<Response> answer(Exchange& exchange, const Error& error) const;
  Response intercept(Exchange& exchange, Response response) const;

  std::vector<std::pair<std::string, HtmlPage>> pages_;  // by key of the configuration
  bool intercept_;
};

}  // namespace weir
