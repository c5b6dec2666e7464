#include "handler/builtin.h"

#include "handler/fastcgi.h"
#include "handler/redirect.h"
#include "handler/respond.h"
#include "handler/reverse_proxy.h"
#include "handler/static_files.h"
#include "upstream/module_table.h"

namespace weir {
namespace {

template <class Made, class Options>
constexpr auto entry = module_entry<Handler, Made, Options>();

constexpr ModuleEntry<Handler> kEntries[] = {
    entry<ReverseProxy, ReverseProxyConfig>, entry<Respond, RespondConfig>,
    entry<Redirect, RedirectConfig>,         entry<StaticFiles, StaticFilesConfig>,
    entry<FastCgi, FastCgiConfig>,
};
constexpr auto kTypes = types_of(kEntries);

}  // namespace

std::span<const config::ModuleType* const> handler_types() { return kTypes; }

std::unique_ptr<Handler> make_handler(const config::Module& module, const BuildParts& parts) {
  return make_from(kEntries, module, parts);
}

}  // namespace weir
