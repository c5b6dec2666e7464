// The options of `cache`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/schema.h"
#include "config/values.h"
#include "middleware/cache/disk_config.h"

namespace weir {

// Refuses what is no status code from 200 to 599.
std::optional<config::Problem> check_status(std::string_view text);

struct CacheConfig {
  std::string name = "default";
  config::ByteSize max_size = config::mebibytes(256);
  config::ByteSize max_object = config::mebibytes(16);
  std::optional<config::ByteSize> slice;
  std::optional<CacheDiskConfig> disk;
  std::vector<config::Located<std::string>> key;
  bool heuristics = true;
  config::Map<config::Duration> lifetimes;
  config::Duration stale_while_revalidate{0};
  config::Duration stale_if_error{0};
  bool strip_cookies = false;
  bool obey_clients = false;

  static constexpr auto schema = config::object(
      "cache",
      "Keeps responses in memory, by the rules of RFC 9111 for shared caches, and answers from "
      "there. One request to the origin serves all clients that wait for the same thing.",
      config::field<&CacheConfig::name>(
          "name",
          "Which cache. Those of one name share their content, and keep it over reloads. What is "
          "to be purged is found in it.",
          config::shorthand, config::not_empty),
      config::field<&CacheConfig::max_size>(
          "max_size",
          "Bytes at most, of everything. Where a name is used with several sizes, the largest "
          "counts.",
          config::range(config::kibibytes(64), config::mebibytes(1024 * 1024))),
      config::field<&CacheConfig::max_object>(
          "max_object", "Bytes at most of one body; larger ones pass, or go to the disk alone.",
          config::range(config::ByteSize{0}, config::mebibytes(4096))),
      config::field<&CacheConfig::slice>(
          "slice",
          "Bytes of a slice, at most `max_object`. What is large is then asked for and kept in "
          "slices, those that clients want; the origin has to know Range and strong validators. "
          "Not "
          "given: as a whole.",
          config::range(config::kibibytes(4), config::mebibytes(1024)), config::example("1MiB")),
      config::field<&CacheConfig::disk>(
          "disk", "Where the cache is kept over restarts, too. Not given: in memory alone."),
      config::field<&CacheConfig::key>(
          "key",
          "What else tells responses apart, beside scheme, host, path and query: templates. Every "
          "value that clients choose freely fills the cache with copies.",
          config::example("\"${cookie.currency}\"")),
      config::field<&CacheConfig::heuristics>(
          "heuristics",
          "Whether a response that does not say how long it is fresh is, for a tenth of the time "
          "since Last-Modified, at most a day. Never for requests with cookies."),
      config::field<&CacheConfig::lifetimes>(
          "lifetimes",
          "By status: how long responses are fresh that do not say so themselves. Never for "
          "requests with cookies.",
          config::check_key(&check_status), config::example("{ 404: 10s }")),
      config::field<&CacheConfig::stale_while_revalidate>(
          "stale_while_revalidate",
          "How long a response may be used after its time, while it is renewed; where it says "
          "nothing itself."),
      config::field<&CacheConfig::stale_if_error>(
          "stale_if_error",
          "How long a response may be used after its time, if the origin fails; where it says "
          "nothing itself."),
      config::field<&CacheConfig::strip_cookies>(
          "strip_cookies",
          "Whether responses that set cookies are stored, without them. The client that asked "
          "first gets them all the same."),
      config::field<&CacheConfig::obey_clients>(
          "obey_clients",
          "Whether clients may demand with Cache-Control that the origin is asked, as browsers do "
          "when a page is reloaded. Then each of them can make the origin work."));

  // A slice has to find a place.
  void check(const config::Found& found) const;
};

}  // namespace weir
