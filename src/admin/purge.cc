#include "admin/purge.h"

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

std::size_t purge(cache::Store& store, const PurgeOrder& order, std::string_view url) {
  cache::Purge how = order.soft ? cache::Purge::soft : cache::Purge::hard;
  if (!url.empty()) {
    std::size_t count = store.purge_url(url, how);
    store.sweep();
    return count;
  }
  if (!order.prefix.empty()) return store.purge_prefix(order.prefix, how);
  return store.purge_tag(order.tag, how);
}

}  // namespace

std::expected<std::size_t, std::string> purge(Server& server, const PurgeOrder& order) {
  int given = !order.url.empty() + !order.prefix.empty() + !order.tag.empty();
  if (given != 1) return std::unexpected("give one of an address, a prefix and a tag");
  std::string url;
  if (!order.url.empty()) {
    url = address_of(order.url);
    if (url.empty()) {
      return std::unexpected(
          fmt::format("\"{}\" is no address; write https://host/path", order.url));
    }
  }
  std::size_t count = 0;
  bool found = false;
  for (const auto& [name, store] : server.states().all<cache::Store>()) {
    if (!order.cache.empty() && name != order.cache) continue;
    found = true;
    count += purge(*store, order, url);
  }
  if (found) return count;
  return std::unexpected(order.cache.empty()
                             ? std::string("there is no cache")
                             : fmt::format("there is no cache \"{}\"", order.cache));
}

}  // namespace weir
