// redirect: sends the client to another address.
#pragma once

#include <cstdint>
#include <optional>

#include "config/diagnostics.h"
#include "expression/path_template.h"
#include "handler/redirect_config.h"
#include "http/handler.h"

namespace weir {

/// To which site it leads is decided by the configuration: what a client sends fills in parts of
/// the path and the query.
class Redirect final : public Handler {
 public:
  Redirect(const RedirectConfig& config, config::Diagnostics& diagnostics);
  Task<Result<Response>> handle(Exchange& exchange) const override;

 private:
  std::optional<expression::CapturingRegex> regex_;
  std::optional<expression::PathTemplate> to_;
  bool names_site_;
  std::uint16_t status_;
};

}  // namespace weir
