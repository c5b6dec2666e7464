#include "middleware/builtin.h"

#include "middleware/headers.h"

namespace weir {
namespace {

constexpr config::ModuleType kHeaders = config::module_type<HeadersConfig>();

constexpr const config::ModuleType* kMiddlewares[] = {&kHeaders};

}  // namespace

std::span<const config::ModuleType* const> middleware_types() { return kMiddlewares; }

std::unique_ptr<Middleware> make_middleware(const config::Module& module,
                                            config::Diagnostics& diagnostics) {
  if (module.type == &kHeaders) {
    const auto& options = module.as<HeadersConfig>();
    return std::make_unique<HeadersMiddleware>(options.request, options.response, diagnostics);
  }
  return nullptr;
}

}  // namespace weir
