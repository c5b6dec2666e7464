#include "middleware/cache/answer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "http/error_response.h"
#include "http/preconditions.h"
#include "http/ranges.h"
#include "middleware/cache/sliced_object.h"

namespace weir::cache {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;
// A part that begins further from what is there than this is not waited for.
constexpr std::uint64_t kFar = 1048576;
constexpr std::string_view kCacheStatus = "Cache-Status";

std::string_view decimal(Arena& arena, std::int64_t number) {
  constexpr std::size_t kMost = 20;
  char* digits = arena.allocate(kMost);
  char* end = std::to_chars(digits, digits + kMost, number).ptr;
  return {digits, static_cast<std::size_t>(end - digits)};
}

std::string_view content_range(Arena& arena, const ByteRange& part, std::uint64_t length) {
  std::array<char, 80> text;
  auto end = fmt::format_to(text.data(), "bytes {}-{}/{}", part.first, part.last(), length);
  return arena.copy({text.data(), static_cast<std::size_t>(end - text.data())});
}

class Answer {
 public:
  Answer(Exchange& exchange, const ObjectRef& object, const Serving& serving)
      : exchange_(exchange),
        arena_(exchange.arena()),
        object_(object),
        serving_(serving),
        now_(exchange.loop().wall_now() / kNanoseconds),
        validators_(object->facts().head.validators()) {}

  Response make() {
    if (status() != 200) return whole();
    const Request& request = exchange_.request();
    if (check_preconditions(request, validators_, now_) == Precondition::not_modified) {
      return not_modified();
    }
    std::optional<std::uint64_t> length =
        serving_.sliced != nullptr ? serving_.sliced->length() : object_->length();
    if (!length || !range_wanted(request, validators_, now_)) return whole();
    ByteRanges ranges;
    switch (ranges.parse(request.headers.get(HeaderId::range), *length)) {
      case RangeAnswer::whole: return whole();
      case RangeAnswer::unsatisfiable: return unsatisfiable(*length);
      case RangeAnswer::parts: break;
    }
    if (ranges.parts().size() == 1) return part(ranges.parts().front(), *length);
    // Several may lie in any order: not while it comes in.
    bool in_any_order = serving_.sliced != nullptr || object_->phase() == Phase::complete;
    return in_any_order ? parts(ranges.parts(), *length) : whole();
  }

 private:
  // A slice is a part of what has been a 200.
  std::uint16_t status() const {
    return serving_.sliced != nullptr ? 200 : object_->facts().head.status();
  }

  Response whole() {
    Response response(arena_);
    describe(response, status());
    give(response, {arena_.make<ObjectPart>(), 1});
    return response;
  }

  // RFC 9110, 15.4.5: what a cache needs to know, and no more.
  Response not_modified() {
    Response response(arena_);
    describe(response, 304);
    constexpr HeaderSet kOfContent(HeaderId::content_type, HeaderId::content_encoding,
                                   HeaderId::content_range, HeaderId::accept_ranges);
    bool tagged = response.headers.has(HeaderId::etag);
    response.headers.remove_if([&](const Header& field) {
      return kOfContent.has(field.id()) || (tagged && field.id() == HeaderId::last_modified);
    });
    return response;
  }

  Response part(const ByteRange& range, std::uint64_t length) {
    Response response(arena_);
    describe(response, 206);
    response.headers.set(HeaderId::content_range, content_range(arena_, range, length));
    give(response, {arena_.make<ObjectPart>("", range.first, range.size), 1});
    return response;
  }

  // RFC 9110, 14.6. The boundary is 16 random hex digits, which no body was made to hold.
  Response parts(std::span<const ByteRange> ranges, std::uint64_t length) {
    Response response(arena_);
    describe(response, 206);
    std::string_view type = response.headers.get(HeaderId::content_type);
    std::string_view boundary =
        arena_.copy(fmt::format("{:016x}", exchange_.loop().random().next()));
    auto* made = arena_.make_array<ObjectPart>(ranges.size() + 1);
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      std::string_view text = arena_.concat(
          {i == 0 ? "--" : "\r\n--", boundary, type.empty() ? "" : "\r\nContent-Type: ", type,
           "\r\nContent-Range: ", content_range(arena_, ranges[i], length), "\r\n\r\n"});
      new (made + i) ObjectPart{text, ranges[i].first, ranges[i].size};
    }
    new (made + ranges.size()) ObjectPart{arena_.concat({"\r\n--", boundary, "--\r\n"}), 0, 0};
    response.headers.set(HeaderId::content_type,
                         arena_.concat({"multipart/byteranges; boundary=", boundary}));
    give(response, {made, ranges.size() + 1});
    return response;
  }

  Response unsatisfiable(std::uint64_t length) {
    Response response =
        error_response(exchange_, 416, "range_not_satisfiable", "There is no such part.");
    response.headers.add(HeaderId::content_range, arena_.copy(fmt::format("bytes */{}", length)));
    add_cache_status(response.headers, arena_, serving_.cache_status);
    return response;
  }

  void describe(Response& response, std::uint16_t status) {
    response.status = status;
    object_->facts().head.copy_to(response.headers, arena_);
    if (serving_.sliced != nullptr) response.headers.remove(HeaderId::content_range);
    std::int64_t age = object_->age(exchange_.loop().now());
    // One that came straight from its origin has none.
    if (!serving_.first_hand || age > 0) {
      response.headers.add(HeaderId::age, decimal(arena_, age));
    }
    if (serving_.withheld != nullptr) {
      for (const Header& field : *serving_.withheld) {
        response.headers.add(arena_.copy(field.name()), arena_.copy(field.value()));
      }
    }
    add_cache_status(response.headers, arena_, serving_.cache_status);
  }

  void give(Response& response, std::span<const ObjectPart> parts) {
    if (serving_.sliced != nullptr) {
      response.body = serving_.sliced->body(parts);
      return;
    }
    if (serving_.file) {
      const ObjectPart& part = parts.front();  // the only one
      std::uint64_t size = std::min(part.size, serving_.file->length() - part.first);
      response.body = exchange_.own<DiskBody>(exchange_.loop(), serving_.disk, serving_.file,
                                              part.first, size, exchange_.stop());
      return;
    }
    response.body = exchange_.own<ObjectBody>(object_, serving_.follower, exchange_.stop(), parts);
  }

  Exchange& exchange_;
  Arena& arena_;
  const ObjectRef& object_;
  const Serving& serving_;
  std::int64_t now_;
  Validators validators_;
};

}  // namespace

Response answer(Exchange& exchange, const ObjectRef& object, const Serving& serving) {
  return Answer(exchange, object, serving).make();
}

bool wants_far_part(const Exchange& exchange, const Object& object) {
  const Headers& headers = exchange.request().headers;
  if (!headers.has(HeaderId::range) || object.phase() != Phase::open) return false;
  std::optional<std::uint64_t> length = object.length();
  if (!length) return false;
  ByteRanges ranges;
  if (ranges.parse(headers.get(HeaderId::range), *length) != RangeAnswer::parts) return false;
  return ranges.parts().front().first > object.size() + kFar;
}

void add_cache_status(Headers& headers, Arena& arena, std::string_view status) {
  if (status.empty()) return;
  std::string_view earlier =
      headers.has(HeaderId::unknown) ? headers.get(kCacheStatus) : std::string_view();
  headers.set(kCacheStatus, earlier.empty() ? status : arena.concat({earlier, ", ", status}));
}

// --- the body ------------------------------------------------------------------------------------

ObjectBody::ObjectBody(ObjectRef object, Object::Follower* follower, StopToken stop,
                       std::span<const ObjectPart> parts)
    : object_(std::move(object)), follower_(follower), stop_(stop), parts_(parts) {
  length_ = 0;
  for (const ObjectPart& part : parts) {
    std::optional<std::uint64_t> size = part.size;
    if (part.size == ObjectPart::kRest) size = object_->length();
    if (!size) {
      length_.reset();
      break;
    }
    *length_ += part.text.size() + *size;
  }
}

Task<Result<Slice>> ObjectBody::read() {
  while (true) {
    std::optional<Result<Slice>> piece = next();
    if (piece) co_return std::move(*piece);
    Status waited = co_await follower_->changed(stop_);
    if (!waited) co_return fail(waited.error());
  }
}

std::optional<Slice> ObjectBody::try_read() {
  std::optional<Result<Slice>> piece = next();
  if (!piece || !*piece) return std::nullopt;  // `read` finds an error again
  return std::move(**piece);
}

std::optional<Result<Slice>> ObjectBody::next() {
  while (!parts_.empty()) {
    const ObjectPart& part = parts_.front();
    if (!text_given_) {
      text_given_ = true;
      if (!part.text.empty()) return Slice::unowned(part.text);
    }
    if (done_ < part.size) {
      std::optional<Result<Slice>> piece = next_of_part();
      bool over = piece && *piece && (*piece)->empty();
      if (!over) return piece;
    }
    parts_ = parts_.subspan(1);
    text_given_ = false;
    done_ = 0;
  }
  return Slice();
}

std::optional<Result<Slice>> ObjectBody::next_of_part() {
  const ObjectPart& part = parts_.front();
  std::uint64_t wanted = part.first + done_;
  if (position_ > wanted) {
    cursor_ = {};
    position_ = 0;
  }
  while (position_ < wanted) {
    std::optional<Result<Slice>> skipped = object_->take(cursor_, wanted - position_, follower_);
    if (!skipped || !*skipped || (*skipped)->empty()) return skipped;
    position_ += (*skipped)->size();
  }
  std::optional<Result<Slice>> piece = object_->take(cursor_, part.size - done_, follower_);
  if (piece && *piece) {
    position_ += (*piece)->size();
    done_ += (*piece)->size();
  }
  return piece;
}

}  // namespace weir::cache
