#include "admin/dashboard.h"

namespace weir {
namespace {

constexpr std::string_view kRoot = "/dashboard";
constexpr std::string_view kPage = "index.html";

// Trusted types: what makes HTML of text throws, so that a name of the configuration stays text.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

std::string_view type_of(std::string_view name) {
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  return "text/html; charset=utf-8";
}

}  // namespace

const DashboardFile* find_dashboard_file(std::string_view path) {
  if (!path.starts_with(kRoot)) return nullptr;
  path.remove_prefix(kRoot.size());
  std::string_view name = path.empty() ? kPage : path.substr(1);
  if (!path.empty() && (path[0] != '/' || name == kPage)) return nullptr;
  for (const DashboardFile& file : dashboard_files()) {
    if (file.name == name) return &file;
  }
  return nullptr;
}

Response dashboard_response(Exchange& exchange, const DashboardFile& file) {
  Response response(exchange.arena());
  response.status = 200;
  response.headers.add(HeaderId::content_type, type_of(file.name));
  response.headers.add(HeaderId::cache_control, "no-store");
  response.headers.add("Content-Security-Policy", kPolicy);
  response.headers.add("Cross-Origin-Opener-Policy", "same-origin");
  response.headers.add("Cross-Origin-Resource-Policy", "same-origin");
  response.headers.add("Referrer-Policy", "no-referrer");
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.body = exchange.own<MemoryBody>(Slice::unowned(file.content));
  return response;
}

}  // namespace weir
