// grpc_web: gRPC-Web of browsers on one side, gRPC on the other.
#pragma once

#include "http/handler.h"

namespace weir {

/// A gRPC-Web call is a gRPC call whose trailers stand in the body, as a last message with the flag
/// 0x80; in the text variant the body is in base64 (github.com/grpc/grpc, doc/PROTOCOL-WEB.md).
class GrpcWebMiddleware final : public Middleware {
 public:
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;
};

}  // namespace weir
