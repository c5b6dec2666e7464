// The options of `grpc_web`.
#pragma once

#include "config/schema.h"

namespace weir {

struct GrpcWebConfig {
  static constexpr auto schema = config::object(
      "grpc_web",
      "Lets browsers call gRPC services: gRPC-Web, binary and text, becomes gRPC towards the "
      "origin. Other requests pass as they are.");
};

}  // namespace weir
