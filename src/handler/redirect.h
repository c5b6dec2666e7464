// redirect: sends the client to another address.
#pragma once

#include <cstdint>
#include <optional>

#include "config/diagnostics.h"
#include "expression/template.h"
#include "handler/redirect_config.h"
#include "http/handler.h"

namespace weir {

class Redirect final : public Handler {
 public:
  Redirect(const RedirectConfig& config, config::Diagnostics& diagnostics);
  Task<Result<Response>> handle(Exchange& exchange) const override;

 private:
  std::optional<expression::Template> to_;
  std::uint16_t status_;
};

}  // namespace weir
