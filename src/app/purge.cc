#include "app/purge.h"

#include <fmt/format.h>

#include "core/arena.h"
#include "http/target.h"

namespace weir {
namespace {

// As requests have it: the path normalised, the host in lower case. Nothing for what is none.
std::string address_of(std::string_view text) {
  Arena arena;
  Result<Target> target = parse_target(text, TargetRule::ordinary, arena);
  if (!target || target->form != TargetForm::absolute) return {};
  return fmt::format("{}://{}{}", target->scheme, target->authority.text, target->path_query);
}

std::size_t purge(cache::Store& store, const PurgeRequest& request, std::string_view url) {
  cache::Purge how = request.soft ? cache::Purge::soft : cache::Purge::hard;
  if (!url.empty()) {
    std::size_t count = store.purge_url(url, how);
    store.sweep();
    return count;
  }
  if (!request.prefix.empty()) return store.purge_prefix(request.prefix, how);
  return store.purge_tag(request.tag, how);
}

}  // namespace

ControlRequest PurgeRequest::to_request() const {
  ControlRequest request{"purge", {}};
  auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) request.arguments[name] = {value};
  };
  add("url", url);
  add("prefix", prefix);
  add("tag", tag);
  add("cache", cache);
  add("soft", soft ? "yes" : "");
  return request;
}

PurgeRequest PurgeRequest::from(const ControlRequest& request) {
  PurgeRequest read;
  read.url = request.argument("url");
  read.prefix = request.argument("prefix");
  read.tag = request.argument("tag");
  read.cache = request.argument("cache");
  read.soft = request.argument("soft") == "yes";
  return read;
}

ControlAnswer purge(Server& server, const PurgeRequest& request) {
  int given = !request.url.empty() + !request.prefix.empty() + !request.tag.empty();
  if (given != 1) return {false, "give an address, --prefix or --tag\n", {}};
  std::string url;
  if (!request.url.empty()) {
    url = address_of(request.url);
    if (url.empty()) {
      return {
          false, fmt::format("\"{}\" is no address; write https://host/path\n", request.url), {}};
    }
  }
  std::size_t count = 0;
  bool found = false;
  for (const auto& [name, store] : server.states().all<cache::Store>()) {
    if (!request.cache.empty() && name != request.cache) continue;
    found = true;
    count += purge(*store, request, url);
  }
  if (!found) {
    return {false,
            request.cache.empty() ? "there is no cache\n"
                                  : fmt::format("there is no cache \"{}\"\n", request.cache),
            {}};
  }
  return {true, fmt::format("{} {}\n", count, count == 1 ? "response" : "responses"),
          fmt::format("{{\"purged\":{}}}", count)};
}

}  // namespace weir
