#include "http/traceparent.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

constexpr std::string_view kGood = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

std::string with(std::size_t at, char c) {
  std::string text(kGood);
  text[at] = c;
  return text;
}

std::string written(const TraceParent& parent) {
  std::string text(kTraceParentSize, '?');
  write_traceparent(parent, text.data());
  return text;
}

std::optional<std::string> state_of(std::initializer_list<std::string_view> fields) {
  Arena arena;
  Headers headers(arena);
  for (std::string_view each : fields) headers.add("TraceState", each);
  auto state = read_tracestate(headers);
  if (!state) return std::nullopt;
  return std::string(*state);
}

TEST(TraceParent, IsReadAndWrittenAsTheRecommendationShowsIt) {
  auto parent = parse_traceparent(kGood);
  ASSERT_TRUE(parent);
  EXPECT_EQ(parent->trace, (TraceId{0x0af7651916cd43dd, 0x8448eb211c80319c}));
  EXPECT_EQ(parent->span, 0xb7ad6b7169203331);
  EXPECT_TRUE(parent->sampled);
  EXPECT_EQ(written(*parent), kGood);
}

TEST(TraceParent, OfAFlagOnlySampledIsKnownAndWritten) {
  for (auto [flags, sampled] : {std::pair{'0', false}, {'2', false}, {'3', true}, {'f', true}}) {
    auto parent = parse_traceparent(with(54, flags));
    ASSERT_TRUE(parent) << flags;
    EXPECT_EQ(parent->sampled, sampled);
    EXPECT_EQ(written(*parent).substr(53), sampled ? "01" : "00");
  }
}

TEST(TraceParent, OfALaterVersionIsReadAsFarAsItIsKnown) {
  std::string later = "cc" + std::string(kGood.substr(2));
  EXPECT_TRUE(parse_traceparent(later));
  EXPECT_TRUE(parse_traceparent(later + "-what-the-future-will-be-like"));
  EXPECT_FALSE(parse_traceparent(later + ".what"));
  EXPECT_FALSE(parse_traceparent(later + "0"));
}

TEST(TraceParent, IsRefusedWhenAnythingIsWrong) {
  EXPECT_FALSE(parse_traceparent(""));
  EXPECT_FALSE(parse_traceparent(kGood.substr(0, 54)));
  EXPECT_FALSE(parse_traceparent(std::string(kGood) + "-00")) << "version 00 has an end";
  EXPECT_FALSE(parse_traceparent(std::string(kGood) + " "));
  EXPECT_FALSE(parse_traceparent("ff" + std::string(kGood.substr(2))));
  EXPECT_FALSE(parse_traceparent("00-00000000000000000000000000000000-b7ad6b7169203331-01"));
  EXPECT_FALSE(parse_traceparent("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"));
  for (std::size_t at = 0; at < kGood.size(); ++at) {
    EXPECT_FALSE(parse_traceparent(with(at, 'A'))) << at;
    EXPECT_FALSE(parse_traceparent(with(at, 'g'))) << at;
    if (kGood[at] == '-') EXPECT_FALSE(parse_traceparent(with(at, '0'))) << at;
  }
}

TEST(TraceState, OfSeveralFieldsIsOneListWithoutEmptyMembers) {
  EXPECT_EQ(state_of({"rojo=00f067aa0ba902b7 , ,congo=t61 rc WkgMzE"}),
            "rojo=00f067aa0ba902b7,congo=t61 rc WkgMzE");
  EXPECT_EQ(state_of({"a=1", "b=2,c=3"}), "a=1,b=2,c=3");
  EXPECT_EQ(state_of({"fw529a3039@dt=FfAAAAAABAg,1t@s=~"}), "fw529a3039@dt=FfAAAAAABAg,1t@s=~");
  EXPECT_EQ(state_of({}), std::nullopt);
  EXPECT_EQ(state_of({" , "}), std::nullopt);
}

TEST(TraceState, IsDroppedWhenAMemberIsWrong) {
  for (std::string_view wrong : {"a", "=1", "a=", "A=1", "1=1", "a b=1", "a=b=c", "a@=1", "@a=1",
                                 "a@1=1", "a@b@c=1", "a=1,a=2", "a=\x7f", "a=\xc3\xa4", "a=1\tb"}) {
    EXPECT_EQ(state_of({wrong}), std::nullopt) << wrong;
  }
  EXPECT_EQ(state_of({"a=1", "b=2,A=3", "c=4"}), std::nullopt);
}

TEST(TraceState, MayBeAsLongAsTheRecommendationSays) {
  auto key = [](std::size_t size) { return std::string(size, 'k') + "=1"; };
  EXPECT_TRUE(state_of({key(256)}));
  EXPECT_FALSE(state_of({key(257)}));
  EXPECT_TRUE(state_of({std::string(241, 't') + "@" + std::string(14, 's') + "=1"}));
  EXPECT_FALSE(state_of({std::string(242, 't') + "@s=1"}));
  EXPECT_FALSE(state_of({"t@" + std::string(15, 's') + "=1"}));
  EXPECT_TRUE(state_of({"a=" + std::string(256, 'v')}));
  EXPECT_FALSE(state_of({"a=" + std::string(257, 'v')}));
}

TEST(TraceState, HasAtMostThirtyTwoMembers) {
  std::string list;
  for (std::size_t i = 0; i < kMostTraceStates; ++i) list += "k" + std::to_string(i) + "=1,";
  EXPECT_TRUE(state_of({list}));
  EXPECT_FALSE(state_of({list + "last=1"}));
}

}  // namespace
}  // namespace weir
