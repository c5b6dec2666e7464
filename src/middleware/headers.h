// headers: sets, adds and removes fields of requests and responses.
#pragma once

#include "expression/header_edits.h"
#include "http/handler.h"
#include "middleware/headers_config.h"

namespace weir {

class HeadersMiddleware final : public Middleware {
 public:
  HeadersMiddleware(const HeadersConfig& config, config::Diagnostics& diagnostics);
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;

 private:
  Task<Result<Response>> edit_response(Exchange& exchange, Next next) const;

  HeaderEdits request_;
  HeaderEdits response_;
};

}  // namespace weir
