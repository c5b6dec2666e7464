#include "moody_origin.h"

#include "core/scope.h"
#include "wire.h"

namespace weir::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr Duration kSlow = milliseconds(300);

}  // namespace

void MoodyOrigin::turn(Mood mood) {
  mood_ = mood;
  if (mood == Mood::down) {
    loop_.network().refuse(service_.address());
  } else {
    loop_.network().heal(service_.address());
  }
}

Task<void> MoodyOrigin::run() {
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

Task<void> MoodyOrigin::serve(std::unique_ptr<Stream> stream) {
  Wire wire(*stream, loop_.stopping());
  while (true) {
    Head head;
    bool whole = co_await wire.head(head);
    if (!whole) co_return;
    Content content;
    if (head.has("content-length")) {
      content.length = std::stoul(head.text("content-length"));
      content.kind = content.length > 0 ? Content::Kind::length : Content::Kind::none;
      content.compare = false;
    }
    std::size_t begin = head.first.find('/');
    std::string path = head.first.substr(begin, head.first.find(' ', begin) - begin);
    if (path != "/health") ++received_[path];
    co_await wire.content(content);
    bool goes_on = co_await answer(*stream, path);
    if (!goes_on) co_return;
  }
}

Task<bool> MoodyOrigin::answer(Stream& stream, std::string_view path) {
  if (mood_ == Mood::down) co_return false;
  if (mood_ == Mood::hanging) {
    (void)co_await loop_.sleep_for(hours(1), loop_.stopping());
    co_return false;
  }
  if (mood_ == Mood::slow) (void)co_await loop_.sleep_for(kSlow, loop_.stopping());
  bool fails = mood_ == Mood::sick || (mood_ == Mood::lying && path != "/health");
  std::size_t written = 0;
  bool sent = co_await write_paced(stream,
                                   fails ? "HTTP/1.1 503 Sick\r\nContent-Length: 0\r\n\r\n"
                                         : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                                   {}, written, loop_.stopping());
  co_return sent;
}

}  // namespace weir::sim
