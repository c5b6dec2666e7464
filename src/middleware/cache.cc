#include "middleware/cache.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "expression/exchange_facts.h"
#include "expression/header_edits.h"
#include "http/error_response.h"
#include "middleware/cache/answer.h"
#include "middleware/cache/asked.h"
#include "middleware/cache/disk_transfer.h"
#include "middleware/cache/sliced_object.h"

namespace weir {

using cache::Found;
using cache::ObjectRef;
using cache::Phase;

namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;

constexpr std::int64_t seconds_of(Duration time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time).count();
}

template <class... Args>
std::string_view text(Arena& arena, fmt::format_string<Args...> format, Args&&... args) {
  std::array<char, 160> buffer;
  auto end = fmt::format_to_n(buffer.data(), buffer.size(), format, std::forward<Args>(args)...);
  return arena.copy({buffer.data(), static_cast<std::size_t>(end.out - buffer.data())});
}

// RFC 9211. On the way of every hit, so without a formatter.
std::string_view hit_status(Arena& arena, std::int64_t ttl) {
  std::array<char, 24> digits;
  char* end = std::to_chars(digits.data(), digits.data() + digits.size(), ttl).ptr;
  return arena.concat(
      {"weir; hit; ttl=", {digits.data(), static_cast<std::size_t>(end - digits.data())}});
}

std::int64_t time_left(const cache::Object& object, TimePoint now) {
  return object.facts().verdict.lifetime - object.age(now);
}

Response look_again(Exchange& exchange) {
  Response nothing(exchange.arena());
  nothing.status = 0;
  return nothing;
}

cache::Policy policy_of(const CacheConfig& config) {
  cache::Policy policy;
  if (!config.heuristics) policy.heuristic_most = 0;
  policy.stale_while_revalidate = seconds_of(config.stale_while_revalidate);
  policy.stale_if_error = seconds_of(config.stale_if_error);
  policy.strip_cookies = config.strip_cookies;
  return policy;
}

}  // namespace

/// One client's question, and how far it has come.
struct CacheMiddleware::Asked {
  std::string_view url;
  std::string_view extras;
  cache::RequestDirectives wants;
  Found found;
  int rounds = 0;
  int loads = 0;  // times that it was found on the disk

  bool leads() const { return found.kind == Found::Kind::lead; }
};

CacheMiddleware::CacheMiddleware(const CacheConfig& config, const BuildParts& parts)
    : store_(parts.states.get<cache::Store>(
          config.name, [&] { return std::make_shared<cache::Store>(config.name); })),
      share_(store_, config.max_size.bytes, disk_of(config, parts)),
      rules_{policy_of(config), std::min(config.max_object.bytes, config.max_size.bytes), 0},
      slice_(config.slice.value_or(config::ByteSize{0}).bytes),
      obey_clients_(config.obey_clients) {
  for (const auto& each : config.lifetimes) {
    std::uint16_t status = 0;
    std::from_chars(each.name.data(), each.name.data() + each.name.size(), status);
    lifetimes_.emplace_back(status, seconds_of(each.value));
  }
  rules_.policy.lifetimes = lifetimes_;
  if (config.disk) {
    claim_directory(config, parts);
    rules_.max_disk_object = config.disk->max_object.bytes;
  }
  for (const auto& source : config.key) {
    auto compiled =
        expression::Template::compile(*source, expression::Stage::route, expression::Escape::none);
    if (compiled) {
      key_.push_back(std::move(*compiled));
    } else {
      report(compiled.error(), source.position, parts.diagnostics);
    }
  }
}

cache::Store::DiskPlan CacheMiddleware::disk_of(const CacheConfig& config,
                                                const BuildParts& parts) {
  if (!config.disk) return {};
  const std::string& path = *config.disk->path;
  auto disk =
      parts.states.get<cache::Disk>(path, [&] { return std::make_shared<cache::Disk>(path); });
  return {std::move(disk),
          {config.disk->max_size.bytes, config.disk->max_objects, config.disk->max_object.bytes}};
}

// Of several caches each needs a directory of its own: what one purges, it has.
void CacheMiddleware::claim_directory(const CacheConfig& config, const BuildParts& parts) {
  const auto& path = config.disk->path;
  directory_of_ = parts.declared.get<std::string>(
      "cache disk " + *path, [&] { return std::make_shared<std::string>(config.name); });
  if (*directory_of_ == config.name) return;
  parts.diagnostics.error(path.position, config::Code::bad_text,
                          fmt::format("cache \"{}\" has \"{}\" already", *directory_of_, *path),
                          "give each cache a directory of its own");
}

Task<Result<Response>> CacheMiddleware::handle(Exchange& exchange, Next next) const {
  const Request& request = exchange.request();
  if (!cache::reads(request)) {
    return is_safe(request.method) ? next(exchange) : invalidate(exchange, next);
  }
  std::string_view why = cache::passes(request);
  return why.empty() ? serve(exchange, next) : pass(exchange, next, why);
}

Task<Result<Response>> CacheMiddleware::pass(Exchange& exchange, Next next,
                                             std::string_view why) const {
  exchange.set_cache_use(CacheUse::pass);
  Result<Response> response = co_await next(exchange);
  if (response) {
    cache::add_cache_status(response->headers, exchange.arena(),
                            exchange.arena().concat({"weir; fwd=", why}));
  }
  co_return response;
}

// RFC 9111, 4.4.
Task<Result<Response>> CacheMiddleware::invalidate(Exchange& exchange, Next next) const {
  exchange.set_cache_use(CacheUse::pass);
  Result<Response> response = co_await next(exchange);
  if (!response || response->status < 200 || response->status >= 400) co_return response;
  store_->purge_url(cache::url_of(exchange), cache::Purge::hard);
  for (std::string_view field : {"Location", "Content-Location"}) {
    std::string_view url = cache::same_origin(exchange, response->headers.get(field));
    if (!url.empty()) store_->purge_url(url, cache::Purge::hard);
  }
  if (auto disk = store_->disk()) {
    co_await cache::sweep(exchange.loop(), std::move(disk), exchange.stop());
  }
  co_return response;
}

// Each value with its length in front: no two lists of values give the same text.
std::string_view CacheMiddleware::extras(Exchange& exchange) const {
  if (key_.empty()) return {};
  std::string all;
  for (const expression::Template& each : key_) {
    std::string value;
    each.append_to(value, expression::ExchangeFacts(exchange));
    all += fmt::format("{}:{}", value.size(), value);
  }
  return exchange.arena().copy(all);
}

Found CacheMiddleware::look(Exchange& exchange, Asked& asked) const {
  const Request& request = exchange.request();
  // A HEAD asks for no body, but waits for one that is coming anyway.
  bool may_join = !asked.wants.only_if_cached && !asked.wants.no_store;
  bool may_fill =
      may_join && request.method == Method::get && !cache::FillScope::of(exchange.loop()).full();
  cache::Query query{asked.url, asked.extras, request.headers, asked.wants, exchange.loop().now(),
                     may_fill,  may_join};
  // Once through memory; once past it, if that brought nothing; then the origin is asked.
  if (store_->has_disk() && asked.loads < 2) {
    query.loads = asked.loads == 0 ? rules_.max_object : 0;
    query.wall = exchange.loop().wall_now() / kNanoseconds;
  }
  return store_->look(query);
}

Task<Result<Response>> CacheMiddleware::serve(Exchange& exchange, Next next) const {
  Loop& loop = exchange.loop();
  loop.slots().get<Seasoned>(seasoned_, [&] {
    store_->season(loop.random());
    return std::make_unique<Seasoned>();
  });
  Asked asked{cache::url_of(exchange), extras(exchange), {}, {}};
  const Headers& headers = exchange.request().headers;
  if (headers.has_any(HeaderSet(HeaderId::cache_control, HeaderId::pragma))) {
    cache::RequestDirectives wants = cache::read_request_directives(headers);
    asked.wants.only_if_cached = wants.only_if_cached;
    if (obey_clients_) asked.wants = wants;
  }
  if (slice_ > 0) {
    cache::Query query{asked.url, asked.extras, headers, asked.wants, loop.now()};
    if (!store_->holds(query)) co_return co_await serve_slices(exchange, next, asked);
  }
  co_return co_await serve_whole(exchange, next, asked);
}

Task<Result<Response>> CacheMiddleware::missing(Exchange& exchange, Next next,
                                                const Asked& asked) const {
  if (!asked.wants.only_if_cached) co_return co_await pass(exchange, next, asked.found.why);
  co_return error_response(exchange, 504, "only_if_cached", "It is not in the cache.");
}

Task<Result<Response>> CacheMiddleware::serve_slices(Exchange& exchange, Next next,
                                                     Asked& asked) const {
  using Got = cache::SlicedObject::Got;
  auto* sliced = exchange.own<cache::SlicedObject>(
      exchange,
      cache::SliceSource{next, rules_, store_, asked.url, asked.extras, asked.wants, slice_});
  Result<Got> got = co_await sliced->begin(cache::first_position(exchange.request()));
  if (!got) co_return fail(got.error());
  asked.found = sliced->found();
  switch (*got) {
    case Got::slice:
      asked.found.object = sliced->object();
      co_return give(exchange, asked, sliced->fill(), sliced->follower(), sliced);
    case Got::whole:
      co_return co_await conclude(exchange, next, asked, sliced->fill(), sliced->follower());
    case Got::missing: co_return co_await missing(exchange, next, asked);
    case Got::pass: break;
  }
  co_return co_await pass(exchange, next, "bypass");
}

Task<Result<Response>> CacheMiddleware::serve_whole(Exchange& exchange, Next next,
                                                    Asked& asked) const {
  Loop& loop = exchange.loop();
  while (true) {
    asked.found = look(exchange, asked);
    const Found& found = asked.found;
    switch (found.kind) {
      case Found::Kind::hit: co_return give(exchange, asked, nullptr, nullptr);
      case Found::Kind::stale:
        if (found.fill) begin(exchange, next, asked)->give_back();  // nobody waits for it
        co_return give(exchange, asked, nullptr, nullptr);
      case Found::Kind::pass: co_return co_await pass(exchange, next, "bypass");
      case Found::Kind::missing: co_return co_await missing(exchange, next, asked);
      case Found::Kind::load: {
        ++asked.loads;
        Status loaded =
            co_await cache::bring_into_memory(loop, store_, found.entry, exchange.stop());
        if (!loaded) co_return fail(loaded.error());
        continue;
      }
      case Found::Kind::disk: {
        asked.loads = 2;
        Result<Response> response = co_await from_disk(exchange, asked);
        if (response || exchange.stop().stopped()) co_return response;
        continue;
      }
      case Found::Kind::join:
      case Found::Kind::lead: break;
    }
    Result<Response> response = co_await follow(exchange, next, asked);
    // Nothing came of it that is of use: what is there by now may be.
    bool again = response && response->status == 0;
    if (!again) co_return response;
    if (++asked.rounds == 2) co_return co_await pass(exchange, next, "vary-miss");
  }
}

// What is too large for memory. An error before its head: the file is not what it was.
Task<Result<Response>> CacheMiddleware::from_disk(Exchange& exchange, Asked& asked) const {
  Loop& loop = exchange.loop();
  auto open = co_await cache::open_file(loop, asked.found.entry, exchange.stop());
  if (!open) co_return fail(open.error());
  const cache::DiskRecord& record = open->file->record();
  asked.found.object = std::make_shared<cache::Object>(record.extras, cache::Charge());
  asked.found.object->open(cache::facts_of(record, loop), loop);
  asked.found.object->disk = asked.found.entry;
  exchange.set_cache_use(CacheUse::hit);
  cache::Serving serving;
  serving.cache_status = text(exchange.arena(), "weir; hit; ttl={}; detail=disk",
                              time_left(*asked.found.object, loop.now()));
  serving.disk = std::move(open->disk);
  serving.file = std::move(open->file);
  co_return cache::answer(exchange, asked.found.object, serving);
}

std::shared_ptr<cache::Fill> CacheMiddleware::begin(Exchange& exchange, Next next,
                                                    const Asked& asked) const {
  return cache::Fill::begin(exchange, next, rules_,
                            {store_, asked.found.fill, asked.found.object, std::string(asked.url)});
}

// Waits for the head of what is under way. A response of status 0: look again.
Task<Result<Response>> CacheMiddleware::follow(Exchange& exchange, Next next, Asked& asked) const {
  const ObjectRef& filled = asked.found.fill;
  auto* follower = exchange.own<cache::Object::Follower>(filled, exchange.loop());
  cache::Fill* fill = nullptr;
  if (asked.leads()) {
    fill = &exchange.own<cache::Lead>(begin(exchange, next, asked))->fill();
  }
  while (filled->waits_for_head(*follower)) {
    Status waited = co_await follower->changed(exchange.stop());
    if (!waited) co_return fail(waited.error());
  }
  if (fill != nullptr) exchange.upstream() = fill->upstream();
  co_return co_await conclude(exchange, next, asked, fill, follower);
}

// Its head is there, or it is known that none will come.
Task<Result<Response>> CacheMiddleware::conclude(Exchange& exchange, Next next, Asked& asked,
                                                 cache::Fill* fill,
                                                 cache::Object::Follower* follower) const {
  ObjectRef filled = asked.found.fill;
  switch (filled->phase()) {
    case Phase::open:
    case Phase::complete: {
      const cache::ObjectFacts& facts = filled->facts();
      bool shared = !facts.verdict.revalidate_always;
      if (fill == nullptr && !facts.selector.matches(exchange.request().headers)) {
        co_return look_again(exchange);
      }
      if ((fill == nullptr && !shared) || cache::wants_far_part(exchange, *filled)) break;
      asked.found.object = filled;
      co_return give(exchange, asked, fill, follower);
    }
    case Phase::failed:
      if (asked.found.object &&
          cache::usable_after_failure(*asked.found.object, exchange.loop().now())) {
        asked.found.kind = Found::Kind::stale;
        co_return give(exchange, asked, nullptr, nullptr);
      }
      if (fill != nullptr) co_return fail(filled->error());
      break;
    case Phase::lent:
      if (fill != nullptr && fill->lent() != nullptr) {
        co_return co_await lent(exchange, next, *fill, asked.found.why);
      }
      break;
    case Phase::pending:
    case Phase::refused:
    case Phase::pass: break;
  }
  co_return co_await pass(exchange, next, "bypass");
}

// What is only for the client that asked.
Task<Result<Response>> CacheMiddleware::lent(Exchange& exchange, Next next, cache::Fill& fill,
                                             std::string_view why) const {
  if (exchange.request().headers.has(HeaderId::range)) {
    // It was asked for as a whole.
    fill.give_back();
    co_return co_await pass(exchange, next, "partial");
  }
  exchange.set_cache_use(CacheUse::pass);
  const Response& from = *fill.lent();
  Response response(exchange.arena());
  response.status = from.status;
  response.reason = exchange.arena().copy(from.reason);
  response.headers = from.headers.clone(exchange.arena());
  response.announced_length = from.announced_length;
  response.ends_by_close = from.ends_by_close;
  if (from.body != nullptr) {
    response.body = exchange.own<cache::LentBody>(fill, *from.body, exchange.stop());
  }
  cache::add_cache_status(
      response.headers, exchange.arena(),
      text(exchange.arena(), "weir; fwd={}; detail={}", why, name(fill.refusal())));
  co_return response;
}

Result<Response> CacheMiddleware::give(Exchange& exchange, const Asked& asked, cache::Fill* fill,
                                       cache::Object::Follower* follower,
                                       cache::SlicedObject* sliced) const {
  Arena& arena = exchange.arena();
  const ObjectRef& object = asked.found.object;
  std::int64_t left = time_left(*object, exchange.loop().now());
  cache::Serving serving{.follower = follower, .sliced = sliced};
  if (fill != nullptr) {
    bool renewed = fill->status() == 304;
    exchange.set_cache_use(renewed ? CacheUse::renewed : CacheUse::miss);
    serving.first_hand = !renewed;
    serving.withheld = &fill->withheld();
    serving.cache_status = text(arena, "weir; fwd={}; fwd-status={}; stored; ttl={}",
                                asked.found.why, fill->status(), left);
  } else if (asked.found.kind == Found::Kind::join) {
    exchange.set_cache_use(CacheUse::collapsed);
    serving.cache_status = text(arena, "weir; fwd={}; collapsed; ttl={}", asked.found.why, left);
  } else {
    exchange.set_cache_use(asked.found.kind == Found::Kind::hit ? CacheUse::hit : CacheUse::stale);
    serving.cache_status = hit_status(arena, left);
  }
  return cache::answer(exchange, object, serving);
}

}  // namespace weir
