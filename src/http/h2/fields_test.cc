#include "http/h2/fields.h"

#include <gtest/gtest.h>

#include <string>

#include "http/h2/testing.h"

namespace weir::h2 {
namespace {

using testing::Fields;
using testing::get;

/// A block of fields read as a request.
struct Read {
  explicit Read(const Fields& fields, const FieldLimits& limits = {}) : request(arena) {
    block.begin(HeadKind::request, Origin::client, &request.headers, limits);
    for (const auto& [name, value] : fields) block.add(name, value);
    block.end();
    made = make_request(block, {}, request);
  }
  ErrorCode error() const { return made ? ErrorCode::none : made.error().code; }
  Arena arena;
  Request request;
  FieldBlock block;
  Status made;
};

Fields with(Fields fields, std::string name, std::string value) {
  fields.emplace_back(std::move(name), std::move(value));
  return fields;
}

Fields without(Fields fields, std::string_view name) {
  std::erase_if(fields, [&](const auto& field) { return field.first == name; });
  return fields;
}

Fields replace(Fields fields, std::string_view name, std::string value) {
  for (auto& field : fields) {
    if (field.first == name) field.second = value;
  }
  return fields;
}

ErrorCode error(const Fields& fields) { return Read(fields).error(); }

using enum ErrorCode;

TEST(H2Fields, become_a_request) {
  Read read(with(with(get("/a/../b?c=d"), "accept", "*/*"), "x-own", "1"));
  ASSERT_EQ(read.error(), none);
  EXPECT_EQ(read.request.method, Method::get);
  EXPECT_EQ(read.request.target.path, "/b");
  EXPECT_EQ(read.request.target.query, "c=d");
  EXPECT_EQ(read.request.authority.text, "a.example");
  EXPECT_EQ(read.request.headers.get(HeaderId::host), "a.example");
  EXPECT_EQ(read.request.headers.get(HeaderId::accept), "*/*");
  EXPECT_EQ(read.request.headers[0].name(), "Accept");
  EXPECT_EQ(read.request.headers.get("X-Own"), "1");
  EXPECT_TRUE(read.request.upgrade.empty());
}

TEST(H2Fields, need_every_pseudo_header_field_once) {
  for (std::string_view name : {":method", ":scheme", ":path"}) {
    EXPECT_EQ(error(without(get(), name)), bad_framing) << name;
    Fields twice = get();
    twice.insert(twice.begin(), {std::string(name), "GET"});
    EXPECT_EQ(error(twice), bad_framing) << name;
  }
  EXPECT_EQ(error(without(get(), ":authority")), bad_host);
  EXPECT_EQ(error(with(without(get(), ":authority"), "host", "a.example")), none);
}

TEST(H2Fields, take_no_pseudo_header_field_that_they_do_not_know) {
  for (std::string_view name : {":status", ":foo", ":", ":Method", ":path "}) {
    Fields fields = get();
    fields.insert(fields.begin(), {std::string(name), "200"});
    EXPECT_EQ(error(fields), bad_framing) << name;
  }
}

TEST(H2Fields, take_no_pseudo_header_field_after_others) {
  Fields fields = without(get(), ":path");
  fields.emplace_back("accept", "*/*");
  fields.emplace_back(":path", "/");
  EXPECT_EQ(error(fields), bad_framing);
}

TEST(H2Fields, check_method_path_and_scheme) {
  EXPECT_EQ(error(replace(get(), ":method", "GET /x HTTP/1.1")), bad_framing);
  EXPECT_EQ(error(replace(get(), ":method", "")), bad_framing);
  EXPECT_EQ(error(replace(get(), ":method", std::string(33, 'M'))), unsupported);
  EXPECT_EQ(error(replace(get(), ":path", "")), bad_framing);
  EXPECT_EQ(error(replace(get(), ":path", "x")), bad_framing);
  EXPECT_EQ(error(replace(get(), ":path", "http://b.example/")), bad_framing);
  EXPECT_EQ(error(replace(get(), ":path", "*")), bad_framing);
  EXPECT_EQ(error(replace(replace(get(), ":path", "*"), ":method", "OPTIONS")), none);
  EXPECT_EQ(error(replace(get(), ":path", "/ x")), bad_target);
  EXPECT_EQ(error(replace(get(), ":path", "/x#f")), bad_target);
  EXPECT_EQ(error(replace(get(), ":scheme", "ftp")), bad_target);
  EXPECT_EQ(error(replace(get(), ":scheme", "https")), none);
}

TEST(H2Fields, let_authority_win_and_host_agree) {
  EXPECT_EQ(error(with(get(), "host", "a.example")), none);
  EXPECT_EQ(error(with(get(), "host", "A.example.")), none);  // the same after normalisation
  EXPECT_EQ(error(with(get(), "host", "b.example")), bad_framing);
  EXPECT_EQ(error(with(get(), "host", "a.example:81")), bad_framing);
  EXPECT_EQ(error(with(with(get(), "host", "a.example"), "host", "a.example")), bad_framing);
  EXPECT_EQ(error(replace(get(), ":authority", "user@a.example")), bad_host);
  EXPECT_EQ(error(replace(get(), ":authority", "")), bad_host);
}

TEST(H2Fields, take_no_field_of_a_connection) {
  for (std::string_view name :
       {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}) {
    EXPECT_EQ(error(with(get(), std::string(name), "close")), bad_framing) << name;
  }
  EXPECT_EQ(error(with(get(), "te", "gzip")), bad_framing);
  EXPECT_EQ(error(with(get(), "te", "trailers, gzip")), bad_framing);
  Read read(with(get(), "te", "trailers"));
  EXPECT_EQ(read.error(), none);
  EXPECT_TRUE(read.request.te_trailers);
}

TEST(H2Fields, check_every_byte_of_names_and_values) {
  for (std::string_view name : {"", "X-Upper", "a b", "a:b", "a\r\nb", "\xc3\xa4"}) {
    EXPECT_EQ(error(with(get(), std::string(name), "v")), bad_framing) << name;
  }
  for (int c = 0; c < 256; ++c) {
    std::string value = std::string("0123456789") + static_cast<char>(c) + "0123456789";
    bool good = c == '\t' || (c >= 0x20 && c != 0x7f);
    EXPECT_EQ(error(with(get(), "x", value)), good ? none : bad_framing) << c;
  }
  for (std::string_view value : {" v", "v ", "\tv", "v\t", " "}) {
    EXPECT_EQ(error(with(get(), "x", std::string(value))), bad_framing) << value;
  }
  EXPECT_EQ(error(with(get(), "x", "")), none);
}

TEST(H2Fields, take_one_content_length_of_digits) {
  Read read(with(get(), "content-length", "12"));
  EXPECT_EQ(read.block.content_length, 12u);
  for (std::string_view value : {"", "+1", "-1", "0x1", "1,1", "1 1", "99999999999999999999"}) {
    EXPECT_EQ(error(with(get(), "content-length", std::string(value))), bad_framing) << value;
  }
  EXPECT_EQ(error(with(with(get(), "content-length", "1"), "content-length", "1")), bad_framing);
}

TEST(H2Fields, expect_only_100_continue) {
  Read read(with(get(), "expect", "100-Continue"));
  EXPECT_EQ(read.error(), none);
  EXPECT_TRUE(read.block.expects_continue);
  EXPECT_EQ(error(with(get(), "expect", "200-ok")), expectation_failed);
}

TEST(H2Fields, join_the_crumbs_of_a_cookie) {
  Fields fields = with(with(with(get(), "cookie", "a=1"), "accept", "*/*"), "cookie", "b=2");
  Read read(with(fields, "cookie", "c=3"));
  EXPECT_EQ(read.request.headers.count(HeaderId::cookie), 1u);
  EXPECT_EQ(read.request.headers.get(HeaderId::cookie), "a=1; b=2; c=3");
}

TEST(H2Fields, are_limited_in_number_and_in_bytes) {
  FieldLimits limits{.list_bytes = 4096, .count = 10, .cookie_crumbs = 3};
  Fields fields = get();
  for (int i = 0; i < 10; ++i) fields.emplace_back("x", "");
  EXPECT_EQ(Read(fields, limits).error(), none);
  EXPECT_EQ(Read(with(fields, "x", ""), limits).error(), head_too_large);
  Fields crumbs = get();
  for (int i = 0; i < 3; ++i) crumbs.emplace_back("cookie", "c");
  EXPECT_EQ(Read(crumbs, limits).error(), none);
  EXPECT_EQ(Read(with(crumbs, "cookie", "c"), limits).error(), head_too_large);
  std::size_t used = 0;
  for (const auto& [name, value] : get()) used += name.size() + value.size() + 32;
  std::size_t left = 4096 - used - 32 - 1;
  EXPECT_EQ(Read(with(get(), "x", std::string(left, 'v')), limits).error(), none);
  EXPECT_EQ(Read(with(get(), "x", std::string(left + 1, 'v')), limits).error(), head_too_large);
}

TEST(H2Fields, of_connect_name_an_authority_only) {
  Fields connect = {{":method", "CONNECT"}, {":authority", "b.example:443"}};
  Read read(connect);
  ASSERT_EQ(read.error(), none);
  EXPECT_EQ(read.request.method, Method::connect);
  EXPECT_EQ(read.request.target.authority.text, "b.example:443");
  Fields more = connect;
  more.emplace_back(":path", "/");
  EXPECT_EQ(error(more), bad_framing);
  EXPECT_EQ(error({{":method", "CONNECT"}}), bad_framing);
  EXPECT_EQ(error(with(connect, "content-length", "1")), bad_framing);
}

TEST(H2Fields, of_an_extended_connect_become_an_upgrade) {
  Fields fields = replace(get("/chat"), ":method", "CONNECT");
  Fields websocket = fields;
  websocket.insert(websocket.begin(), {":protocol", "websocket"});
  Read read(websocket);
  ASSERT_EQ(read.error(), none);
  EXPECT_EQ(read.request.method, Method::get);
  EXPECT_EQ(read.request.method_text, "GET");
  EXPECT_EQ(read.request.upgrade, "websocket");
  EXPECT_EQ(read.request.target.path, "/chat");
  Fields h2c = fields;
  h2c.insert(h2c.begin(), {":protocol", "h2c"});
  EXPECT_EQ(error(h2c), unsupported);
  Fields no_token = fields;
  no_token.insert(no_token.begin(), {":protocol", "web socket"});
  EXPECT_EQ(error(no_token), bad_framing);
  Fields no_connect = get();
  no_connect.insert(no_connect.begin(), {":protocol", "websocket"});
  EXPECT_EQ(error(no_connect), bad_framing);
  EXPECT_EQ(error(without(websocket, ":authority")), bad_framing);
}

TEST(H2Fields, of_trailers_are_filtered_and_have_no_pseudo_header_fields) {
  Arena arena;
  Headers headers(arena);
  FieldBlock block;
  block.begin(HeadKind::trailers, Origin::client, &headers, {});
  block.add("grpc-status", "0");
  block.add("x-forwarded-for", "10.0.0.1");
  block.add("authorization", "secret");
  block.end();
  EXPECT_EQ(block.error().code, none);
  ASSERT_EQ(headers.size(), 1u);
  block.begin(HeadKind::trailers, Origin::client, &headers, {});
  block.add(":path", "/");
  EXPECT_EQ(block.error().code, bad_framing);
}

TEST(H2Fields, of_responses_have_one_status) {
  auto read = [](const Fields& fields) {
    Arena arena;
    Headers headers(arena);
    FieldBlock block;
    block.begin(HeadKind::response, Origin::upstream, &headers, {});
    for (const auto& [name, value] : fields) block.add(name, value);
    block.end();
    return block.error().code == none ? static_cast<int>(block.status) : -1;
  };
  EXPECT_EQ(read({{":status", "200"}, {"x", "y"}}), 200);
  EXPECT_EQ(read({{":status", "103"}}), 103);
  for (std::string_view status : {"101", "099", "20", "2000", "2x0", "", "+20"}) {
    EXPECT_EQ(read({{":status", std::string(status)}}), -1) << status;
  }
  EXPECT_EQ(read({{"x", "y"}}), -1);
  EXPECT_EQ(read({{":status", "200"}, {":status", "200"}}), -1);
  EXPECT_EQ(read({{":status", "200"}, {":path", "/"}}), -1);
  EXPECT_EQ(read({{":status", "200"}, {"connection", "close"}}), -1);
}

std::string text(const FieldList& list) {
  std::string out;
  for (const WireField& field : list.span()) {
    out.append(field.name).append("=").append(field.value).append("\n");
  }
  return out;
}

TEST(H2Fields, of_a_response_leave_in_lower_case_without_what_is_ours) {
  Arena arena;
  Response response(arena);
  response.headers.add("X-Mixed-Case", "Value");
  response.headers.add(HeaderId::content_type, " text/plain ");
  response.headers.add(HeaderId::connection, "close");
  response.headers.add(HeaderId::transfer_encoding, "chunked");
  response.headers.add(HeaderId::content_length, "99");
  auto fields = response_fields(response, 200, {.length = 7, .date = "now"}, arena);
  ASSERT_TRUE(fields);
  EXPECT_EQ(text(*fields),
            ":status=200\ndate=now\nx-mixed-case=Value\ncontent-type=text/plain\n"
            "content-length=7\n");
}

TEST(H2Fields, with_a_forbidden_byte_never_leave) {
  Arena arena;
  for (const std::string& value :
       {std::string("a\r\nb"), std::string("a\nb"), std::string("a\0b", 3)}) {
    Response response(arena);
    response.headers.add("x", value);
    EXPECT_EQ(response_fields(response, 200, {}, arena).error().code, internal);
  }
  Response response(arena);
  response.headers.add("x y", "v");
  EXPECT_EQ(response_fields(response, 200, {}, arena).error().code, internal);
}

TEST(H2Fields, of_a_request_leave_with_pseudo_header_fields_first) {
  Arena arena;
  Headers headers(arena);
  headers.add(HeaderId::host, "other.example");
  headers.add(HeaderId::user_agent, "test");
  RequestParts parts{.method = "POST",
                     .scheme = "http",
                     .authority = "a.example",
                     .path = "/x?y",
                     .protocol = {},
                     .length = 3,
                     .te_trailers = true};
  auto fields = request_fields(parts, headers, arena);
  ASSERT_TRUE(fields);
  EXPECT_EQ(text(*fields),
            ":method=POST\n:scheme=http\n:path=/x?y\n:authority=a.example\n"
            "user-agent=test\ncontent-length=3\nte=trailers\n");
  parts.path = "/x y";
  EXPECT_FALSE(request_fields(parts, headers, arena));
}

TEST(H2Fields, of_tunnels_leave_as_connect) {
  Arena arena;
  Headers headers(arena);
  RequestParts parts{.method = "GET",
                     .scheme = "https",
                     .authority = "a.example",
                     .path = "/c",
                     .protocol = "websocket",
                     .length = {},
                     .te_trailers = false};
  EXPECT_EQ(text(*request_fields(parts, headers, arena)),
            ":method=CONNECT\n:protocol=websocket\n:scheme=https\n:path=/c\n"
            ":authority=a.example\n");
  parts.method = "CONNECT";
  parts.protocol = {};
  parts.authority = "b.example:443";
  EXPECT_EQ(text(*request_fields(parts, headers, arena)),
            ":method=CONNECT\n:authority=b.example:443\n");
}

TEST(H2Priority, is_read_as_far_as_it_is_understood) {
  auto read = [](std::string_view value) {
    Priority priority = parse_priority(value);
    return priority.urgency * 10 + (priority.incremental ? 1 : 0);
  };
  EXPECT_EQ(read(""), 30);
  EXPECT_EQ(read("u=5"), 50);
  EXPECT_EQ(read("u=0, i"), 1);
  EXPECT_EQ(read("i, u=7"), 71);
  EXPECT_EQ(read("i=?0"), 30);
  EXPECT_EQ(read("i=?1;x=y"), 31);
  EXPECT_EQ(read("u=8"), 30);
  EXPECT_EQ(read("u=-1, x=3, i"), 31);
}

}  // namespace
}  // namespace weir::h2
