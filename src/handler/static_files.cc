#include "handler/static_files.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "handler/static_files/file_response.h"
#include "handler/static_files/listing.h"
#include "http/error_response.h"
#include "http/file_path.h"

namespace weir {
namespace {

std::unexpected<Error> not_found() {
  return fail(ErrorCode::not_found, Origin::weir, "no such file");
}

}  // namespace

StaticFiles::StaticFiles(const StaticFilesConfig& config, config::Diagnostics& diagnostics)
    : config_(std::make_shared<const StaticFilesConfig>(config)),
      strip_prefix_(config.strip_prefix) {
  while (strip_prefix_.ends_with('/')) strip_prefix_.pop_back();
  MediaTypes::system();  // read now, not at the first request
  auto root = Root::open(*config.root);
  int error = root ? 0 : root.error();
  if (root) {
    // Also asks the kernel whether it has openat2(2).
    auto itself = root->find("", config.symlinks, /*hidden=*/true);
    if (!itself) error = itself.error();
  }
  if (error == 0) return;
  diagnostics.error(config.root.position, config::Code::unreadable_reference,
                    fmt::format("\"{}\": {}", *config.root, std::strerror(error)),
                    "the root must be a directory that this user may read");
}

OpenFiles& StaticFiles::files(Exchange& exchange) const {
  Loop& loop = exchange.loop();
  return loop.slots().get<OpenFiles>(files_,
                                     [&] { return std::make_unique<OpenFiles>(loop, config_); });
}

Task<Result<Response>> StaticFiles::handle(Exchange& exchange) const {
  Method method = exchange.request().method;
  if (method == Method::get || method == Method::head) co_return answer(exchange);
  Response response =
      error_response(exchange, 405, "method_not_allowed", "Files can only be read: GET and HEAD.");
  response.headers.add(HeaderId::allow, "GET, HEAD");
  co_return response;
}

Result<Response> StaticFiles::answer(Exchange& exchange) const {
  std::optional<std::string_view> path =
      strip_prefix(exchange.request().target.path, strip_prefix_);
  if (path) path = file_path(*path, exchange.arena());
  if (!path || (!config_->hidden && is_hidden(*path))) return not_found();
  if (path->empty() || path->ends_with('/')) return answer_directory(exchange, *path);
  auto found = files(exchange).find(*path);
  if (found) return file_response(exchange, *found);
  if (found.error() == EISDIR) return redirect(exchange);
  return answer_missing(exchange, *path, found.error());
}

Result<Response> StaticFiles::answer_directory(Exchange& exchange, std::string_view path) const {
  OpenFiles& open = files(exchange);
  int error = ENOENT;
  for (const std::string& index : config_->index) {
    auto found = open.find(exchange.arena().concat({path, index}));
    if (found) return file_response(exchange, *found);
    if (found.error() != ENOENT && found.error() != EISDIR) error = found.error();
  }
  if (!config_->listing || open.root() == nullptr) return answer_missing(exchange, path, error);
  auto listing =
      list_directory(*open.root(), std::string(path), config_->symlinks, config_->hidden);
  if (!listing) return answer_missing(exchange, path, listing.error());
  return list(exchange, *listing);
}

// What does not exist, cannot be reached by the policy, or is no file, looks the same from outside.
Result<Response> StaticFiles::answer_missing(Exchange& exchange, std::string_view path,
                                             int why) const {
  if (why == EACCES || why == EPERM) {
    return error_response(exchange, 403, "permission", "This file may not be read.");
  }
  if (why == EMFILE || why == ENFILE || why == ENOMEM) {
    return fail(ErrorCode::overloaded, Origin::weir, "no descriptor for the file");
  }
  if (why == EIO) return fail(ErrorCode::io, Origin::weir, "the file cannot be read");
  if (config_->fallback.empty()) return not_found();
  std::string_view last = path.substr(path.rfind('/') + 1);
  if (last.find('.') != std::string_view::npos && !wants_html(exchange)) return not_found();
  auto found = files(exchange).find(std::string_view(config_->fallback).substr(1));
  if (!found) return not_found();
  return file_response(exchange, *found);
}

// The links on a directory's page are relative to its path with a slash.
Response StaticFiles::redirect(Exchange& exchange) const {
  const Target& target = exchange.request().target;
  Response response(exchange.arena());
  response.status = 308;
  response.headers.add(
      HeaderId::location,
      exchange.arena().concat({target.path, "/", target.has_query() ? "?" : "", target.query}));
  response.body = exchange.own<MemoryBody>(Slice());
  return response;
}

Response StaticFiles::list(Exchange& exchange, const Listing& listing) const {
  bool html = wants_html(exchange);
  std::string_view title = exchange.request().target.path;
  std::string text = html ? listing_html(listing, title, title != "/") : listing_json(listing);
  Response response(exchange.arena());
  response.headers.add(HeaderId::content_type,
                       html ? "text/html; charset=utf-8" : "application/json");
  response.headers.add(HeaderId::cache_control, "no-cache");
  response.headers.add(HeaderId::vary, "Accept");
  response.body = exchange.own<MemoryBody>(copy_slice(text));
  return response;
}

}  // namespace weir
