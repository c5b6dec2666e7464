#include "app/purge.h"

#include <fmt/format.h>

namespace weir {

ControlRequest to_request(const PurgeOrder& order) {
  ControlRequest request{"purge", {}};
  auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) request.arguments[name] = {value};
  };
  add("url", order.url);
  add("prefix", order.prefix);
  add("tag", order.tag);
  add("cache", order.cache);
  add("soft", order.soft ? "yes" : "");
  return request;
}

PurgeOrder purge_order(const ControlRequest& request) {
  PurgeOrder order;
  order.url = request.argument("url");
  order.prefix = request.argument("prefix");
  order.tag = request.argument("tag");
  order.cache = request.argument("cache");
  order.soft = request.argument("soft") == "yes";
  return order;
}

ControlAnswer answer_purge(Server& server, const PurgeOrder& order) {
  auto purged = purge(server, order);
  if (!purged) return {false, purged.error() + "\n", {}};
  return {true, fmt::format("{} {}\n", *purged, *purged == 1 ? "response" : "responses"),
          fmt::format("{{\"purged\":{}}}", *purged)};
}

}  // namespace weir
