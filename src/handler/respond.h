// respond: answers by itself, without an origin.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "handler/respond_config.h"
#include "http/handler.h"

namespace weir {

class Respond final : public Handler {
 public:
  explicit Respond(const RespondConfig& config);
  Task<Result<Response>> handle(Exchange& exchange) const override;

 private:
  std::uint16_t status_;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::string body_;
};

}  // namespace weir
