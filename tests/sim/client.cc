#include "client.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "client2.h"
#include "core/scope.h"
#include "io/deadline.h"

namespace weir::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kPatience = seconds(90);

std::string head_of(const Story& story) {
  std::string text = fmt::format("{} {} HTTP/1.{}\r\nHost: sim.example\r\nX-Id: {}\r\n",
                                 story.method, story.path, story.old ? 0 : 1, story.id);
  std::string options;
  if (story.upgrade) {
    text += "Upgrade: echo\r\n";
    options = "upgrade";
  } else if (story.chunked) {
    text += "Transfer-Encoding: chunked\r\n";
  } else if (story.request_size > 0 || story.method == "POST") {
    text += fmt::format("Content-Length: {}\r\n", story.request_size);
  }
  if (story.expect) text += "Expect: 100-continue\r\n";
  if (story.last) options = "close";
  if (story.old && !story.last) options = "keep-alive";
  if (story.trailers) {
    text += "TE: trailers\r\n";
    options += options.empty() ? "TE" : ", TE";
  }
  if (!options.empty()) text += "Connection: " + options + "\r\n";
  return text + "\r\n";
}

/// One connection to the proxy.
class Call {
 public:
  Call(Ledger& ledger, const Visit& visit, Stream& stream, StopToken stop)
      : ledger_(ledger), visit_(visit), stream_(stream), stop_(stop), wire_(stream, stop_.token()) {
    wire_.limit = visit.leave_after_reading;
  }

  Task<void> run() {
    auto next = visit_.stories.begin();
    bool again = true;
    while (again && next != visit_.stories.end()) {
      std::size_t count = std::min<std::size_t>(
          visit_.together, static_cast<std::size_t>(visit_.stories.end() - next));
      std::span<Story* const> batch(&*next, count);
      next += static_cast<std::ptrdiff_t>(count);
      go_on_ = false;
      Scope writer(stop_.token());
      writer.spawn(send(batch, next == visit_.stories.end(), writer.token()));
      for (Story* story : batch) {
        again = again && co_await answer(*story);
      }
      if (!again) writer.stop(Error(ErrorCode::cancelled));
      co_await writer.join();
    }
    if (again && visit_.linger) co_await expect_silence();
    if (visit_.leave_by_reset) stream_.reset_on_close();
  }

 private:
  Loop& loop() { return stream_.loop(); }

  Task<void> send(std::span<Story* const> batch, bool last, StopToken stop) {
    Pace pace = visit_.pace;
    pace.limit = visit_.leave_after_writing;
    for (Story* story : batch) {
      ++story->begun;
      std::string text = head_of(*story);
      std::string body;
      if (!story->upgrade) body = story->request_body();
      if (story->chunked) body = in_chunks(body, loop().random());
      if (!story->expect) text += std::exchange(body, {});
      bool sent = co_await write_paced(stream_, text, pace, written_, stop);
      if (sent && !body.empty()) {
        for (int i = 0; i < 50 && !go_on_ && !stop.stopped(); ++i) {
          (void)co_await loop().sleep_for(milliseconds(20), stop);
        }
        sent = co_await write_paced(stream_, body, pace, written_, stop);
      }
      if (!sent) {
        if (written_ >= pace.limit) stop_.request(Error(ErrorCode::cancelled));  // off and away
        co_return;
      }
    }
    if (last && visit_.half_close) stream_.shutdown_write();
  }

  /// True if the connection goes on.
  Task<bool> answer(Story& story) {
    Head head;
    unsigned status = 0;
    do {
      head = Head();
      bool whole = co_await wire_.head(head);
      if (head.malformed) ledger_.fail(&story, "a malformed response head");
      if (!whole) {
        if (!head.first.empty() || !wire_.waiting().empty()) story.answer = Answer::cut;
        co_return false;
      }
      status = status_of(story, head);
      go_on_ = true;
    } while (status >= 100 && status < 200 && status != 101);
    ledger_.check_answer(story, head, status);
    if (head.count("content-length") + head.count("transfer-encoding") > 1) {
      ledger_.fail(&story, "ambiguous framing");
    }
    if (status == 101) co_return co_await tunnel(story);
    bool goes_on = co_await content(story, head, status);
    co_return goes_on;
  }

  unsigned status_of(const Story& story, const Head& head) {
    unsigned status = 0;
    if (head.first.starts_with("HTTP/1.1 ") && head.first.size() >= 12) {
      status = static_cast<unsigned>(std::stoul(head.first.substr(9, 3)));
    }
    if (status < 100) ledger_.fail(&story, "not a response: " + head.first);
    if (status == 100 && !story.expect) ledger_.fail(&story, "100 that was not asked for");
    if (status == 101 && !story.upgrade) ledger_.fail(&story, "101 that was not asked for");
    if (status > 101 && status < 200) {
      if (story.old) ledger_.fail(&story, "an interim response for HTTP/1.0");
      if (head.text("x-id") != fmt::to_string(story.id)) {
        ledger_.fail(&story, "the interim response of another request");
      }
    }
    return status;
  }

  Task<bool> content(Story& story, const Head& head, unsigned status) {
    Content content;
    bool ours = !head.has("x-id");
    content.compare = !ours;
    content.expected = ours ? std::string() : story.response_body();
    bool bare = story.method == "HEAD" || status == 204 || status == 304;
    if (!bare && head.has("content-length")) {
      content.kind = Content::Kind::length;
      content.length = std::stoul(head.text("content-length"));
    } else if (!bare && head.has("transfer-encoding")) {
      content.kind = Content::Kind::chunked;
      if (story.old) ledger_.fail(&story, "chunks for HTTP/1.0");
    } else if (!bare) {
      content.kind = Content::Kind::until_close;
      if (!story.old) ledger_.fail(&story, "a response that only the close ends");
    }
    story.answer = Answer::cut;
    co_await wire_.content(content);
    if (content.wrong) ledger_.fail(&story, "a wrong byte in the response body");
    if (content.malformed) ledger_.fail(&story, "malformed chunks in the response");
    if (!content.whole) co_return false;
    check_whole(story, head, content, bare, ours);
    story.answer = ours ? Answer::error : Answer::origin;
    bool closing = head.text("connection").find("close") != std::string::npos ||
                   (story.old && head.text("connection") != "keep-alive");
    if (closing) {
      // Without chunks the end of a response of unknown length is the end of the connection.
      if (story.old) excuse();
      // A head that never became whole may have been a HEAD or not: the proxy cannot know.
      if (!ours || status != 408) co_await expect_silence();
    }
    co_return !closing;
  }

  void excuse() {
    for (Story* story : visit_.stories) story->excused = story->answer == Answer::none;
  }

  void check_whole(Story& story, const Head& head, const Content& content, bool bare, bool ours) {
    if (ours) {
      story.page = content.expected;
      if (!bare && !content.expected.starts_with("{\"error\"")) {
        ledger_.fail(&story, "not an error page: " + content.expected);
      }
      return;
    }
    if (!bare && content.received != story.response_size) {
      ledger_.fail(&story, fmt::format("a response body of {} bytes looks whole but has {}",
                                       story.response_size, content.received));
    }
    if (story.method == "HEAD" && head.has("content-length") &&
        head.text("content-length") != fmt::to_string(story.response_size)) {
      ledger_.fail(&story, "HEAD tells another length");
    }
    if (!story.trailers && !content.trailers.fields.empty()) {
      ledger_.fail(&story, "trailers that were not asked for");
    }
  }

  Task<void> expect_silence() {
    while (true) {
      if (!wire_.waiting().empty()) {
        ledger_.fail(nullptr, "bytes that nobody asked for: " + std::string(wire_.waiting()));
        co_return;
      }
      bool came = co_await wire_.more();
      if (!came) co_return;
    }
  }

  Task<void> send_through(std::string bytes, StopToken stop) {
    Pace pace = visit_.pace;
    std::size_t written = 0;
    bool sent = co_await write_paced(stream_, bytes, pace, written, stop);
    if (sent) stream_.shutdown_write();
  }

  Task<bool> tunnel(Story& story) {
    Content echo;
    echo.kind = Content::Kind::until_close;
    echo.expected = story.request_body();
    story.answer = Answer::cut;
    Scope writer(stop_.token());
    writer.spawn(send_through(echo.expected, writer.token()));
    co_await wire_.content(echo);
    writer.stop(Error(ErrorCode::cancelled));
    co_await writer.join();
    if (echo.wrong) ledger_.fail(&story, "a wrong byte out of the tunnel");
    if (echo.whole && echo.received == story.request_size) story.answer = Answer::origin;
    co_return false;
  }

  Ledger& ledger_;
  const Visit& visit_;
  Stream& stream_;
  StopSource stop_;
  Wire wire_;
  std::size_t written_ = 0;
  bool go_on_ = false;  // the proxy has said something: a body that waited for it may go
};

Task<void> visit_proxy(SimLoop& loop, Ledger& ledger, const Visit& visit) {
  Deadline deadline(loop, kPatience, loop.stopping());
  auto stream = co_await loop.connect(*Address::parse(kProxyAddress), deadline.token());
  if (!stream) {
    if (ledger.calm) ledger.fail(nullptr, "the proxy could not be reached");
    co_return;
  }
  if (visit.http2) co_return co_await visit_http2(ledger, visit, **stream, deadline.token());
  Call call(ledger, visit, **stream, deadline.token());
  co_await call.run();
}

}  // namespace

Task<void> run_client(SimLoop& loop, Ledger& ledger, std::vector<Visit> visits) {
  for (const Visit& visit : visits) {
    (void)co_await loop.sleep_for(visit.before, loop.stopping());
    co_await visit_proxy(loop, ledger, visit);
  }
  --ledger.clients;
}

}  // namespace weir::sim
