#include "origin.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/deadline.h"
#include "manner.h"
#include "origin2.h"
#include "wire.h"

namespace weir::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string head_of(const Story& story, Manner& manner, Random& random) {
  static constexpr std::string_view kInterim[] = {"100 Continue", "103 Early Hints",
                                                  "102 Processing"};
  std::string text;
  for (unsigned i = 0; i < manner.interim; ++i) {
    text += fmt::format("HTTP/1.1 {}\r\nX-Id: {}\r\n\r\n", kInterim[random.below(3)], story.id);
  }
  bool bare = story.status() == 204 || story.status() == 304;
  if (bare) manner.framing = Content::Kind::none;
  if (manner.framing == Content::Kind::until_close) manner.close = true;
  text += fmt::format("HTTP/1.1 {} Whatever\r\nX-Id: {}\r\nServer: origin\r\n", story.status(),
                      story.id);
  if (manner.framing == Content::Kind::length) {
    text += fmt::format("Content-Length: {}\r\n", story.response_size);
  } else if (manner.framing == Content::Kind::chunked) {
    text += "Transfer-Encoding: chunked\r\n";
  }
  if (manner.close) text += "Connection: close\r\n";
  return text + "\r\n";
}

std::string answer_of(const Story& story, Manner& manner, Random& random) {
  std::string text = head_of(story, manner, random);
  if (story.method == "HEAD" || manner.framing == Content::Kind::none) return text;
  if (manner.framing != Content::Kind::chunked) return text + story.response_body();
  std::string trailer = story.trailers ? fmt::format("X-Sum: {}\r\n", story.id) : std::string();
  return text + in_chunks(story.response_body(), random, trailer);
}

Content announced(const Head& head) {
  Content content;
  if (const std::string* length = head.get("content-length")) {
    content.length = std::stoul(*length);
    content.kind = content.length > 0 ? Content::Kind::length : Content::Kind::none;
  } else if (head.has("transfer-encoding")) {
    content.kind = Content::Kind::chunked;
  }
  return content;
}

/// One connection from the proxy.
class Guest {
 public:
  Guest(Origin& origin, Stream& stream, std::string received)
      : origin_(origin), stream_(stream), wire_(stream, origin.loop().stopping()) {
    wire_.begin_with(std::move(received));
  }

  Task<void> serve() {
    bool again = true;
    while (again) again = co_await one();
  }

 private:
  Ledger& ledger() { return origin_.ledger(); }
  StopToken stop() { return origin_.loop().stopping(); }

  Task<bool> one() {
    if (ledger().steady && wire_.waiting().empty()) {
      Deadline idle(origin_.loop(), milliseconds(20), stop());
      bool came = co_await wire_.more(idle.token());
      if (!came) ledger().idle_closed = origin_.loop().now();
      if (!came) co_return false;
    }
    Head head;
    bool whole = co_await wire_.head(head);
    Story* story = note(head);
    if (story != nullptr && spoiled_) {
      ledger().fail(story, "a connection was used again after bytes that nobody asked for");
    }
    if (!whole || story == nullptr) co_return false;
    check(*story, head);
    Random& random = origin_.loop().random();
    Manner manner = draw(random, ledger(), *story);
    if (story->upgrade && manner.agree) {
      co_await tunnel(*story, manner);
      co_return false;
    }
    Content content = announced(head);
    content.expected = story->upgrade ? std::string() : story->request_body();
    if (!manner.early) {
      bool taken = co_await take(*story, content);
      if (!taken) co_return false;
    }
    if (manner.delay > Duration::zero()) {
      (void)co_await origin_.loop().sleep_for(manner.delay, stop());
    }
    std::string text = answer_of(*story, manner, random);
    spoiled_ = manner.extra;
    if (spoiled_) text += "HTTP/1.1 200 OK\r\nX-Id: 1\r\nContent-Length: 0\r\n\r\n";
    if (manner.broken != Manner::Break::none) {
      co_await break_off(text, manner);
      co_return false;
    }
    std::size_t written = 0;
    bool sent = co_await write_paced(stream_, text, manner.pace, written, stop());
    if (!sent) co_return false;
    if (manner.close) stream_.shutdown_write();
    if (manner.early) {
      bool taken = co_await take(*story, content);
      if (!taken) co_return false;
    }
    co_return !manner.close;
  }

  /// The request that a head, or what there is of it, belongs to. It counts as received.
  Story* note(const Head& head) {
    std::string_view line = head.first.empty() ? wire_.waiting() : std::string_view(head.first);
    std::uint64_t id = Head::id_in(line);
    Story* story = id != 0 ? ledger().find(id) : nullptr;
    if (story != nullptr) {
      ++story->received;
      if (story->begun == 0) ledger().fail(story, "the origin got what nobody sent");
      if (!line.starts_with(story->method + " " + story->path + " ")) {
        ledger().fail(story, fmt::format("the origin got the line '{}'", line));
      }
    } else if (!head.first.empty()) {
      ledger().fail(nullptr, fmt::format("the origin got the line '{}'", line));
    }
    return story;
  }

  void check(const Story& story, const Head& head) {
    if (head.malformed) ledger().fail(&story, "a malformed request");
    if (head.text("x-id") != fmt::to_string(story.id)) {
      ledger().fail(&story, "fields of another request: " + head.text("x-id"));
    }
    if (head.count("host") != 1) ledger().fail(&story, "not one Host");
    if (head.count("content-length") + head.count("transfer-encoding") > 1) {
      ledger().fail(&story, "ambiguous framing");
    }
    if (head.has("content-length") && !story.upgrade &&
        head.text("content-length") != fmt::to_string(story.request_size)) {
      ledger().fail(&story, "another Content-Length than the client's");
    }
    if (head.has("expect")) ledger().fail(&story, "Expect was passed on");
  }

  Task<bool> take(Story& story, Content& content) {
    co_await wire_.content(content);
    if (content.wrong) ledger().fail(&story, "a wrong byte in the request body");
    if (content.malformed) ledger().fail(&story, "malformed chunks in the request");
    if (!content.whole) co_return false;
    if (content.received != content.expected.size()) {
      ledger().fail(&story, fmt::format("a request body of {} bytes looks whole but has {}",
                                        content.expected.size(), content.received));
    }
    ++story.taken;
    co_return true;
  }

  Task<void> break_off(std::string_view text, const Manner& manner) {
    Pace pace = manner.pace;
    bool whole_by_end = manner.framing == Content::Kind::until_close;
    pace.limit = std::min(pace.limit, text.size() - 1);
    std::size_t written = 0;
    (void)co_await write_paced(stream_, text, pace, written, stop());
    if (manner.broken == Manner::Break::silence) {
      (void)co_await origin_.loop().sleep_for(seconds(40), stop());
    }
    // What ends with the connection must not end in an orderly way too early.
    if (whole_by_end || manner.broken == Manner::Break::reset) stream_.reset_on_close();
  }

  Task<void> tunnel(Story& story, Manner& manner) {
    std::string text = fmt::format(
        "HTTP/1.1 101 Switching Protocols\r\nX-Id: {}\r\nConnection: upgrade\r\n"
        "Upgrade: echo\r\n\r\n",
        story.id);
    std::size_t written = 0;
    bool sent = co_await write_paced(stream_, text, manner.pace, written, stop());
    std::size_t moved = 0;
    std::string expected = story.request_body();
    if (!wire_.waiting().empty()) ledger().fail(&story, "bytes of the tunnel came before the 101");
    while (sent) {
      Result<Slice> got = co_await stream_.read(stop());
      if (!got) {
        if (got.error().code == ErrorCode::end_of_stream) stream_.shutdown_write();
        break;
      }
      if (expected.substr(std::min(moved, expected.size()), got->size()) != got->view()) {
        ledger().fail(&story, "a wrong byte in the tunnel to the origin");
      }
      moved += got->size();
      Slice slice = std::move(*got);
      Status written_back = co_await stream_.write({&slice, 1}, stop());
      sent = written_back.has_value();
    }
    if (moved == story.request_size) ++story.taken;
  }

  Origin& origin_;
  Stream& stream_;
  Wire wire_;
  bool spoiled_ = false;  // more was sent than was asked for
};

// Both versions on one port: no method of HTTP/1.1 that is used here begins with "PR".
Task<void> serve(Origin& origin, std::unique_ptr<Stream> stream) {
  std::string received;
  while (received.empty() || received == "P") {
    Result<Slice> got = co_await stream->read(origin.loop().stopping());
    if (!got) co_return;
    received += got->view();
  }
  if (received.starts_with("PR")) co_return co_await serve_http2(origin, *stream, received);
  Guest guest(origin, *stream, std::move(received));
  co_await guest.serve();
}

}  // namespace

Task<void> Origin::run() {
  Scope guests;
  while (true) {
    auto accepted = co_await listener().accept(loop_.stopping());
    if (accepted) {
      guests.spawn(serve(*this, std::move(*accepted)));
    } else if (loop_.stopping().stopped()) {
      break;
    }
  }
  co_await guests.join();
}

}  // namespace weir::sim
