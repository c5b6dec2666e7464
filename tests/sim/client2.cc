#include "client2.h"

#include <fmt/format.h>

#include <algorithm>

#include "http2.h"

namespace weir::sim {
namespace {

using Stream2 = Wire2::Stream2;

/// One connection to the proxy.
class Call2 {
 public:
  Call2(Ledger& ledger, const Visit& visit, Stream& stream, StopToken stop)
      : ledger_(ledger),
        visit_(visit),
        stream_(stream),
        wire_(stream, h2::Side::client, {}, stop) {}

  Task<void> run() {
    Scope reader(wire_.stop());
    reader.spawn(wire_.run());
    auto next = visit_.stories.begin();
    while (next != visit_.stories.end() && !wire_.ended()) {
      Scope batch(wire_.stop());
      for (std::size_t i = 0; i < visit_.together && next != visit_.stories.end(); ++i) {
        batch.spawn(one(**next++));
      }
      co_await batch.join();
    }
    if (visit_.leave_by_reset) stream_.reset_on_close();
    wire_.end();
    co_await reader.join();
  }

 private:
  Loop& loop() { return stream_.loop(); }
  StopToken stop() { return wire_.stop(); }

  Task<void> one(Story& story) {
    // RFC 8441, 3: not before the other side has said that it may be asked.
    for (int i = 0; story.upgrade && !wire_.peer.engine.peer_allows_connect_protocol(); ++i) {
      Status slept = co_await loop().sleep_for(std::chrono::milliseconds(20), stop());
      if (!slept || i == 1000) co_return;
    }
    bool bare = story.request_size == 0 && !story.upgrade && story.method != "POST";
    ++story.begun;
    Stream2* stream = wire_.request(fields_of(story), bare);
    if (stream == nullptr) co_return;
    Scope sender(stop());
    if (!bare) sender.spawn(send(*stream, story));
    co_await answer(*stream, story);
    sender.stop(Error(ErrorCode::cancelled));
    co_await sender.join();
    if (!stream->closed) wire_.reset(*stream, h2::Reason::cancel);
  }

  static h2::testing::Fields fields_of(const Story& story) {
    h2::testing::Fields fields = {{":method", story.upgrade ? "CONNECT" : story.method},
                                  {":scheme", "http"},
                                  {":path", story.path},
                                  {":authority", "sim.example"},
                                  {"x-id", fmt::to_string(story.id)}};
    if (story.upgrade) fields.insert(fields.begin(), {":protocol", "echo"});
    bool announced = story.method == "POST" || story.request_size > 0;
    if (announced && !story.chunked && !story.upgrade) {
      fields.emplace_back("content-length", fmt::to_string(story.request_size));
    }
    if (story.trailers) fields.emplace_back("te", "trailers");
    return fields;
  }

  Task<void> send(Stream2& stream, const Story& story) {
    std::string body = story.request_body();
    while (story.upgrade && stream.heads.empty()) {
      bool going_on = co_await pause();
      if (!going_on) co_return;
    }
    std::size_t piece = body.size() / visit_.pace.pieces + 1;
    for (std::size_t at = 0; at < body.size(); at += piece) {
      if (at > 0 && visit_.pace.pause > Duration::zero()) {
        bool going_on = co_await pause();
        if (!going_on) co_return;
      }
      wire_.add(stream, std::string_view(body).substr(at, piece), false);
      written_ += std::min(piece, body.size() - at);
      if (written_ >= visit_.leave_after_writing) co_return leave(stream, story);
    }
    wire_.add(stream, {}, true);
  }

  Task<bool> pause() {
    Duration time = std::max<Duration>(visit_.pace.pause, std::chrono::milliseconds(1));
    Status slept = co_await loop().sleep_for(time, stop());
    co_return slept.has_value();
  }

  // One stream only, or the connection.
  void leave(Stream2& stream, const Story& story) {
    if (story.id % 2 == 0) return wire_.reset(stream, h2::Reason::cancel);
    wire_.end();
  }

  Task<void> answer(Stream2& stream, Story& story) {
    std::size_t seen = 0;
    unsigned status = 0;
    bool going_on = true;
    while (true) {
      for (; seen < stream.heads.size() && status == 0; ++seen) {
        status = note(story, stream.heads[seen]);
      }
      check(story, stream, status);
      if (stream.ended || stream.closed || !going_on) break;
      wire_.consume(stream);
      if (stream.body.size() >= visit_.leave_after_reading) co_return leave(stream, story);
      going_on = co_await wire_.wait(stream, stop());
    }
    if (status == 0) co_return;
    story.answer = Answer::cut;
    if (stream.ended) check_whole(story, stream, status);
  }

  /// The status of a final head, 0 for an interim one.
  unsigned note(Story& story, const h2::testing::Head& head) {
    if (head.error.code != ErrorCode::none) ledger_.fail(&story, "a malformed response head");
    Head found = Wire2::head_of(head);
    if (head.status >= 200) {
      // As over HTTP/1.1 it would have been.
      unsigned status = story.upgrade && head.status == 200 ? 101 : head.status;
      ledger_.check_answer(story, found, status);
      return status;
    }
    if (head.status == 101) ledger_.fail(&story, "101 over HTTP/2");
    if (head.status > 101 && found.text("x-id") != fmt::to_string(story.id)) {
      ledger_.fail(&story, "the interim response of another request");
    }
    return 0;
  }

  std::string expected(const Story& story, unsigned status) {
    return status == 101 ? story.request_body() : story.response_body();
  }

  void check(const Story& story, const Stream2& stream, unsigned status) {
    auto ours = [](const auto& head) { return head.status >= 200 && head.get("x-id").empty(); };
    if (status == 0 || std::ranges::any_of(stream.heads, ours)) return;
    if (!expected(story, status).starts_with(stream.body)) {
      ledger_.fail(&story, "a wrong byte in the response body");
    }
  }

  void check_whole(Story& story, const Stream2& stream, unsigned status) {
    const h2::testing::Head* head = nullptr;
    for (const auto& each : stream.heads) {
      if (each.status >= 200) head = &each;
    }
    bool ours = head->get("x-id").empty();
    bool bare = story.method == "HEAD" || status == 204 || status == 304;
    story.answer = ours ? Answer::error : Answer::origin;
    if (ours) {
      story.page = stream.body;
      if (!bare && !stream.body.starts_with("{\"error\"")) {
        ledger_.fail(&story, "not an error page: " + stream.body);
      }
      return;
    }
    std::size_t size = bare ? 0 : expected(story, status).size();
    if (stream.body.size() != size) {
      ledger_.fail(&story, fmt::format("a response body of {} bytes looks whole but has {}", size,
                                       stream.body.size()));
    }
    if (story.method == "HEAD" && !head->get("content-length").empty() &&
        head->get("content-length") != fmt::to_string(story.response_size)) {
      ledger_.fail(&story, "HEAD tells another length");
    }
  }

  Ledger& ledger_;
  const Visit& visit_;
  Stream& stream_;
  Wire2 wire_;
  std::size_t written_ = 0;
};

}  // namespace

Task<void> visit_http2(Ledger& ledger, const Visit& visit, Stream& stream, StopToken stop) {
  Call2 call(ledger, visit, stream, stop);
  co_await call.run();
}

}  // namespace weir::sim
