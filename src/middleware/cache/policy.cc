#include "middleware/cache/policy.h"

#include <algorithm>
#include <array>

#include "http/date.h"
#include "http/syntax.h"

namespace weir::cache {
namespace {

// What an origin answers to what it does not understand in the request, which another client's may
// not have: never stored, whatever it says. 206 and 304 are no whole responses, 1xx no final ones.
bool never_stored(std::uint16_t status) {
  constexpr std::array<std::uint16_t, 12> kNever = {206, 304, 400, 401, 407, 408,
                                                    413, 416, 417, 421, 425, 431};
  return status < 200 || status > 599 || std::ranges::find(kNever, status) != kNever.end();
}

std::optional<std::int64_t> only_date(const Headers& headers, HeaderId id, std::int64_t now) {
  if (headers.count(id) != 1) return std::nullopt;
  return parse_http_date(headers.get(id), now);
}

bool varies_on_everything(const Headers& headers) {
  bool star = false;
  headers.for_each(HeaderId::vary, [&](std::string_view value) {
    for_each_token(value, [&](std::string_view each) { star = star || each == "*"; });
  });
  return star;
}

// RFC 9111, 4.2.3.
std::int64_t initial_age(const Answered& answer, std::int64_t date) {
  std::int64_t apparent = std::max<std::int64_t>(0, answer.answered - date);
  std::int64_t said = parse_seconds(trim_ows(answer.headers.get(HeaderId::age))).value_or(0);
  std::int64_t delay = std::max<std::int64_t>(0, answer.answered - answer.asked);
  return std::min(std::max(apparent, said + delay), kLongest);
}

class Judge {
 public:
  Judge(const Answered& answer, const Policy& policy)
      : answer_(answer), policy_(policy), said_(read_directives(answer.headers)) {
    date_ = only_date(answer.headers, HeaderId::date, answer.answered).value_or(answer.answered);
  }

  Verdict decide() {
    Verdict verdict;
    verdict.refusal = refusal();
    if (!verdict.stored()) return verdict;
    std::optional<std::int64_t> lifetime = explicit_lifetime();
    if (!lifetime) lifetime = guessed_lifetime();
    bool has_validator =
        answer_.headers.has(HeaderId::etag) || answer_.headers.has(HeaderId::last_modified);
    if (!lifetime && !(said().public_ && has_validator) && !said().no_cache) {
      verdict.refusal = Refusal::unspoken;
      return verdict;
    }
    verdict.lifetime = lifetime.value_or(0);
    verdict.initial_age = initial_age(answer_, date_);
    set_staleness(verdict);
    verdict.revalidate_always = said().no_cache || (verdict.lifetime <= verdict.initial_age &&
                                                    verdict.stale_while_revalidate == 0);
    if (verdict.revalidate_always && !has_validator) verdict.refusal = Refusal::useless;
    return verdict;
  }

 private:
  const ResponseDirectives& said() const { return said_.directives; }

  // RFC 9111, 3.
  Refusal refusal() const {
    const ResponseDirectives& said = said_.directives;
    if (never_stored(answer_.status)) return Refusal::status;
    if (said.broken) return Refusal::broken;
    // 5.2.2.3: no-store is for those that do not know the status.
    bool understood = said.must_understand && heuristically_cacheable(answer_.status);
    if (said.must_understand && !understood) return Refusal::status;
    if (said.no_store && !understood) return Refusal::no_store;
    if (said.private_) return Refusal::private_;
    bool for_all = said.public_ || said.s_maxage || said.must_revalidate;  // 3.5
    if (answer_.request.has(HeaderId::authorization) && !for_all) return Refusal::authorization;
    if (answer_.headers.has(HeaderId::set_cookie) && !policy_.strip_cookies &&
        !said.withholds("Set-Cookie")) {
      return Refusal::cookie;
    }
    if (varies_on_everything(answer_.headers)) return Refusal::vary;
    return Refusal::none;
  }

  // RFC 9111, 4.2.1.
  std::optional<std::int64_t> explicit_lifetime() const {
    if (said().s_maxage) return said().s_maxage;
    if (said().max_age) return said().max_age;
    if (said_.targeted || !answer_.headers.has(HeaderId::expires)) return std::nullopt;
    // 5.3: what is no date means that it has expired.
    auto expires = only_date(answer_.headers, HeaderId::expires, answer_.answered);
    return std::clamp<std::int64_t>(expires ? *expires - date_ : 0, 0, kLongest);
  }

  // RFC 9111, 4.2.2. Who sends cookies may have been answered by them: without a word of the origin
  // nothing of that is for others.
  std::optional<std::int64_t> guessed_lifetime() const {
    if (said().no_cache || answer_.request.has(HeaderId::cookie)) return std::nullopt;
    for (const auto& [status, seconds] : policy_.lifetimes) {
      if (status == answer_.status) return seconds;
    }
    if (policy_.heuristic_most == 0) return std::nullopt;
    if (!heuristically_cacheable(answer_.status) && !said().public_) return std::nullopt;
    auto modified = only_date(answer_.headers, HeaderId::last_modified, answer_.answered);
    if (!modified || *modified >= date_) return std::nullopt;
    return std::min((date_ - *modified) / 10, policy_.heuristic_most);
  }

  // RFC 9111, 4.2.4. What the response itself grants stands, also beside s-maxage, which forbids
  // what only the configuration grants.
  void set_staleness(Verdict& verdict) const {
    const ResponseDirectives& said = said_.directives;
    if (said.no_cache || said.must_revalidate || said.proxy_revalidate) return;
    bool granted = !said.s_maxage;
    verdict.stale_while_revalidate =
        said.stale_while_revalidate.value_or(granted ? policy_.stale_while_revalidate : 0);
    verdict.stale_if_error = said.stale_if_error.value_or(granted ? policy_.stale_if_error : 0);
  }

  const Answered& answer_;
  const Policy& policy_;
  Said said_;
  std::int64_t date_ = 0;
};

}  // namespace

std::string_view name(Refusal refusal) {
  switch (refusal) {
    case Refusal::none: return "none";
    case Refusal::status: return "status";
    case Refusal::no_store: return "no-store";
    case Refusal::private_: return "private";
    case Refusal::authorization: return "authorization";
    case Refusal::cookie: return "set-cookie";
    case Refusal::vary: return "vary";
    case Refusal::broken: return "broken";
    case Refusal::unspoken: return "no-lifetime";
    case Refusal::useless: return "stale";
  }
  return "none";
}

bool heuristically_cacheable(std::uint16_t status) {
  constexpr std::array<std::uint16_t, 11> kCacheable = {200, 203, 204, 300, 301, 308,
                                                        404, 405, 410, 414, 501};
  return std::ranges::find(kCacheable, status) != kCacheable.end();
}

Verdict judge(const Answered& answer, const Policy& policy) {
  return Judge(answer, policy).decide();
}

bool satisfies(const RequestDirectives& wants, const Verdict& verdict, std::int64_t age) {
  if (wants.no_cache) return false;
  if (wants.max_age && age > *wants.max_age) return false;
  if (wants.min_fresh && age + *wants.min_fresh >= verdict.lifetime) return false;
  return true;
}

bool updates_stored(const Header& field) {
  constexpr HeaderSet kKept(HeaderId::content_encoding, HeaderId::content_type,
                            HeaderId::content_range, HeaderId::content_length);
  return !kKept.has(field.id());
}

bool is_stored(const Header& field, const ResponseDirectives& said) {
  // Age is told anew, each time. 3.1: what is about one proxy is not kept.
  constexpr HeaderSet kNever(HeaderId::age, HeaderId::connection, HeaderId::keep_alive,
                             HeaderId::proxy_authenticate, HeaderId::proxy_authorization,
                             HeaderId::proxy_connection, HeaderId::set_cookie, HeaderId::te,
                             HeaderId::trailer, HeaderId::transfer_encoding, HeaderId::upgrade);
  if (kNever.has(field.id())) return false;
  return !said.withholds(field.name());
}

}  // namespace weir::cache
