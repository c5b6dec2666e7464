// Attack classes on HTTP/2 servers, each with a bound on what it gets out of us: work is counted
// (handlers begun, frames answered), memory is measured. Time is virtual.
#include <gtest/gtest.h>

#include <malloc.h>

#include <string>

#include "http/h2/server_stream.h"
#include "http/h2/session_testing.h"

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer)
#include <sanitizer/allocator_interface.h>
#endif

namespace weir::h2 {
namespace {

using testing::Client;
using testing::Connected;
using testing::Fields;
using testing::frame;
using testing::get;
using testing::literal;
using testing::literals;
using testing::number;
using testing::post;
using testing::RawClient;
using testing::RecordingStream;

constexpr std::uint8_t kEndStream = FrameHeader::kEndStream;
constexpr std::uint8_t kEndHeaders = FrameHeader::kEndHeaders;

std::size_t heap_bytes() {
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer)
  return __sanitizer_get_current_allocated_bytes();
#else
  return mallinfo2().uordblks;
#endif
}

std::string request(std::uint32_t stream, const Fields& fields, bool end = true) {
  std::uint8_t flags = kEndHeaders | (end ? kEndStream : 0);
  return frame(FrameType::headers, flags, stream, literals(fields));
}

std::string reset(std::uint32_t stream) {
  return frame(FrameType::rst_stream, 0, stream, number(8));
}

struct Attack {
  /// `make(i)` is what is sent in round `i`; rounds end when the connection does.
  template <class F>
  Attack(int rounds, F make, std::string settings = {}) {
    before = heap_bytes();
    connected.talk([&](Client& client) -> Task<void> {
      RawClient raw(client);
      bool open = co_await raw.say(RawClient::hello(settings));
      for (int i = 0; i < rounds && open && !was_calmed(); ++i) {
        open = co_await raw.say(make(i));
        ++said;
        if (i % 16 == 15) co_await connected.loop.sleep_for(std::chrono::microseconds(500));
        most = std::max(most, heap_bytes() - before);
      }
      co_await raw.listen();
      goaway = raw.reason(FrameType::goaway);
      frames = std::move(raw.frames);
      ended = raw.ended;
    });
  }
  std::size_t count(FrameType type) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        frames, [&](const RawClient::Frame& f) { return f.header.type == type; }));
  }
  bool was_calmed() const { return connected.service.counters_.abuse.closed.value() == 1; }
  std::uint64_t misdeeds(Misdeed what) const {
    return connected.service.counters_.abuse.of(what).value();
  }

  Connected connected;
  std::size_t before = 0;
  std::size_t most = 0;  // bytes of the heap at the worst
  int said = 0;
  std::optional<Reason> goaway;
  std::vector<RawClient::Frame> frames;
  ErrorCode ended = ErrorCode::none;
};

/// How one request ends.
struct Ending {
  std::optional<std::uint16_t> status;
  Closed closed;
  int begun = 0;
};

Ending ending_of(const Fields& fields, std::string body = {}, bool end = true,
                 const Fields& trailers = {}) {
  Connected connected;
  Ending ending;
  connected.talk([&](Client& client) -> Task<void> {
    RecordingStream& stream = client.peer.request(fields, std::move(body), end);
    if (!trailers.empty()) stream.trailers = std::make_unique<testing::RawFields>(trailers);
    co_await client.until([&] { return stream.closed; });
    if (!stream.heads.empty()) ending.status = stream.heads.back().status;
    ending.closed = stream.closed_as;
  });
  ending.begun = connected.service.answers_.begun;
  return ending;
}

bool is_refused(const Ending& ending) {
  return !ending.status && ending.closed.reason == Reason::protocol_error;
}

Fields with(Fields fields, std::string name, std::string value) {
  fields.emplace_back(std::move(name), std::move(value));
  return fields;
}

// --- translation -------------------------------------------------------------------------------

TEST(Attack18LengthInHttp2, a_body_that_is_not_as_long_as_announced_is_refused) {
  EXPECT_TRUE(is_refused(ending_of(with(post(), "content-length", "5"), "longer than five")));
  EXPECT_TRUE(is_refused(ending_of(with(post(), "content-length", "50"), "shorter")));
  EXPECT_TRUE(is_refused(ending_of(with(post(), "content-length", "5"))));
  EXPECT_EQ(ending_of(with(post(), "content-length", "5"), "12345").status, 200);
}

TEST(Attack18LengthInHttp2, what_went_on_to_the_origin_never_looks_whole) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    RecordingStream& stream =
        client.peer.request(with(post("/echo"), "content-length", "50"), "GET /smuggled", false);
    co_await client.until([&] { return stream.body.size() == 13; });
    stream.ends = true;
    client.peer.engine.resume(stream);
    co_await client.until([&] { return stream.closed; });
    EXPECT_FALSE(stream.ended);
    EXPECT_EQ(stream.closed_as.reason, Reason::protocol_error);
  });
  EXPECT_EQ(connected.service.last().error.code, ErrorCode::bad_framing);
}

TEST(Attack18LengthInHttp2, codings_and_connection_fields_are_malformed) {
  for (std::string_view name :
       {"transfer-encoding", "connection", "keep-alive", "proxy-connection", "upgrade", "te"}) {
    Ending ending = ending_of(with(post(), std::string(name), "chunked"), "0\r\n\r\n");
    EXPECT_TRUE(is_refused(ending)) << name;
    EXPECT_EQ(ending.begun, 0) << name;
  }
}

TEST(Attack19BareEnd, a_short_body_that_ends_with_trailers_is_refused) {
  EXPECT_TRUE(is_refused(
      ending_of(with(post(), "content-length", "50"), "shorter", true, {{"x-sum", "1"}})));
}

TEST(Attack20PseudoHeaders, malformed_requests_reach_no_handler) {
  Fields method = get();
  method[0].second = "GET /admin HTTP/1.1\r\nx";
  Fields path = get("admin");
  Fields host = with(get(), "host", "other.example");
  Fields twice = get();
  twice.insert(twice.begin(), {":path", "/other"});
  Fields late = with(get(), ":path", "/late");
  Fields space = get();
  space[0].second = "GET ";
  for (const Fields& fields : {method, path, host, twice, late, space}) {
    Ending ending = ending_of(fields);
    EXPECT_TRUE(is_refused(ending));
    EXPECT_EQ(ending.begun, 0);
  }
}

TEST(Attack20PseudoHeaders, a_thousand_hosts_cost_one) {
  Fields fields = get();
  for (int i = 0; i < 90; ++i) fields.emplace_back("host", "a.example");
  EXPECT_TRUE(is_refused(ending_of(fields)));
}

TEST(Attack21UpgradeToHttp2, a_protocol_of_the_connection_itself_is_refused) {
  Fields fields = get();
  fields[0].second = "CONNECT";
  fields.insert(fields.begin(), {":protocol", "h2c"});
  Ending ending = ending_of(fields, "", false);
  EXPECT_EQ(ending.status, 501);
  EXPECT_EQ(ending.begun, 0);
}

// --- resets ------------------------------------------------------------------------------------

TEST(Attack23RapidReset, ends_soon_and_starts_no_more_work_than_streams_are_allowed) {
  Attack attack(10'000, [](int i) {
    std::uint32_t stream = static_cast<std::uint32_t>(2 * i + 1);
    return request(stream, get("/hang")) + reset(stream);
  });
  EXPECT_TRUE(attack.was_calmed());
  // 2,000 points at 4 for each reset, and the little that time gives back.
  EXPECT_LE(attack.misdeeds(Misdeed::reset), 600u);
  EXPECT_LE(attack.connected.service.answers_.begun, 600);
  EXPECT_EQ(attack.connected.service.answers_.begun, attack.connected.service.ended_);
  EXPECT_LT(attack.most, 2'000'000u);
  EXPECT_EQ(attack.goaway, Reason::enhance_your_calm);
}

// Exchanges that take long to end count as streams although the client has reset them.
TEST(Attack23RapidReset, does_not_get_more_exchanges_than_streams_by_resetting) {
  Connected connected;
  connected.service.limits_.abuse.points = 0;  // the budget does not help here
  connected.service.limits_.http2.streams = 10;
  int most = 0;
  connected.service.answers_.large = 1;
  connected.talk([&](Client& client) -> Task<void> {
    RawClient raw(client);
    std::string bytes = RawClient::hello();
    for (std::uint32_t i = 0; i < 1000; ++i) {
      bytes += request(2 * i + 1, get("/hang")) + reset(2 * i + 1);
    }
    co_await raw.say(bytes);
    co_await raw.listen(std::chrono::seconds(1));
    most = connected.service.answers_.begun - connected.service.ended_;
    EXPECT_GT(raw.count(FrameType::rst_stream), 500u);
  });
  EXPECT_LE(most, 10);
  EXPECT_LT(connected.service.answers_.begun, 500);
}

TEST(Attack23RapidReset, a_browser_that_leaves_a_page_is_no_attack) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    for (int page = 0; page < 20; ++page) {
      for (int i = 0; i < 20; ++i) client.peer.request(get("/ok"));
      std::vector<RecordingStream*> leaving;
      for (int i = 0; i < 30; ++i) leaving.push_back(&client.peer.request(get("/hang")));
      co_await client.until([&] { return client.peer.requests[page * 50 + 19]->closed; });
      for (RecordingStream* stream : leaving) client.peer.engine.reset(*stream, Reason::cancel);
      co_await client.say();
      co_await connected.loop.sleep_for(std::chrono::seconds(1));
    }
    EXPECT_FALSE(client.peer.goaway);
  });
}

TEST(Attack24MadeYouReset, resets_that_we_are_made_to_send_count) {
  Attack attack(10'000, [](int i) {
    std::uint32_t stream = static_cast<std::uint32_t>(2 * i + 1);
    // A window that overflows is an error of the stream (RFC 9113, 6.9.1).
    return request(stream, get("/hang")) +
           frame(FrameType::window_update, 0, stream, number(0x7fffffff));
  });
  EXPECT_TRUE(attack.was_calmed());
  EXPECT_LE(attack.connected.service.answers_.begun, 250);
  EXPECT_LE(attack.count(FrameType::rst_stream), 250u);
}

TEST(Attack24MadeYouReset, so_do_malformed_requests) {
  Attack attack(10'000, [](int i) {
    return request(static_cast<std::uint32_t>(2 * i + 1), with(get(), "connection", "close"));
  });
  EXPECT_TRUE(attack.was_calmed());
  EXPECT_LE(attack.misdeeds(Misdeed::malformed), 250u);
  EXPECT_EQ(attack.connected.service.answers_.begun, 0);
}

TEST(Attack24MadeYouReset, so_do_bodies_that_break_their_length) {
  Attack attack(10'000, [](int i) {
    std::uint32_t stream = static_cast<std::uint32_t>(2 * i + 1);
    return request(stream, with(post("/echo"), "content-length", "1"), false) +
           frame(FrameType::data, kEndStream, stream, "too long");
  });
  EXPECT_TRUE(attack.was_calmed());
  EXPECT_LE(attack.misdeeds(Misdeed::malformed), 250u);
}

// --- heads -------------------------------------------------------------------------------------

TEST(Attack25ContinuationFlood, is_given_up_after_a_few_frames) {
  Attack attack(5000, [](int i) {
    if (i == 0) return frame(FrameType::headers, kEndStream, 1, literals(get()));
    return frame(FrameType::continuation, 0, 1, literal("x", "y"));
  });
  EXPECT_TRUE(attack.was_calmed());
  EXPECT_LE(attack.misdeeds(Misdeed::continuation), 8u);
  EXPECT_EQ(attack.connected.service.answers_.begun, 0);
  EXPECT_LT(attack.most, 500'000u);
}

TEST(Attack25ContinuationFlood, empty_or_large_frames_make_no_difference) {
  for (std::size_t size : {std::size_t{0}, std::size_t{16'000}}) {
    Attack attack(5000, [size](int i) {
      if (i == 0) return frame(FrameType::headers, kEndStream, 1, literals(get()));
      return frame(FrameType::continuation, 0, 1, std::string(size, '\0'));
    });
    EXPECT_TRUE(attack.was_calmed()) << size;
    EXPECT_LT(attack.most, 500'000u) << size;
  }
}

TEST(Attack25ContinuationFlood, heads_in_a_few_frames_are_fine) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    RawClient raw(client);
    const Fields fields = get();
    std::string bytes = RawClient::hello() + frame(FrameType::headers, kEndStream, 1);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      std::uint8_t flags = i + 1 == fields.size() ? kEndHeaders : 0;
      bytes += frame(FrameType::continuation, flags, 1, literals({fields[i]}));
    }
    co_await raw.say(bytes);
    co_await raw.listen(std::chrono::seconds(1));
    EXPECT_EQ(raw.count(FrameType::data), 1u);
    EXPECT_EQ(raw.count(FrameType::goaway), 0u);
  });
}

/// A head that puts one entry into the dynamic table and then names it again and again, with one
/// byte each time.
std::string bomb(std::uint32_t stream, std::string_view name, std::size_t value, int times) {
  std::string block = literals(get("/hang"));
  std::string entry = literal(name, std::string(value, 'v'));
  entry[0] = '\x40';  // with incremental indexing
  block += entry;
  block.append(static_cast<std::size_t>(times), '\xbe');  // index 62: the newest entry
  std::string out = frame(FrameType::headers, kEndStream, stream, block.substr(0, 16'000));
  for (std::size_t at = 16'000; at < block.size(); at += 16'000) {
    out += frame(FrameType::continuation, 0, stream, block.substr(at, 16'000));
  }
  std::size_t last = out.rfind(frame(FrameType::headers, kEndStream, stream).substr(3, 6));
  if (block.size() > 16'000) {
    last = out.rfind(frame(FrameType::continuation, 0, stream).substr(3, 6));
  }
  out[last + 1] = static_cast<char>(out[last + 1] | kEndHeaders);
  return out;
}

TEST(Attack26Bomb, many_references_to_one_large_field_take_no_more_than_the_limit) {
  Attack attack(
      1000, [](int i) { return bomb(static_cast<std::uint32_t>(2 * i + 1), "x", 3900, 12'000); });
  EXPECT_TRUE(attack.was_calmed());
  EXPECT_EQ(attack.connected.service.answers_.begun, 0);
  // 47 MB in every head if they were believed.
  EXPECT_LE(attack.misdeeds(Misdeed::oversized_head), 50u);
  EXPECT_LT(attack.most, 4'000'000u);
}

TEST(Attack26Bomb, neither_do_empty_fields) {
  Attack attack(1000,
                [](int i) { return bomb(static_cast<std::uint32_t>(2 * i + 1), "x", 0, 14'000); });
  EXPECT_TRUE(attack.was_calmed());
  EXPECT_EQ(attack.connected.service.answers_.begun, 0);
  EXPECT_LT(attack.most, 4'000'000u);
}

TEST(Attack26Bomb, neither_do_the_crumbs_of_a_cookie) {
  Attack attack(
      1000, [](int i) { return bomb(static_cast<std::uint32_t>(2 * i + 1), "cookie", 1, 14'000); });
  EXPECT_TRUE(attack.was_calmed());
  EXPECT_EQ(attack.connected.service.answers_.begun, 0);
  EXPECT_LT(attack.most, 4'000'000u);
}

TEST(Attack26Bomb, a_head_just_below_the_limits_takes_little_more_than_its_bytes) {
  Connected connected;
  std::size_t used = 0;
  connected.talk([&](Client& client) -> Task<void> {
    RawClient raw(client);
    co_await raw.say(RawClient::hello());
    std::size_t before = heap_bytes();
    std::string bytes;
    for (std::uint32_t i = 0; i < 50; ++i) bytes += bomb(2 * i + 1, "x", 250, 90);
    for (std::uint32_t i = 0; i < 50; ++i) bytes += request(101 + 2 * i, get("/hang"));
    co_await raw.say(bytes);
    co_await connected.loop.sleep_for(std::chrono::milliseconds(50));
    used = heap_bytes() - before;
    RecordProperty("bytes", static_cast<int>(used));
  });
  EXPECT_EQ(connected.service.answers_.begun, 100);
  EXPECT_LT(used, 100 * 80'000u);
}

TEST(Attack26Bomb, responses_that_nobody_takes_are_ended) {
  Connected connected;
  std::size_t used = 0;
  std::size_t before = heap_bytes();
  connected.talk([&](Client& client) -> Task<void> {
    RawClient raw(client);
    std::string bytes = RawClient::hello(RawClient::setting(4, 0));  // no window at all
    for (std::uint32_t i = 0; i < 100; ++i) bytes += request(2 * i + 1, get("/large"));
    co_await raw.say(bytes);
    co_await connected.loop.sleep_for(std::chrono::seconds(1));
    EXPECT_EQ(connected.service.answers_.begun, 100);
    used = heap_bytes() - before;
    co_await raw.listen(std::chrono::seconds(30));
    EXPECT_TRUE(raw.reason(FrameType::goaway) == Reason::enhance_your_calm);
  });
  EXPECT_EQ(connected.service.ended_, 100);
  EXPECT_LT(used, 100 * 40'000u);
  EXPECT_GE(connected.service.counters_.abuse.of(Misdeed::stalled).value(), 20u);
}

TEST(Attack26Bomb, a_few_stalled_responses_end_and_the_connection_goes_on) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    RawClient raw(client);
    std::string bytes = RawClient::hello(RawClient::setting(4, 0));
    for (std::uint32_t i = 0; i < 3; ++i) bytes += request(2 * i + 1, get("/large"));
    co_await raw.say(bytes);
    co_await raw.listen(std::chrono::seconds(30));
    EXPECT_EQ(raw.count(FrameType::rst_stream), 3u);
    EXPECT_EQ(raw.reason(FrameType::rst_stream), Reason::cancel);
    EXPECT_EQ(raw.count(FrameType::goaway), 0u);
  });
  EXPECT_EQ(connected.service.last().error.code, ErrorCode::slow_peer);
}

// --- floods ------------------------------------------------------------------------------------

void expect_calmed(std::string what, int most, const std::string& head = {}) {
  Attack attack(20'000, [&](int i) { return i == 0 ? head : what; });
  EXPECT_TRUE(attack.was_calmed());
  EXPECT_LE(attack.said, most + 200);  // what was on its way already
  EXPECT_LT(attack.most, 1'000'000u);
  EXPECT_LE(attack.frames.size(), static_cast<std::size_t>(most + 20));
}

TEST(Attack27Floods, pings_and_settings_are_few) {
  expect_calmed(frame(FrameType::ping, 0, 0, "12345678"), 1200);
  expect_calmed(frame(FrameType::settings, 0, 0), 300);
}

TEST(Attack27Floods, priorities_of_both_kinds_are_few) {
  expect_calmed(frame(FrameType::priority, 0, 3, number(0) + "\x10"), 3000);
  expect_calmed(frame(FrameType::priority_update, 0, 0, number(3) + "u=1"), 3000);
}

TEST(Attack27Floods, empty_frames_are_few) {
  std::string head = request(1, post("/b"), false);
  expect_calmed(frame(FrameType::data, 0, 1), 700, head);
  expect_calmed(frame(FrameType::data, 8, 1, std::string(1, '\0')), 3000, head);
}

TEST(Attack27Floods, window_updates_without_data_are_few) {
  expect_calmed(frame(FrameType::window_update, 0, 0, number(1)), 3000);
}

TEST(Attack27Floods, frames_for_nobody_are_few) {
  expect_calmed(frame(static_cast<FrameType>(0xfa), 0, 0, "?"), 3000);
  expect_calmed(reset(1), 700, request(1, get("/hang")) + reset(1));
}

TEST(Attack27Floods, answers_that_nobody_reads_do_not_pile_up) {
  Connected connected;
  connected.service.limits_.abuse.points = 0;  // the caps of the queue alone
  std::size_t before = 0;
  std::size_t most = 0;
  connected.talk([&](Client& client) -> Task<void> {
    RawClient raw(client);
    connected.world.faults().window_min = connected.world.faults().window_max = 4096;
    co_await raw.say(RawClient::hello());
    before = heap_bytes();
    std::string pings;
    for (int i = 0; i < 100; ++i) pings += frame(FrameType::ping, 0, 0, "12345678");
    for (int i = 0; i < 1000; ++i) {
      if (!co_await raw.say(pings)) break;
      most = std::max(most, heap_bytes() - before);
    }
  });
  EXPECT_LT(most, 1'000'000u);
}

TEST(Attack27Floods, a_window_that_opens_byte_by_byte_is_closed) {
  Attack attack(
      20'000,
      [](int i) {
        return i == 0 ? request(1, get("/large"))
                      : frame(FrameType::window_update, 0, 1, number(1));
      },
      RawClient::setting(4, 0));
  EXPECT_TRUE(attack.was_calmed());
  EXPECT_LE(attack.count(FrameType::data), 3200u);
}

// --- HPACK -------------------------------------------------------------------------------------

TEST(Attack28Hpack, blocks_that_break_the_table_end_the_connection) {
  const std::string cases[] = {
      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",          // an index beyond all tables
      std::string("\x80", 1),                              // index 0
      std::string("\x3f\xff\xff\xff\x7f", 5),              // a table larger than we allow
      std::string("\x00\x85\xff\xff\xff\xff\xff\x00", 8),  // Huffman code with EOS
      std::string("\x00\x7f\xff\xff\xff\x7f", 6),          // a name of 256 MiB
      literal("a", "b") + "\x20",                          // a size update after a field
  };
  for (const std::string& block : cases) {
    Attack attack(1, [&](int) {
      return frame(FrameType::headers, kEndHeaders | kEndStream, 1, literals(get()) + block);
    });
    EXPECT_EQ(attack.goaway, Reason::compression_error);
    EXPECT_EQ(attack.connected.service.answers_.begun, 0);
    EXPECT_LT(attack.most, 500'000u);
  }
}

TEST(Attack28Hpack, a_table_that_is_filled_and_emptied_stays_small) {
  Attack attack(300, [](int i) {
    std::string block = literals(get());
    for (int n = 0; n < 90; ++n) {
      std::string entry = literal("x" + std::to_string(n), "v");
      entry[0] = '\x40';
      block += entry;
    }
    return frame(FrameType::headers, kEndHeaders | kEndStream,
                 static_cast<std::uint32_t>(2 * i + 1), "\x20\x3f\xe1\x1f" + block);
  });
  EXPECT_EQ(attack.connected.service.answers_.begun, 300);
  EXPECT_LT(attack.most, 6'000'000u);
}

// --- states ------------------------------------------------------------------------------------

// A reset at every moment of an exchange's life; the sanitizers watch.
TEST(Attack29StreamState, a_reset_at_any_moment_ends_one_exchange_and_nothing_else) {
  for (int delay = 0; delay < 60; ++delay) {
    for (std::string_view path : {"/echo", "/slow", "/hang", "/trailers", "/interim", "/early"}) {
      Connected connected(static_cast<std::uint64_t>(delay));
      connected.service.answers_.large = 40'000;
      connected.talk([&](Client& client) -> Task<void> {
        Fields fields = post(std::string(path));
        RecordingStream& stream = client.peer.request(fields, std::string(30'000, 'b'), false);
        RecordingStream& other = client.peer.request(post("/echo"), std::string(30'000, 'o'));
        co_await client.say();
        co_await connected.loop.sleep_for(std::chrono::microseconds(delay * 50));
        if (delay % 3 == 0) co_await client.until([&] { return true; });
        client.peer.engine.reset(stream, Reason::cancel);
        EXPECT_TRUE(co_await client.until([&] { return other.closed; }));
        EXPECT_EQ(other.body.size(), 30'000u);
      });
      EXPECT_EQ(connected.service.counters_.open.value(), 0u);
      EXPECT_EQ(connected.world.check_clean(), "");
    }
  }
}

TEST(Attack29StreamState, a_connection_that_breaks_at_any_moment_leaves_nothing_behind) {
  for (int bytes = 0; bytes < 2000; bytes += 13) {
    Connected connected(static_cast<std::uint64_t>(bytes));
    connected.talk([&](Client& client) -> Task<void> {
      std::string all = RawClient::hello();
      for (std::uint32_t i = 0; i < 5; ++i) {
        all += request(2 * i + 1, post(i % 2 == 0 ? "/echo" : "/slow"), false);
        all += frame(FrameType::data, kEndStream, 2 * i + 1, std::string(200, 'x'));
      }
      RawClient raw(client);
      co_await raw.say(all.substr(0, static_cast<std::size_t>(bytes)));
      if (bytes % 2 == 0) client.stream().reset_on_close();
    });
    EXPECT_EQ(connected.service.answers_.begun, connected.service.ended_);
    EXPECT_EQ(connected.world.check_clean(), "");
  }
}

}  // namespace
}  // namespace weir::h2
