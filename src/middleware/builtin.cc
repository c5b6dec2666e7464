#include "middleware/builtin.h"

#include "middleware/bandwidth.h"
#include "middleware/basic_auth.h"
#include "middleware/body_limit.h"
#include "middleware/buffer.h"
#include "middleware/cache.h"
#include "middleware/compress.h"
#include "middleware/concurrency_limit.h"
#include "middleware/cors.h"
#include "middleware/decompress.h"
#include "middleware/early_hints.h"
#include "middleware/error_pages.h"
#include "middleware/fault.h"
#include "middleware/forward_auth.h"
#include "middleware/grpc_web.h"
#include "middleware/grpc_web_config.h"
#include "middleware/headers.h"
#include "middleware/ip_filter.h"
#include "middleware/maintenance.h"
#include "middleware/rate_limit.h"
#include "middleware/rewrite.h"
#include "middleware/security_headers.h"
#include "middleware/server_timing.h"
#include "upstream/module_table.h"

namespace weir {
namespace {

template <class Made, class Options>
constexpr auto entry = module_entry<Middleware, Made, Options>();

constexpr ModuleEntry<Middleware> kEntries[] = {
    entry<BandwidthMiddleware, BandwidthConfig>,
    entry<BasicAuthMiddleware, BasicAuthConfig>,
    entry<BodyLimitMiddleware, BodyLimitConfig>,
    entry<BufferMiddleware, BufferConfig>,
    entry<CacheMiddleware, CacheConfig>,
    entry<CompressMiddleware, CompressConfig>,
    entry<ConcurrencyLimitMiddleware, ConcurrencyLimitConfig>,
    entry<CorsMiddleware, CorsConfig>,
    entry<DecompressMiddleware, DecompressConfig>,
    entry<EarlyHintsMiddleware, EarlyHintsConfig>,
    entry<ErrorPagesMiddleware, ErrorPagesConfig>,
    entry<FaultMiddleware, FaultConfig>,
    entry<ForwardAuthMiddleware, ForwardAuthConfig>,
    entry<GrpcWebMiddleware, GrpcWebConfig>,
    entry<HeadersMiddleware, HeadersConfig>,
    entry<IpFilterMiddleware, IpFilterConfig>,
    entry<MaintenanceMiddleware, MaintenanceConfig>,
    entry<RateLimitMiddleware, RateLimitUseConfig>,
    entry<RewriteMiddleware, RewriteConfig>,
    entry<SecurityHeadersMiddleware, SecurityHeadersConfig>,
    entry<ServerTimingMiddleware, ServerTimingConfig>,
};
constexpr auto kTypes = types_of(kEntries);

}  // namespace

std::span<const config::ModuleType* const> middleware_types() { return kTypes; }

std::unique_ptr<Middleware> make_middleware(const config::Module& module, const BuildParts& parts) {
  return make_from(kEntries, module, parts);
}

}  // namespace weir
