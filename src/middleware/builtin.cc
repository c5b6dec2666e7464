#include "middleware/builtin.h"

#include "middleware/fault.h"
#include "middleware/grpc_web.h"
#include "middleware/grpc_web_config.h"
#include "middleware/headers.h"
#include "middleware/security_headers.h"

namespace weir {
namespace {

constexpr config::ModuleType kFault = config::module_type<FaultConfig>();
constexpr config::ModuleType kGrpcWeb = config::module_type<GrpcWebConfig>();
constexpr config::ModuleType kHeaders = config::module_type<HeadersConfig>();
constexpr config::ModuleType kSecurityHeaders = config::module_type<SecurityHeadersConfig>();

constexpr const config::ModuleType* kMiddlewares[] = {&kFault, &kGrpcWeb, &kHeaders,
                                                      &kSecurityHeaders};

}  // namespace

std::span<const config::ModuleType* const> middleware_types() { return kMiddlewares; }

std::unique_ptr<Middleware> make_middleware(const config::Module& module,
                                            const BuildParts& parts) {
  if (module.type == &kHeaders) {
    const auto& options = module.as<HeadersConfig>();
    return std::make_unique<HeadersMiddleware>(options.request, options.response, parts.diagnostics);
  }
  if (module.type == &kFault) {
    return std::make_unique<FaultMiddleware>(module.as<FaultConfig>(), parts.diagnostics);
  }
  if (module.type == &kSecurityHeaders) {
    return std::make_unique<SecurityHeadersMiddleware>(module.as<SecurityHeadersConfig>());
  }
  if (module.type == &kGrpcWeb) return std::make_unique<GrpcWebMiddleware>();
  return nullptr;
}

}  // namespace weir
