// rewrite: gives requests another path.
#pragma once

#include <optional>
#include <string>

#include "config/diagnostics.h"
#include "expression/path_template.h"
#include "http/handler.h"
#include "middleware/rewrite_config.h"

namespace weir {

/// What was received stays for the log: `target` and `raw_path`.
class RewriteMiddleware final : public Middleware {
 public:
  /// Of the new path and its query; `target_too_long` above.
  static constexpr std::size_t kMostBytes = 32 * 1024;

  RewriteMiddleware(const RewriteConfig& config, config::Diagnostics& diagnostics);
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;

 private:
  Status rewrite(Exchange& exchange) const;
  bool matches(std::string_view path, std::string_view& rest, expression::Captures& captures) const;

  std::optional<std::string> prefix_;  // without a slash at its end
  std::optional<expression::CapturingRegex> regex_;
  std::optional<expression::PathTemplate> to_;
};

}  // namespace weir
