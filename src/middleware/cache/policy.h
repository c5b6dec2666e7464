// The rules of RFC 9111 without a store: what may be kept, for how long it is fresh, and what may
// be done with it when it is not.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "http/message.h"
#include "middleware/cache/directives.h"

namespace weir::cache {

/// What is left to the configuration. Seconds.
struct Policy {
  std::int64_t heuristic_most = 86400;      // of a tenth of the time since Last-Modified; 0: never
  std::int64_t stale_while_revalidate = 0;  // where the response says nothing
  std::int64_t stale_if_error = 0;
  bool strip_cookies = false;  // what sets a cookie is stored without it
  // For responses that do not say how long they are fresh, by status.
  std::span<const std::pair<std::uint16_t, std::int64_t>> lifetimes = {};
};

/// A response to GET, and what it was an answer to.
struct Answered {
  const Headers& request;
  std::uint16_t status = 200;
  const Headers& headers;
  std::int64_t asked = 0;     // when the request was sent: seconds since 1970
  std::int64_t answered = 0;  // when the head of the response had come
};

/// Why a response is not stored; none: it is.
enum class Refusal : std::uint8_t {
  none,
  status,         // one that is never stored
  no_store,       // so says the origin
  private_,       // for one client
  authorization,  // asked with credentials, and not said to be for all
  cookie,         // sets one
  vary,           // on everything
  broken,         // Cache-Control cannot be read
  unspoken,       // says nothing of how long it is fresh
  useless         // stale at once, and without a validator
};

/// For Cache-Status and tests.
std::string_view name(Refusal refusal);

/// What is decided when the head of a response has come. Seconds.
struct Verdict {
  Refusal refusal = Refusal::none;
  std::int64_t lifetime = 0;     // RFC 9111, 4.2.1
  std::int64_t initial_age = 0;  // 4.2.3, when it had come
  std::int64_t stale_while_revalidate = 0;
  std::int64_t stale_if_error = 0;
  bool revalidate_always = false;  // no-cache, or without a moment of freshness

  bool stored() const { return refusal == Refusal::none; }
  bool fresh(std::int64_t age) const { return !revalidate_always && age < lifetime; }
  /// 4.2.4 and RFC 5861: it has not been stale for longer than is allowed.
  bool may_be_stale(std::int64_t age, std::int64_t allowed) const {
    return age - lifetime <= allowed;
  }
};

Verdict judge(const Answered& answer, const Policy& policy);

/// RFC 9110, 15.1: a status for which a lifetime may be guessed.
bool heuristically_cacheable(std::uint16_t status);

/// Whether a stored response that is fresh may be used for a client that demands what `wants` says.
bool satisfies(const RequestDirectives& wants, const Verdict& verdict, std::int64_t age);

/// RFC 9111, 3.2: whether a field of a 304 takes the place of the stored one.
bool updates_stored(const Header& field);

/// Whether a field is kept in the store at all; `said` is of the same response. A cookie never is.
bool is_stored(const Header& field, const ResponseDirectives& said);

}  // namespace weir::cache
