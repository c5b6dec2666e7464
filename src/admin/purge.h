// Purge: what is to go from the caches of a running process.
#pragma once

#include <cstddef>
#include <expected>
#include <string>

#include "server/server.h"

namespace weir {

/// One of `url`, `prefix` and `tag` is given.
struct PurgeOrder {
  std::string url;
  std::string prefix;
  std::string tag;
  std::string cache;  // empty: all
  bool soft = false;
};

/// How many responses went. Refused, with a reason for people: an address that is none, and the
/// name of a cache that is not there. On the owner's thread.
std::expected<std::size_t, std::string> purge(Server& server, const PurgeOrder& order);

}  // namespace weir
