#include "origin2.h"

#include <fmt/format.h>

#include "http2.h"
#include "manner.h"

namespace weir::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Stream2 = Wire2::Stream2;

/// One connection from the proxy.
class Guest2 {
 public:
  Guest2(Origin& origin, Stream& stream)
      : origin_(origin),
        stream_(stream),
        wire_(stream, h2::Side::server, limits(), origin.loop().stopping()),
        streams_(wire_.stop()) {
    wire_.opened = [this](Stream2& opened) { streams_.spawn(serve(opened)); };
  }

  Task<void> run(std::string received) {
    co_await wire_.run(std::move(received));
    streams_.stop(Error(ErrorCode::cancelled));
    co_await streams_.join();
  }

 private:
  // Sometimes fewer streams than the proxy would like.
  h2::Limits limits() {
    h2::Limits drawn;
    if (random().chance(300)) drawn.streams = 1 + static_cast<std::uint32_t>(random().below(3));
    return drawn;
  }
  Random& random() { return origin_.loop().random(); }
  Ledger& ledger() { return origin_.ledger(); }
  StopToken stop() { return wire_.stop(); }

  Task<void> serve(Stream2& stream) {
    const h2::testing::Head asked = stream.heads.front();
    Head head = Wire2::head_of(asked);
    if (!ledger().calm && random().chance(60)) {  // it was never looked at
      co_return wire_.reset(stream, h2::Reason::refused_stream);
    }
    Story* story = note(asked, head);
    if (story == nullptr) co_return;
    if (!ledger().calm && random().chance(40)) wire_.peer.engine.goaway();
    Manner manner = draw(random(), ledger(), *story);
    if (story->status() < 300) manner.agree = true;  // any 2xx would
    if (story->upgrade && manner.agree) co_return co_await tunnel(stream, *story, manner);
    if (!manner.early) {
      bool taken = co_await take(stream, *story);
      if (!taken) co_return;
    }
    if (manner.delay > Duration::zero()) {
      (void)co_await origin_.loop().sleep_for(manner.delay, stop());
    }
    co_await answer(stream, *story, manner);
    if (manner.early) (void)co_await take(stream, *story);
  }

  Story* note(const h2::testing::Head& asked, const Head& head) {
    Story* story = ledger().find(Head::id_in("x " + asked.path + " "));
    if (story == nullptr) {
      ledger().fail(nullptr, "an origin got the path " + asked.path);
      return nullptr;
    }
    ++story->received;
    if (story->begun == 0) ledger().fail(story, "the origin got what nobody sent");
    std::string method = story->upgrade ? "CONNECT" : story->method;
    if (asked.method != method || asked.path != story->path) {
      ledger().fail(story, fmt::format("the origin got {} {}", asked.method, asked.path));
    }
    if (head.malformed) ledger().fail(story, "a malformed request");
    if (head.text("x-id") != fmt::to_string(story->id)) {
      ledger().fail(story, "fields of another request: " + head.text("x-id"));
    }
    for (std::string_view name : {"expect", "connection", "transfer-encoding", "upgrade"}) {
      if (head.has(name)) ledger().fail(story, fmt::format("{} was passed on", name));
    }
    return story;
  }

  Task<bool> take(Stream2& stream, Story& story) {
    std::string expected = story.upgrade ? std::string() : story.request_body();
    bool going_on = true;
    while (going_on && !stream.ended) {
      wire_.consume(stream);
      going_on = co_await wire_.wait(stream, stop());
    }
    if (!expected.starts_with(stream.body)) {
      ledger().fail(&story, "a wrong byte in the request body");
    }
    if (!stream.ended || story.upgrade) co_return story.upgrade;
    if (stream.body.size() != expected.size()) {
      ledger().fail(&story, fmt::format("a request body of {} bytes looks whole but has {}",
                                        expected.size(), stream.body.size()));
    }
    ++story.taken;
    co_return true;
  }

  Task<void> answer(Stream2& stream, const Story& story, const Manner& manner) {
    if (stream.closed) co_return;
    static constexpr unsigned kInterim[] = {100, 103, 102};
    for (unsigned i = 0; i < manner.interim; ++i) {
      say(stream, {{":status", fmt::to_string(kInterim[random().below(3)])}, id_of(story)}, true);
    }
    bool bare = story.method == "HEAD" || story.status() == 204 || story.status() == 304;
    h2::testing::Fields fields = {
        {":status", fmt::to_string(story.status())}, id_of(story), {"server", "origin"}};
    if (manner.framing == Content::Kind::length && story.status() != 204) {
      fields.emplace_back("content-length", fmt::to_string(story.response_size));
    }
    if (story.trailers && !bare) {
      stream.trailers = std::make_unique<h2::testing::RawFields>(
          h2::testing::Fields{{"x-sum", fmt::to_string(story.id)}});
    }
    std::size_t limit = manner.broken == Manner::Break::none ? kNever : manner.pace.limit;
    if (limit < 100) co_return co_await break_off(stream, manner);
    stream.ends = bare;
    say(stream, fields, false, bare);
    if (!bare) co_await send(stream, story.response_body(), manner, limit);
  }

  Task<void> send(Stream2& stream, std::string body, const Manner& manner, std::size_t limit) {
    bool breaks = limit != kNever;
    std::size_t size = breaks ? std::min(body.size(), limit - 100) : body.size();
    std::size_t piece = size / manner.pace.pieces + 1;
    for (std::size_t at = 0; at < size; at += piece) {
      if (at > 0 && manner.pace.pause > Duration::zero()) {
        Status slept = co_await origin_.loop().sleep_for(manner.pace.pause, stop());
        if (!slept) co_return;
      }
      wire_.add(stream, std::string_view(body).substr(at, std::min(piece, size - at)), false);
    }
    if (breaks) co_return co_await break_off(stream, manner);
    wire_.add(stream, {}, true);
  }

  Task<void> break_off(Stream2& stream, const Manner& manner) {
    if (manner.broken == Manner::Break::silence) {
      (void)co_await origin_.loop().sleep_for(seconds(40), stop());
    }
    (void)co_await origin_.loop().sleep_for(milliseconds(1), stop());
    if (manner.broken != Manner::Break::close) {
      co_return wire_.reset(stream, h2::Reason::internal_error);
    }
    if (random().chance(500)) stream_.reset_on_close();
    wire_.end();
  }

  Task<void> tunnel(Stream2& stream, Story& story, const Manner& manner) {
    std::string expected = story.request_body();
    if (!stream.body.empty()) ledger().fail(&story, "bytes of the tunnel came before the 200");
    say(stream, {{":status", "200"}, id_of(story)}, false);
    std::size_t echoed = 0;
    bool going_on = true;
    while (going_on) {
      std::string_view fresh = std::string_view(stream.body).substr(echoed);
      if (std::string_view(expected).substr(std::min(echoed, expected.size()), fresh.size()) !=
          fresh) {
        ledger().fail(&story, "a wrong byte in the tunnel to the origin");
      }
      echoed = stream.body.size();
      wire_.consume(stream);
      if (!fresh.empty() || stream.ended) wire_.add(stream, fresh, stream.ended);
      if (stream.ended) break;
      going_on = co_await wire_.wait(stream, stop());
    }
    if (echoed == story.request_size) ++story.taken;
    // Who takes nothing more is served to the end.
    while (going_on && !stream.closed) going_on = co_await wire_.wait(stream, stop());
  }

  static std::pair<std::string, std::string> id_of(const Story& story) {
    return {"x-id", fmt::to_string(story.id)};
  }

  void say(Stream2& stream, const h2::testing::Fields& fields, bool interim, bool end = false) {
    if (stream.closed) return;
    h2::testing::Peer& peer = wire_.peer;
    peer.kept.push_back(std::make_unique<h2::testing::RawFields>(fields));
    const h2::FieldList& list = peer.kept.back()->list();
    if (!interim && !end) stream.ends = false;
    (void)(interim ? peer.engine.interim(stream, list) : peer.engine.respond(stream, list, end));
    wire_.kick();
  }

  Origin& origin_;
  Stream& stream_;
  Wire2 wire_;
  Scope streams_;
};

}  // namespace

Task<void> serve_http2(Origin& origin, Stream& stream, std::string received) {
  Guest2 guest(origin, stream);
  co_await guest.run(std::move(received));
}

}  // namespace weir::sim
