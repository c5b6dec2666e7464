#include "cache_origin.h"

#include <fmt/format.h>

#include <optional>

#include "core/hash.h"
#include "core/scope.h"
#include "http/ranges.h"

namespace weir::sim {

using std::chrono::milliseconds;

Resource Resource::drawn(Random& random) {
  Resource drawn;
  drawn.personal = random.chance(250);
  drawn.varies = !drawn.personal && random.chance(250);
  drawn.tagged = random.chance(500);
  drawn.chunked = random.chance(400);
  drawn.large = random.chance(150);
  drawn.fresh = static_cast<unsigned>(random.below(4));
  drawn.grace = random.chance(400) ? 3 : 0;
  drawn.failing = random.chance(400) ? 200 : 0;
  drawn.cut = drawn.tagged && random.chance(800);
  drawn.size = drawn.large ? 40'000 + random.below(60'000) : random.below(20'000);
  return drawn;
}

std::string body_of(std::string_view what, std::size_t size) {
  return test::pattern(size, stable_hash(what));
}

namespace {

// One that there is, if the condition holds: else the whole is sent, as an origin may always do.
std::optional<ByteRange> part_asked(const Head& head, const std::string& etag, std::size_t size) {
  ByteRanges ranges;
  bool same = !head.has("if-range") || head.text("if-range") == etag;
  if (!same || ranges.parse(head.text("range"), size) != RangeAnswer::parts) return std::nullopt;
  return ranges.parts().front();
}

}  // namespace

Task<void> CacheOrigin::run() {
  Scope guests;
  while (true) {
    auto accepted = co_await service_.listener().accept(loop_.stopping());
    if (accepted) {
      guests.spawn(serve(std::move(*accepted)));
    } else if (loop_.stopping().stopped()) {
      break;
    }
  }
  co_await guests.join();
}

Task<void> CacheOrigin::serve(std::unique_ptr<Stream> stream) {
  Wire wire(*stream, loop_.stopping());
  while (true) {
    Head head;
    bool whole = co_await wire.head(head);
    if (!whole) co_return;
    ++asked_;
    (void)co_await loop_.sleep_for(milliseconds(random_.below(200)), loop_.stopping());
    bool goes_on = co_await answer(*stream, head);
    if (!goes_on) co_return;
  }
}

Task<bool> CacheOrigin::answer(Stream& stream, const Head& head) {
  std::size_t index = std::stoul(head.first.substr(head.first.find('/') + 1));
  Resource resource = resources_[index];
  bool fails = random_.chance(resource.failing);
  std::string user = resource.personal || resource.varies ? head.text("x-user") : "all";
  std::string what = fmt::format("{}-{}-{}-{}", index, resource.version, user,
                                 resource.personal ? "private" : "public");
  std::string etag = "\"" + what + "\"";
  std::string body = body_of(what, resource.size);
  std::string fields = fmt::format(
      "X-What: {}\r\nX-Size: {}\r\nCache-Control: {}max-age={}{}\r\n{}{}", what, resource.size,
      resource.personal ? "private, " : "", resource.fresh,
      resource.grace > 0
          ? fmt::format(", stale-while-revalidate={0}, stale-if-error={0}", resource.grace)
          : "",
      resource.varies ? "Vary: X-User\r\n" : "", resource.tagged ? "ETag: " + etag + "\r\n" : "");
  std::optional<ByteRange> part;
  if (resource.cut) part = part_asked(head, etag, resource.size);
  std::string text;
  Pace pace{.pieces = 1 + random_.below(6), .pause = milliseconds(random_.below(300))};
  if (fails && random_.chance(300)) {
    text = "HTTP/1.1 503 Sick\r\nContent-Length: 0\r\n\r\n";
    fails = false;
  } else if (resource.tagged && head.text("if-none-match") == etag) {
    text = "HTTP/1.1 304 Same\r\n" + fields + "\r\n";
  } else if (part) {
    text = fmt::format(
        "HTTP/1.1 206 Part\r\nContent-Length: {}\r\nContent-Range: bytes {}-{}/{}\r\n{}\r\n",
        part->size, part->first, part->last(), body.size(), fields);
    text += body.substr(part->first, part->size);
  } else if (resource.chunked) {
    text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + fields + "\r\n" +
           in_chunks(body, random_);
  } else {
    text =
        fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{}\r\n", body.size(), fields) + body;
  }
  if (fails) pace.limit = random_.below(text.size());
  std::size_t written = 0;
  bool sent = co_await write_paced(stream, text, pace, written, loop_.stopping());
  co_return sent && !fails;
}

}  // namespace weir::sim
