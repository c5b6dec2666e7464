#include "http/trace.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "http/derived_exchange.h"
#include "io/sim/loop.h"
#include "io/testing.h"

namespace weir {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kTrace = "0af7651916cd43dd8448eb211c80319c";
constexpr std::string_view kSampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
constexpr std::string_view kUnsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
constexpr std::uint64_t kAll = trace_share(1);

struct Kept final : TraceSink {
  void trace_ended(const Trace& trace, Exchange&) override {
    ++traces;
    left_out = trace.left_out();
    for (const TraceSpan* span = &trace.root(); span != nullptr; span = span->next) {
      spans.push_back(*span);
    }
  }
  int traces = 0;
  std::uint16_t left_out = 0;
  std::vector<TraceSpan> spans;
};

Task<void> sleep(SimLoop& loop, Duration time) {
  (void)co_await loop.sleep_for(time, loop.stopping());
}

class TraceTest : public ::testing::Test {
 protected:
  Exchange& begin(TraceRules rules, bool trusted = true) {
    exchange.set_peer_trusted(trusted);
    exchange.outcome().started = loop.now();
    Trace::begin(exchange, rules, kept);
    return exchange;
  }
  void send(std::string_view name, std::string_view value) {
    exchange.request().headers.add(name, value);
  }
  Trace& trace() { return *exchange.span()->trace; }
  std::string told(const TraceSpan& span) {
    Headers headers(exchange.arena());
    headers.add("traceparent", "of the client");
    trace().write_fields(span, headers);
    std::string text(headers.get(HeaderId::traceparent));
    if (headers.has("tracestate")) text += " " + std::string(headers.get("tracestate"));
    return text;
  }

  SimWorld world{1};
  SimLoop& loop = world.add_loop();
  ConnectionFacts nobody;
  StopSource client;
  Kept kept;
  Exchange exchange{loop, nobody, client.token()};
};

TEST_F(TraceTest, OfATrustedCallerIsContinued) {
  send("traceparent", kSampled);
  send("tracestate", "a=1");
  send("tracestate", "b=2");
  begin({.share = 0});
  EXPECT_EQ(trace().id_text(), kTrace);
  EXPECT_TRUE(trace().sampled()) << "whatever is drawn here";
  std::string told_on = told(trace().root());
  EXPECT_EQ(told_on,
            "00-" + std::string(kTrace) + "-" + std::string(trace().span_text()) + "-01 a=1,b=2");
  EXPECT_FALSE(exchange.request().headers.has("traceparent"));
  EXPECT_FALSE(exchange.request().headers.has("tracestate"));
  exchange.finish_idle();
  ASSERT_EQ(kept.traces, 1);
  EXPECT_EQ(kept.spans[0].parent, 0xb7ad6b7169203331);
  EXPECT_EQ(kept.spans[0].kind, SpanKind::server);
}

TEST_F(TraceTest, OfACallerThatDoesNotSampleIsContinuedUnseen) {
  send("traceparent", kUnsampled);
  begin({.share = kAll});
  trace().draw(kAll);
  EXPECT_FALSE(trace().sampled());
  EXPECT_TRUE(told(trace().root()).ends_with("-00"));
  EXPECT_EQ(trace().begin_span(trace().root(), SpanKind::client, {}), nullptr);
  exchange.finish_idle();
  EXPECT_EQ(kept.traces, 0);
}

TEST_F(TraceTest, OfAStrangerIsNotContinuedButReplaced) {
  send("traceparent", kSampled);
  send("tracestate", "a=1");
  begin({.share = 0}, /*trusted=*/false);
  EXPECT_NE(trace().id_text(), kTrace);
  EXPECT_FALSE(trace().sampled());
  EXPECT_FALSE(exchange.request().headers.has("traceparent"));
  EXPECT_FALSE(told(trace().root()).ends_with("a=1"));
}

TEST_F(TraceTest, OfAStrangerIsContinuedWhereTheConfigurationSaysSo) {
  send("traceparent", kSampled);
  begin({.trust_anyone = true}, /*trusted=*/false);
  EXPECT_EQ(trace().id_text(), kTrace);
}

TEST_F(TraceTest, BeginsAnewWhenTheFieldIsBrokenOrThereTwice) {
  send("traceparent", kSampled);
  send("traceparent", kUnsampled);
  send("tracestate", "a=1");
  begin({.share = kAll});
  EXPECT_NE(trace().id_text(), kTrace);
  EXPECT_EQ(trace().root().parent, 0u);
  EXPECT_EQ(told(trace().root()).size(), kTraceParentSize) << "and the state of it is dropped";
}

TEST_F(TraceTest, IsSampledAsOftenAsItsShareSays) {
  int sampled = 0;
  for (int i = 0; i < 4000; ++i) {
    Exchange each(loop, nobody, client.token());
    Trace::begin(each, {.share = trace_share(0.25)}, kept);
    sampled += each.span()->trace->sampled() ? 1 : 0;
    each.finish_idle();
  }
  EXPECT_EQ(kept.traces, sampled);
  EXPECT_NEAR(sampled, 1000, 150);
}

TEST_F(TraceTest, IsDrawnAgainWithTheShareOfItsRoute) {
  begin({.share = 0});
  EXPECT_FALSE(trace().sampled());
  trace().draw(kAll);
  EXPECT_TRUE(trace().sampled());
  trace().draw(0);
  EXPECT_FALSE(trace().sampled());
}

TEST_F(TraceTest, ThatWasNotDrawnIsKeptForAnError) {
  begin({.keep_errors = true});
  EXPECT_TRUE(told(trace().root()).ends_with("-00"));
  TraceSpan* attempt = trace().begin_span(trace().root(), SpanKind::client, {});
  ASSERT_NE(attempt, nullptr);
  exchange.outcome().status = 502;
  exchange.finish_idle();
  EXPECT_EQ(kept.spans.size(), 2u);
}

TEST_F(TraceTest, IsKeptForAnAttemptThatFailedAlthoughAnotherSavedTheRequest) {
  begin({.keep_errors = true});
  trace().begin_span(trace().root(), SpanKind::client, {})->error = ErrorCode::refused;
  trace().begin_span(trace().root(), SpanKind::client, {})->status = 200;
  exchange.outcome().status = 200;
  exchange.finish_idle();
  EXPECT_EQ(kept.traces, 1);
}

TEST_F(TraceTest, IsNotKeptForWhatTheClientDid) {
  begin({.keep_errors = true});
  trace().begin_span(trace().root(), SpanKind::client, {})->error = ErrorCode::client_gone;
  exchange.outcome().status = 404;
  exchange.outcome().error = Error(ErrorCode::client_gone, Origin::client);
  exchange.finish_idle();
  EXPECT_EQ(kept.traces, 0);
}

TEST_F(TraceTest, IsKeptWhenItTookAsLongAsIsSlow) {
  for (auto [took, traces] : {std::pair{milliseconds(99), 0}, {milliseconds(100), 1}}) {
    Exchange each(loop, nobody, client.token());
    each.outcome().started = loop.now();
    Trace::begin(each, {.keep_slow = milliseconds(100)}, kept);
    world.spawn(loop, sleep(loop, took));  // its clock goes by what happens
    world.run();
    each.finish_idle();
    EXPECT_EQ(kept.traces, traces) << took.count();
  }
}

TEST_F(TraceTest, HasAtMostSoManySpansAndSaysHowManyItLeftOut) {
  begin({.share = kAll});
  for (int i = 1; i < Trace::kMostSpans; ++i) {
    EXPECT_NE(trace().begin_span(trace().root(), SpanKind::client, {}), nullptr);
  }
  EXPECT_EQ(trace().begin_span(trace().root(), SpanKind::client, {}), nullptr);
  exchange.finish_idle();
  EXPECT_EQ(kept.spans.size(), Trace::kMostSpans);
  EXPECT_EQ(kept.left_out, 1);
}

TEST_F(TraceTest, OfADerivedExchangeOutlivesTheFirst) {
  send("traceparent", kSampled);
  send("tracestate", "a=1");
  begin({});
  Scope owner;
  auto derived = std::make_unique<DerivedExchange>(exchange, milliseconds(100), owner.token());
  Trace::follow(exchange, **derived, "cache fill");
  std::uint64_t first = exchange.span()->id;
  exchange.finish_idle();
  TraceSpan* span = (*derived)->span();
  EXPECT_EQ(span->trace->id_text(), kTrace);
  Headers headers((*derived)->arena());
  span->trace->write_fields(*span, headers);
  EXPECT_EQ(headers.get("tracestate"), "a=1");
  (*derived)->finish_idle();
  ASSERT_EQ(kept.spans.size(), 2u);
  EXPECT_EQ(kept.spans[1].name, "cache fill");
  EXPECT_EQ(kept.spans[1].parent, first);
  EXPECT_EQ(kept.spans[1].kind, SpanKind::internal);
}

}  // namespace
}  // namespace weir
