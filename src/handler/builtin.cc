#include "handler/builtin.h"

#include "handler/redirect.h"
#include "handler/respond.h"
#include "handler/reverse_proxy.h"
#include "handler/static_files.h"

namespace weir {
namespace {

constexpr config::ModuleType kReverseProxy = config::module_type<ReverseProxyConfig>();
constexpr config::ModuleType kRespond = config::module_type<RespondConfig>();
constexpr config::ModuleType kRedirect = config::module_type<RedirectConfig>();
constexpr config::ModuleType kStaticFiles = config::module_type<StaticFilesConfig>();

constexpr const config::ModuleType* kHandlers[] = {&kReverseProxy, &kRespond, &kRedirect,
                                                   &kStaticFiles};

}  // namespace

std::span<const config::ModuleType* const> handler_types() { return kHandlers; }

std::unique_ptr<Handler> make_handler(const config::Module& module, const BuildParts& parts) {
  if (module.type == &kReverseProxy) {
    return std::make_unique<ReverseProxy>(module.as<ReverseProxyConfig>(), parts.upstreams,
                                          parts.diagnostics);
  }
  if (module.type == &kRespond) return std::make_unique<Respond>(module.as<RespondConfig>());
  if (module.type == &kRedirect) {
    return std::make_unique<Redirect>(module.as<RedirectConfig>(), parts.diagnostics);
  }
  if (module.type == &kStaticFiles) {
    return std::make_unique<StaticFiles>(module.as<StaticFilesConfig>(), parts.diagnostics);
  }
  return nullptr;
}

}  // namespace weir
