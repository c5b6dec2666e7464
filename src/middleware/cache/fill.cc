#include "middleware/cache/fill.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "http/content_coding.h"
#include "http/trace.h"
#include "middleware/cache/fill_request.h"

namespace weir::cache {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;
// A fill is bounded by those who read it, by the timeouts of the upstream and by kOrphaned.
constexpr Duration kNoDeadline = std::chrono::hours(24 * 365);

// What many origins build addresses or pages of, although it is no part of the key: not from those
// who are not trusted, in a request whose answer is for all.
constexpr std::array<std::string_view, 14> kUnkeyed = {
    "X-Forwarded-Port",   "X-Forwarded-Prefix",
    "X-Forwarded-Scheme", "X-Forwarded-Server",
    "X-Forwarded-Ssl",    "X-Forwarded-Path",
    "X-Original-URL",     "X-Original-Host",
    "X-Rewrite-URL",      "X-Host",
    "X-HTTP-Method",      "X-HTTP-Method-Override",
    "X-Method-Override",  "X-HTTP-Host-Override"};

std::string tags_of(const Headers& headers) {
  std::string tags;
  auto add = [&](std::string_view value) {
    while (!value.empty()) {
      std::size_t end = value.find_first_of(" ,\t");
      std::string_view tag = value.substr(0, end);
      if (!tag.empty()) tags.append(tags.empty() ? " " : "").append(tag).append(" ");
      if (end == std::string_view::npos) break;
      value.remove_prefix(end + 1);
    }
  };
  headers.for_each("Surrogate-Key", add);
  headers.for_each("Cache-Tag", add);
  return tags;
}

bool is_error(std::uint16_t status) {
  return status == 500 || status == 502 || status == 503 || status == 504;  // RFC 5861, 4
}

std::string_view strong(std::string_view etag) { return etag.starts_with("W/") ? "" : etag; }

}  // namespace

// --- the request ---------------------------------------------------------------------------------

Fill::Fill(Exchange& client, const FillRules& rules, FillOrder order)
    : rules_(rules),
      order_(std::move(order)),
      stop_(FillScope::of(client.loop()).token()),
      exchange_(client, kNoDeadline, stop_.token()),
      loop_(client.loop()),
      writer_(order_.object, loop_, Object::Role::writer),
      returned_(loop_) {
  prepare(client.peer_trusted());
}

std::shared_ptr<Fill> Fill::begin(Exchange& client, Next next, const FillRules& rules,
                                  FillOrder order) {
  std::shared_ptr<Fill> fill(new Fill(client, rules, std::move(order)));
  Trace::follow(client, *fill->exchange_, "cache fill");
  FillScope::of(client.loop()).begin(*fill, run(fill, next));
  return fill;
}

void Fill::prepare(bool trusted) {
  Request& request = exchange_->request();
  Headers& headers = request.headers;
  request.method = Method::get;
  request.method_text = "GET";
  request.te_trailers = false;
  constexpr HeaderSet kOwn(HeaderId::if_none_match, HeaderId::if_modified_since, HeaderId::if_range,
                           HeaderId::range, HeaderId::cache_control, HeaderId::pragma);
  headers.remove_if([kOwn](const Header& field) { return kOwn.has(field.id()); });
  if (!trusted && headers.has(HeaderId::unknown)) {
    headers.remove_if([](const Header& field) {
      if (field.id() != HeaderId::unknown) return false;
      return std::ranges::any_of(
          kUnkeyed, [&](std::string_view each) { return iequals(each, field.name()); });
    });
    headers.remove(HeaderId::x_forwarded_port);
  }
  if (headers.has(HeaderId::accept_encoding)) {
    std::string_view form = exchange_->arena().copy(AcceptedCodings(headers).normal_form().view());
    headers.set(HeaderId::accept_encoding, form);
  }
  asked_ = loop_.wall_now() / kNanoseconds;
  if (order_.slice) ask_for_slice(*order_.slice);
  if (!order_.stale) return;
  const StoredHead& head = order_.stale->facts().head;
  Arena& arena = exchange_->arena();
  if (!head.etag().empty()) headers.add(HeaderId::if_none_match, arena.copy(head.etag()));
  if (!head.modified().empty()) {
    headers.add(HeaderId::if_modified_since, arena.copy(head.modified()));
  }
}

Task<void> Fill::run(std::shared_ptr<Fill> self, Next next) {
  Result<Response> response = co_await next(*self->exchange_);
  co_await self->take(response);
  // Lets go of the configuration, and so of the rules.
  co_await self->exchange_->finish();
  co_await self->keep_on_disk();
  self->unlink();
}

Task<void> Fill::take(Result<Response>& response) {
  upstream_ = exchange_->upstream();
  if (response) status_ = response->status;
  if (!response || response->tunnel) {
    fail_with(response ? Error(ErrorCode::bad_gateway, Origin::upstream, "an upgrade unasked for")
                       : response.error());
    co_return;
  }
  if (fails(response)) {
    fail_with(Error(ErrorCode::bad_gateway, Origin::upstream, "the origin failed to renew"));
    co_return;
  }
  if (order_.stale && status_ == 304 && renew(*response)) co_return;
  if (order_.stale && status_ < 500) {
    order_.store->drop(order_.url, order_.stale);
    if (order_.slice) order_.store->drop_slices(order_.slice->whole, order_.url);
  }
  if (status_ == 304) {
    order_.store->set_pass(order_.url, order_.object, loop_.now() + kRetry);
    order_.object->end(Phase::refused, loop_);
    co_return;
  }
  if (response->body != nullptr) length_ = response->body->length();
  if (order_.slice && !is_slice(*response) && !turn_whole()) co_return;
  Verdict verdict = judge({exchange_->request().headers, judged_status(), response->headers, asked_,
                           loop_.wall_now() / kNanoseconds},
                          rules_.policy);
  refusal_ = verdict.refusal;
  std::uint64_t most = rules_.max_object;
  if (order_.store->has_disk()) most = std::max(most, rules_.max_disk_object);
  bool fits = length_.value_or(0) <= most && !response->ends_by_close;
  if (!verdict.stored() || !fits || !open(*response, verdict)) {
    // The whole is for one client only, not this part of it alone.
    bool refused = order_.slice && !turn_whole();
    if (!refused) co_await lend(*response);
    co_return;
  }
  if (length_.value_or(0) > rules_.max_object) spool(order_.object->request->headers);
  if (response->body != nullptr) {
    co_await pump(*response->body);
  } else {
    complete();
  }
}

// RFC 5861, 4: what is stale is better than an error, for so long.
bool Fill::fails(const Result<Response>& response) const {
  if (!order_.stale || !is_error(response->status)) return false;
  return usable_after_failure(*order_.stale, loop_.now());
}

void Fill::fail_with(const Error& error) {
  TimePoint until = loop_.now() + kRetry;
  if (order_.stale) {
    order_.store->postpone(order_.url, order_.stale, until);
    order_.store->settle(order_.url, order_.object, loop_);
  } else {
    order_.store->set_pass(order_.url, order_.object, until);
  }
  order_.object->end(Phase::failed, loop_, error);
}

// RFC 9111, 4.3.4. False if the origin speaks of something else than what is stored.
bool Fill::renew(const Response& response) {
  const Object& stale = *order_.stale;
  std::string_view told = strong(response.headers.get(HeaderId::etag));
  std::string_view known = strong(stale.facts().head.etag());
  if (!told.empty() && told != known) return false;
  std::int64_t now = loop_.wall_now() / kNanoseconds;
  // What is judged is what there will be: the new fields over the old ones.
  Said said = read_directives(response.headers);
  ObjectFacts facts;
  facts.head = stale.facts().head.updated(response.headers, said.directives, now);
  Arena arena;
  Headers merged(arena);
  facts.head.copy_to(merged, arena);
  if (response.headers.has(HeaderId::age)) {
    merged.set(HeaderId::age, response.headers.get(HeaderId::age));
  }
  std::uint16_t status = order_.slice ? 200 : facts.head.status();
  facts.verdict = judge({exchange_->request().headers, status, merged, asked_, now}, rules_.policy);
  if (!facts.verdict.stored()) return false;
  facts.selector = Selector(merged, order_.object->request->headers);
  facts.tags = tags_of(merged);
  facts.born = loop_.now();
  facts.length = stale.length();
  if (!charge(facts)) return false;
  keep_withheld(response.headers, said.directives);
  if (facts.verdict.revalidate_always) order_.store->close(order_.url, order_.object);
  carry_file(facts);
  order_.object->renew(stale, std::move(facts), loop_);
  order_.store->settle(order_.url, order_.object, loop_);
  return true;
}

// --- only for the client that asked --------------------------------------------------------------

Task<void> Fill::lend(Response& response) {
  order_.store->set_pass(order_.url, order_.object, loop_.now() + kPass);
  // Of an error that was no reason to drop what is stored.
  if (order_.stale) order_.store->postpone(order_.url, order_.stale, loop_.now() + kRetry);
  if (!given_back_) lent_ = &response;
  order_.object->end(Phase::lent, loop_);
  // Also when it is stopped: then the client finds out by reading, and lets go.
  while (!given_back_) (void)co_await returned_.wait();
  lent_ = nullptr;
}

void Fill::give_back() {
  given_back_ = true;
  lent_ = nullptr;
  returned_.raise();
}

// --- for everybody -------------------------------------------------------------------------------

bool Fill::open(const Response& response, const Verdict& verdict) {
  Said said = read_directives(response.headers);
  ObjectFacts facts;
  facts.head =
      StoredHead::of(status_, response.headers, said.directives, loop_.wall_now() / kNanoseconds);
  facts.verdict = verdict;
  facts.selector = Selector(response.headers, order_.object->request->headers);
  facts.tags = tags_of(response.headers);
  facts.born = loop_.now();
  facts.length = response.body != nullptr ? length_ : 0;
  if (!charge(facts)) return false;
  keep_withheld(response.headers, said.directives);
  if (verdict.revalidate_always) order_.store->close(order_.url, order_.object);
  order_.object->open(std::move(facts), loop_);
  return true;
}

bool Fill::charge(ObjectFacts& facts) {
  std::uint64_t cost = facts.head.size() + facts.selector.size() + facts.tags.capacity();
  std::optional<Charge> charge = order_.store->charge(cost);
  if (charge) facts.charge = std::move(*charge);
  return charge.has_value();
}

// What is not stored of the response is for the client that asked.
void Fill::keep_withheld(const Headers& headers, const ResponseDirectives& said) {
  for (const Header& field : headers) {
    if (field.id() == HeaderId::set_cookie || said.withholds(field.name())) {
      withheld_.add(arena_.copy(field.name()), arena_.copy(field.value()));
    }
  }
}

Task<void> Fill::pump(Body& body) {
  while (true) {
    std::optional<Slice> piece = body.try_read();
    if (!piece) {
      Result<Slice> read = co_await body.read();
      if (!read) {
        order_.store->settle(order_.url, order_.object, loop_);
        order_.object->end(Phase::failed, loop_, read.error());
        co_return;
      }
      piece = std::move(*read);
    }
    if (piece->empty()) break;
    Status appended = co_await append(piece->view());
    if (appended && abandoned()) {
      appended = fail(ErrorCode::cancelled, Origin::weir, "nobody waits for it");
    }
    if (!appended) {
      order_.store->settle(order_.url, order_.object, loop_);
      order_.object->end(Phase::failed, loop_, appended.error());
      co_return;
    }
  }
  if (length_ && bytes_ != *length_) {
    order_.store->settle(order_.url, order_.object, loop_);
    order_.object->end(Phase::failed, loop_,
                       Error(ErrorCode::truncated, Origin::upstream, "not as long as it says"));
    co_return;
  }
  if (spool_) co_await spool_->finish(stop_.token());
  complete();
}

// Nobody reads it any more, and it has not much time left, or will not be kept.
bool Fill::abandoned() {
  Object& object = *order_.object;
  if (object.readers() > 0) {
    alone_since_.reset();
    return false;
  }
  if (!object.kept() && !spool_) return true;
  if (!alone_since_) alone_since_ = loop_.now();
  return loop_.now() - *alone_since_ > kOrphaned;
}

Task<Status> Fill::append(std::string_view all) {
  Object& object = *order_.object;
  std::string_view bytes = all;
  bytes_ += bytes.size();
  if (order_.slice && bytes_ > *length_) {
    co_return fail(ErrorCode::bad_gateway, Origin::upstream, "longer than its Content-Range says");
  }
  if (object.kept() && bytes_ > rules_.max_object) overflow();
  while (!bytes.empty()) {
    if (object.room() == 0) grow(bytes.size());
    std::size_t size = std::min(bytes.size(), object.room());
    std::memcpy(object.tail(), bytes.data(), size);
    object.commit(size, loop_);
    bytes.remove_prefix(size);
  }
  if (object.kept()) co_return Status();
  if (spool_) co_await spool_->put(all, stop_.token());
  while (object.crowded(kWindow, writer_)) {
    Status waited = co_await writer_.changed(stop_.token());
    if (!waited) co_return waited;
  }
  co_return Status();
}

void Fill::grow(std::size_t wanted) {
  Object& object = *order_.object;
  std::uint64_t left = bytes_ > wanted ? bytes_ - wanted : 0;  // that there are already
  std::uint64_t capacity = std::max<std::uint64_t>({left, wanted, kSmallest});
  if (length_) capacity = std::max<std::uint64_t>(*length_ - std::min(*length_, left), wanted);
  capacity = std::min<std::uint64_t>(capacity, kLargest);
  Charge charge;
  if (object.kept()) {
    std::optional<Charge> taken = order_.store->charge(Chunk::cost(capacity));
    if (taken) {
      charge = std::move(*taken);
    } else {
      overflow();
    }
  }
  object.add(Chunk::make(capacity, std::move(charge)));
}

// It has no place. Those who read it read on, at the pace of the slowest, which the listener's
// minimum rate bounds; from now on everybody goes by himself.
void Fill::overflow() {
  order_.store->set_pass(order_.url, order_.object, loop_.now() + kPass);
  order_.object->stop_keeping();
}

void Fill::complete() {
  Object& object = *order_.object;
  bool wasteful = object.room() > object.last_size() / 8;
  if (object.kept() && wasteful && object.last_size() > 0) {
    std::optional<Charge> charge = order_.store->charge(Chunk::cost(object.last_size()));
    if (charge) object.fit(Chunk::make(object.last_size(), std::move(*charge)));
  }
  object.end(Phase::complete, loop_);
  order_.store->settle(order_.url, order_.object, loop_);
}

// --- the lent body -------------------------------------------------------------------------------

LentBody::LentBody(Fill& fill, Body& inner, StopToken client)
    : inner_(inner), gone_([](StopCallback& self, const Error& why) {
        static_cast<Gone&>(self).fill->stop(why);
      }) {
  gone_.fill = &fill;
  client.link(gone_);
}

}  // namespace weir::cache
