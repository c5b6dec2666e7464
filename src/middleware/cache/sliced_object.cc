#include "middleware/cache/sliced_object.h"

#include <algorithm>
#include <limits>

#include "http/date.h"
#include "http/ranges.h"
#include "middleware/cache/disk_transfer.h"
#include "middleware/cache/fill_request.h"
#include "middleware/cache/slice_key.h"

namespace weir::cache {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;
// How often others are waited for, before a slice is asked for alone.
constexpr int kRounds = 3;

std::string_view strong_of(std::string_view etag, std::string_view modified, std::string_view date,
                           std::int64_t wall) {
  if (!etag.empty()) return etag.starts_with('"') ? etag : std::string_view();
  std::int64_t now = wall / kNanoseconds;
  std::optional<std::int64_t> changed = parse_http_date(modified, now);
  std::optional<std::int64_t> sent = parse_http_date(date, now);
  return changed && sent && *changed < *sent ? modified : std::string_view();
}

}  // namespace

std::string_view strong_validator(const Headers& headers, std::int64_t wall) {
  return strong_of(headers.get(HeaderId::etag), headers.get(HeaderId::last_modified),
                   headers.get(HeaderId::date), wall);
}

std::string strong_validator(const StoredHead& head, std::int64_t wall) {
  return std::string(strong_of(head.etag(), head.modified(), head.get("Date"), wall));
}

std::uint64_t first_position(const Request& request) {
  const Headers& headers = request.headers;
  if (request.method != Method::get || headers.count(HeaderId::range) != 1) return 0;
  std::string_view value = headers.get(HeaderId::range);
  constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();
  ByteRanges ranges;
  if (ranges.parse(value, kAny) != RangeAnswer::parts || ranges.parts().size() != 1) return 0;
  std::uint64_t first = ranges.parts().front().first;
  return first > kAny / 2 ? 0 : first;  // most likely it is counted from the end
}

Task<Result<SlicedObject::Got>> SlicedObject::begin(std::uint64_t position) {
  first_ = position / source_.size * source_.size;
  key_ = slice_key(source_.url, first_, source_.size);
  for (int round = 0; round < kRounds; ++round) {
    Result<Step> step = co_await shared();
    if (!step) co_return fail(step.error());
    switch (*step) {
      case Step::slice: co_return Got::slice;
      case Step::whole: co_return Got::whole;
      case Step::missing: co_return Got::missing;
      case Step::pass:
      case Step::changed: co_return Got::pass;
      case Step::again: break;
    }
  }
  co_return Got::pass;
}

Task<Status> SlicedObject::move_to(std::uint64_t position) {
  first_ = position / source_.size * source_.size;
  key_ = slice_key(source_.url, first_, source_.size);
  loads_ = 0;
  for (int round = 0; round < kRounds; ++round) {
    Result<Step> step = co_await shared();
    if (!step) co_return fail(step.error());
    if (*step == Step::slice) co_return Status();
    if (*step == Step::changed || *step == Step::whole) co_return fail(changed());
    if (*step != Step::again) break;
  }
  Result<Step> step = co_await alone();
  if (!step) co_return fail(step.error());
  if (*step != Step::slice) co_return fail(changed());
  co_return Status();
}

// An origin that fails for once says nothing of the slices that there are.
Error SlicedObject::changed() {
  if (fill() != nullptr && fill()->status() >= 500) {
    return Error(ErrorCode::bad_gateway, Origin::upstream, "failed while slices were asked for");
  }
  source_.store->drop_slices(source_.url, {});
  return Error(ErrorCode::bad_gateway, Origin::upstream, "changed while slices of it were read");
}

Found SlicedObject::look() {
  const Request& request = exchange_.request();
  bool may_join = !source_.wants.only_if_cached && !source_.wants.no_store;
  bool may_fill = may_join && request.method == Method::get && !FillScope::of(loop_).full();
  Query query{key_,        source_.extras, request.headers, source_.wants,
              loop_.now(), may_fill,       may_join};
  // Slices are small enough for memory; one that finds no room there is asked for.
  if (source_.store->has_disk() && loads_ == 0) {
    query.loads = source_.rules.max_object;
    query.wall = loop_.wall_now() / kNanoseconds;
  }
  return source_.store->look(query);
}

Task<Result<SlicedObject::Step>> SlicedObject::shared() {
  leave();
  found_ = look();
  switch (found_.kind) {
    case Found::Kind::hit: co_return stored(found_.object);
    case Found::Kind::stale:
      if (found_.fill) ask(found_.fill, found_.object)->give_back();  // nobody waits for it
      co_return stored(found_.object);
    case Found::Kind::load: {
      ++loads_;
      Status loaded =
          co_await bring_into_memory(loop_, source_.store, found_.entry, exchange_.stop());
      if (!loaded) co_return fail(loaded.error());
      co_return Step::again;
    }
    case Found::Kind::disk:
    case Found::Kind::pass: co_return Step::pass;
    case Found::Kind::missing: co_return Step::missing;
    case Found::Kind::join:
    case Found::Kind::lead: break;
  }
  object_ = found_.fill;
  follower_ = std::make_unique<Object::Follower>(object_, loop_);
  if (found_.kind == Found::Kind::lead) {
    bool useful = found_.object && is_of_version(*found_.object);
    if (found_.object && !useful) source_.store->drop(key_, found_.object);
    lead_ = std::make_unique<Lead>(ask(object_, useful ? found_.object : nullptr));
  }
  co_return co_await follow();
}

// Not for others, and not kept: what is said of it for them is that nobody is to wait.
Task<Result<SlicedObject::Step>> SlicedObject::alone() {
  leave();
  object_ = std::make_shared<Object>(std::string(source_.extras), Charge());
  object_->request = std::make_unique<FillRequest>(exchange_.request().headers);
  object_->stop_keeping();
  follower_ = std::make_unique<Object::Follower>(object_, loop_);
  lead_ = std::make_unique<Lead>(ask(object_, nullptr));
  co_return co_await follow();
}

std::shared_ptr<Fill> SlicedObject::ask(const ObjectRef& object, const ObjectRef& stale) {
  return Fill::begin(exchange_, source_.next, source_.rules,
                     {source_.store, object, stale, key_,
                      SliceOrder{std::string(source_.url), first_, source_.size, version_}});
}

Task<Result<SlicedObject::Step>> SlicedObject::follow() {
  while (object_->waits_for_head(*follower_)) {
    Status waited = co_await follower_->changed(exchange_.stop());
    if (!waited) co_return fail(waited.error());
  }
  if (fill() != nullptr) exchange_.upstream() = fill()->upstream();
  switch (object_->phase()) {
    case Phase::open:
    case Phase::complete: co_return judge_head();
    case Phase::failed: {
      const ObjectRef& stale = found_.object;
      if (stale && usable_after_failure(*stale, loop_.now())) {
        ObjectRef object = stale;
        found_.kind = Found::Kind::stale;
        leave();
        co_return stored(object);
      }
      if (fill() != nullptr) co_return fail(object_->error());
      co_return Step::pass;
    }
    case Phase::lent:
      // All of it, for this client alone.
      if (fill() != nullptr && fill()->lent() != nullptr && fill()->status() != 206) {
        co_return Step::whole;
      }
      co_return Step::pass;
    case Phase::pending:
    case Phase::refused:
    case Phase::pass: break;
  }
  co_return fill() != nullptr && !version_.empty() ? Step::changed : Step::pass;
}

SlicedObject::Step SlicedObject::judge_head() {
  const ObjectFacts& facts = object_->facts();
  if (fill() == nullptr) {
    if (!facts.selector.matches(exchange_.request().headers)) return Step::again;
    if (facts.verdict.revalidate_always) return Step::pass;
  }
  if (facts.head.status() != 206) return Step::whole;
  return stored(object_);
}

// The first slice says what the others have to be of.
SlicedObject::Step SlicedObject::stored(const ObjectRef& object) {
  const StoredHead& head = object->facts().head;
  std::optional<ContentRange> range = parse_content_range(head.get("Content-Range"));
  if (!range || range->part.first != first_) return Step::pass;
  if (!is_of_version(*object)) {
    source_.store->drop(key_, object);
    // It was asked for just now: there is no other any more.
    return fill() != nullptr ? Step::changed : Step::again;
  }
  if (version_.empty()) {
    version_ = strong_validator(head, loop_.wall_now());
    length_ = range->length;
  }
  object_ = object;
  size_ = range->part.size;
  return version_.empty() ? Step::pass : Step::slice;
}

bool SlicedObject::is_of_version(const Object& object) const {
  if (version_.empty()) return true;
  const StoredHead& head = object.facts().head;
  std::optional<ContentRange> range = parse_content_range(head.get("Content-Range"));
  return range && range->length == length_ && strong_validator(head, loop_.wall_now()) == version_;
}

void SlicedObject::leave() {
  follower_.reset();
  lead_.reset();
  object_.reset();
}

Body* SlicedObject::body(std::span<const ObjectPart> parts) {
  return exchange_.own<SlicedBody>(*this, exchange_.stop(), parts);
}

// --- the body ------------------------------------------------------------------------------------

SlicedBody::SlicedBody(SlicedObject& object, StopToken stop, std::span<const ObjectPart> parts)
    : object_(object), stop_(stop), parts_(parts) {
  for (const ObjectPart& part : parts) length_ += part.text.size() + size_of(part);
}

std::uint64_t SlicedBody::size_of(const ObjectPart& part) const {
  return std::min(part.size, object_.length() - part.first);
}

bool SlicedBody::in_slice(std::uint64_t position) const {
  return position >= object_.first() && position - object_.first() < object_.size();
}

Task<Result<Slice>> SlicedBody::read() {
  while (true) {
    std::optional<Result<Slice>> piece = next();
    if (piece) co_return std::move(*piece);
    std::uint64_t wanted = parts_.front().first + done_;
    Status moved;
    if (in_slice(wanted)) {
      moved = co_await object_.follower()->changed(stop_);
    } else {
      cursor_ = {};
      position_ = 0;
      moved = co_await object_.move_to(wanted);
    }
    if (!moved) co_return fail(moved.error());
  }
}

std::optional<Slice> SlicedBody::try_read() {
  std::optional<Result<Slice>> piece = next();
  if (!piece || !*piece) return std::nullopt;  // `read` finds an error again
  return std::move(**piece);
}

// Nothing: the slice has no more for now, or another one is needed.
std::optional<Result<Slice>> SlicedBody::next() {
  while (!parts_.empty()) {
    const ObjectPart& part = parts_.front();
    if (!text_given_) {
      text_given_ = true;
      if (!part.text.empty()) return Slice::unowned(part.text);
    }
    std::uint64_t size = size_of(part);
    if (done_ < size) {
      std::uint64_t wanted = part.first + done_;
      if (!in_slice(wanted)) return std::nullopt;
      return next_of_slice(wanted - object_.first(), size - done_);
    }
    parts_ = parts_.subspan(1);
    text_given_ = false;
    done_ = 0;
  }
  return Slice();
}

std::optional<Result<Slice>> SlicedBody::next_of_slice(std::uint64_t wanted, std::uint64_t most) {
  const ObjectRef& from = object_.object();
  if (position_ > wanted) {
    cursor_ = {};
    position_ = 0;
  }
  while (true) {
    std::uint64_t skip = wanted - position_;
    auto piece = from->take(cursor_, skip > 0 ? skip : most, object_.follower());
    if (!piece || !*piece) return piece;
    if ((*piece)->empty()) {
      return fail(ErrorCode::truncated, Origin::upstream, "a slice is not as long as it says");
    }
    position_ += (*piece)->size();
    if (skip > 0) continue;
    done_ += (*piece)->size();
    return piece;
  }
}

}  // namespace weir::cache
