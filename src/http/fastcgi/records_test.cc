#include "http/fastcgi/records.h"

#include <gmock/gmock.h>

#include "http/fastcgi/testing.h"
#include "http/h1/testing.h"

namespace weir::fastcgi {
namespace {

using h1::testing::ExactBytes;
using test::end_request;
using test::error_output;
using test::output;
using test::record;
using ::testing::HasSubstr;
using Kind = RecordReader::Step::Kind;

struct Read {
  std::string output;
  std::string error_output;
  bool ended = false;
  std::size_t consumed = 0;
  ErrorCode error = ErrorCode::none;
  EndRequest end;
};

/// Reads `bytes` as they come in pieces of `piece` bytes.
Read read(std::string_view bytes, std::size_t piece = std::string_view::npos) {
  RecordReader reader;
  Read result;
  while (!bytes.empty() && !result.ended) {
    ExactBytes came(bytes.substr(0, piece));
    bytes.remove_prefix(came.view().size());
    std::string_view rest = came.view();
    while (!rest.empty() && !result.ended) {
      auto step = reader.next(rest);
      if (!step) {
        result.error = step.error().code;
        EXPECT_EQ(step.error().origin, Origin::upstream);
        return result;
      }
      if (step->kind == Kind::output) result.output += step->data;
      if (step->kind == Kind::error_output) result.error_output += step->data;
      result.ended = step->kind == Kind::end;
      if (step->kind == Kind::more) EXPECT_EQ(step->consumed, rest.size());
      result.consumed += step->consumed;
      rest.remove_prefix(step->consumed);
    }
  }
  if (result.ended) result.end = reader.end();
  return result;
}

TEST(RecordReader, gives_what_was_written_however_it_comes) {
  std::string text = output("hel", 5) + error_output("warning") + output("lo") + output("") +
                     error_output("") + end_request();
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    Read got = read(text, piece);
    EXPECT_EQ(got.output, "hello") << piece;
    EXPECT_EQ(got.error_output, "warning") << piece;
    EXPECT_TRUE(got.ended) << piece;
    EXPECT_EQ(got.consumed, text.size()) << piece;
  }
}

TEST(RecordReader, reads_the_longest_record_and_the_longest_padding) {
  std::string most(kMaxContent, 'x');
  Read got = read(output(most, 255) + output("y") + record(3, std::string(8, '\0'), 255), 1000);
  EXPECT_EQ(got.output, most + "y");
  EXPECT_TRUE(got.ended);
}

TEST(RecordReader, stops_behind_the_end_of_the_request) {
  std::string text = output("a") + end_request();
  Read got = read(text + "more");
  EXPECT_TRUE(got.ended);
  EXPECT_EQ(got.consumed, text.size());
}

TEST(RecordReader, tells_how_the_request_ended) {
  EXPECT_EQ(read(end_request(0)).end.protocol, ProtocolStatus::complete);
  EXPECT_EQ(read(end_request(2)).end.protocol, ProtocolStatus::overloaded);
  EXPECT_EQ(read(end_request(3)).end.protocol, ProtocolStatus::unknown_role);
  EXPECT_EQ(read(record(3, std::string("\x01\x02\x03\x04\0\0\0\0", 8))).end.application,
            0x01020304u);
}

TEST(RecordReader, has_not_ended_while_a_byte_of_the_end_is_missing) {
  std::string text = output("a") + end_request();
  for (std::size_t size = 0; size < text.size(); ++size) {
    Read got = read(std::string_view(text).substr(0, size));
    EXPECT_FALSE(got.ended) << size;
    EXPECT_EQ(got.error, ErrorCode::none) << size;
  }
}

TEST(RecordReader, refuses_what_no_responder_sends) {
  for (const std::string& text : {record(6, "x", 0, 1, 2),
                                  record(6, "x", 0, 1, 0),
                                  record(6, "x", 0, 2),
                                  record(6, "x", 0, 0),
                                  record(1, std::string(8, '\0')),
                                  record(2, ""),
                                  record(4, "x"),
                                  record(5, "x"),
                                  record(8, "x"),
                                  record(10, "x"),
                                  record(11, std::string(8, '\0')),
                                  record(0, ""),
                                  record(255, ""),
                                  record(3, std::string(7, '\0')),
                                  record(3, std::string(9, '\0')),
                                  record(3, ""),
                                  end_request(4),
                                  output("") + output("x"),
                                  output("") + output(""),
                                  error_output("") + error_output("x")}) {
    EXPECT_EQ(read(text).error, ErrorCode::bad_framing) << ::testing::PrintToString(text);
    EXPECT_EQ(read(text, 1).error, ErrorCode::bad_framing) << ::testing::PrintToString(text);
  }
}

TEST(RequestRecords, say_role_and_whether_the_connection_is_kept) {
  auto bytes = begin_request(true);
  EXPECT_EQ(std::string_view(bytes.data(), bytes.size()),
            record(1, std::string_view("\0\1\1\0\0\0\0\0", 8)));
  bytes = begin_request(false);
  EXPECT_EQ(std::string_view(bytes.data(), bytes.size()),
            record(1, std::string_view("\0\1\0\0\0\0\0\0", 8)));
  auto header = record_header(RecordType::standard_input, kMaxContent);
  EXPECT_EQ(std::string_view(header.data(), header.size()),
            std::string_view("\1\5\0\1\xff\xff\0\0", 8));
}

}  // namespace
}  // namespace weir::fastcgi
