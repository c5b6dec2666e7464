// Attack classes on HTTP/1 framing, as far as the engine decides them; one test or more for
// each. What a session must do beyond (close, drain, hold bytes back) is tested with it.
#include <gtest/gtest.h>

#include <string>

#include "http/h1/testing.h"
#include "http/h1/writer.h"
#include "http/target.h"

namespace weir::h1 {
namespace {

using testing::Decoded;
using testing::frame_request;
using testing::frame_response;
using testing::get;
using testing::post;
using testing::request_error;
using testing::Response;
using testing::response_error;

using enum ErrorCode;

TEST(Attack01LengthAndCoding, both_in_one_request_are_refused_in_either_order) {
  EXPECT_EQ(request_error(post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")),
            bad_framing);
  EXPECT_EQ(request_error(post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")),
            bad_framing);
  EXPECT_EQ(request_error(post("transfer-ENCODING: chunked\r\ncontent-LENGTH: 0\r\n")),
            bad_framing);
  EXPECT_EQ(request_error(post("Content-Length: 5\r\nTransfer-Encoding: identity\r\n")),
            bad_framing);
}

TEST(Attack01LengthAndCoding, both_in_one_response_are_refused) {
  EXPECT_EQ(response_error("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n"),
            bad_framing);
}

TEST(Attack01LengthAndCoding, a_name_longer_than_any_length_field_does_not_wrap_around) {
  std::string name = "Content-Length0" + std::string(300, 'a') + ":\r\n";
  auto framing = frame_request(post(name + "Content-Length: 60\r\n"));
  ASSERT_TRUE(framing);
  EXPECT_EQ(framing->length, 60u);
}

TEST(Attack02ObfuscatedCoding, only_the_token_chunked_alone_is_a_chunked_body) {
  for (std::string_view value : {"chunked", "Chunked", "CHUNKED", " chunked", "chunked \t"}) {
    auto framing = frame_request(post("Transfer-Encoding:" + std::string(value) + "\r\n"));
    ASSERT_TRUE(framing) << value;
    EXPECT_EQ(framing->kind, Framing::Kind::chunked) << value;
  }
}

TEST(Attack02ObfuscatedCoding, unknown_codings_are_not_implemented) {
  for (std::string_view value :
       {"xchunked", "chunkedx", "identity", "gzip", "gzip, chunked", "deflate,chunked"}) {
    EXPECT_EQ(request_error(post("Transfer-Encoding: " + std::string(value) + "\r\n")), unsupported)
        << value;
  }
}

TEST(Attack02ObfuscatedCoding, malformed_lists_are_bad_requests) {
  for (std::string_view value :
       {"", ",", "chunked,", ",chunked", "chunked;ext", "chunked;q=1", "\"chunked\"",
        "chunked,gzip", "chunked, chunked", "chunked, identity", "chunked\x80", "chun ked",
        "chunked\tx", "\tchunked,"}) {
    EXPECT_EQ(request_error(post("Transfer-Encoding: " + std::string(value) + "\r\n")), bad_framing)
        << value;
  }
  EXPECT_EQ(request_error(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
            bad_framing);
  EXPECT_EQ(request_error(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n")),
            bad_framing);
  EXPECT_EQ(request_error(post("Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n")),
            bad_framing);
}

TEST(Attack02ObfuscatedCoding, control_characters_around_the_token_are_refused) {
  for (std::string_view value : {"\vchunked", "chunked\v", "\fchunked", "chunked\x7f"}) {
    EXPECT_EQ(request_error(post("Transfer-Encoding: " + std::string(value) + "\r\n")), parse);
  }
  EXPECT_EQ(request_error(post("Transfer-Encoding: chunked" + std::string(1, '\0') + "\r\n")),
            parse);
  EXPECT_EQ(request_error(post("Transfer-Encoding : chunked\r\n")), parse);
  EXPECT_EQ(request_error(post(" Transfer-Encoding: chunked\r\n")), parse);
  EXPECT_EQ(request_error(post("Transfer-Encoding\t: chunked\r\n")), parse);
}

TEST(Attack02ObfuscatedCoding, an_alias_with_underscore_is_another_field) {
  auto framing = frame_request(post("Transfer_Encoding: chunked\r\nContent-Length: 3\r\n"));
  ASSERT_TRUE(framing);
  EXPECT_EQ(framing->kind, Framing::Kind::length);
}

TEST(Attack02ObfuscatedCoding, the_same_rules_hold_for_responses) {
  EXPECT_EQ(response_error("HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n"), unsupported);
  EXPECT_EQ(response_error("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n"),
            bad_framing);
}

TEST(Attack03OldVersion, transfer_encoding_in_http_1_0_is_refused) {
  EXPECT_EQ(request_error("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), bad_framing);
  EXPECT_EQ(response_error("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), bad_framing);
}

TEST(Attack03OldVersion, a_request_body_never_ends_with_the_connection) {
  for (std::string_view head : {"POST / HTTP/1.0\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
                                "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"}) {
    auto framing = frame_request(head);
    ASSERT_TRUE(framing);
    EXPECT_EQ(framing->kind, Framing::Kind::none);
  }
}

TEST(Attack04ZeroLengthDesync, folded_lines_are_refused) {
  EXPECT_EQ(request_error(post("Content-Length:\r\n 5\r\n")), parse);
  EXPECT_EQ(request_error(post("X: a\r\n\tb\r\n")), parse);
  EXPECT_EQ(request_error("OPTIONS / HTTP/1.1\r\nHost: a\r\nExpect:\r\n 100-continue\r\n\r\n"),
            parse);
  EXPECT_EQ(request_error("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), parse);
}

TEST(Attack04ZeroLengthDesync, only_100_continue_may_be_expected) {
  for (std::string_view value :
       {"", "y 100-continue", "100-continue, x", "100-continue,100-continue", "100", "200-ok",
        "100-continue;q=1"}) {
    EXPECT_EQ(request_error(post("Content-Length: 5\r\nExpect: " + std::string(value) + "\r\n")),
              expectation_failed)
        << value;
  }
  EXPECT_EQ(request_error(post("Content-Length: 5\r\nExpect: 100-continue\r\n"
                               "Expect: 100-continue\r\n")),
            expectation_failed);
  auto framing = frame_request(post("Content-Length: 5\r\nExpect: 100-CONTINUE\r\n"));
  ASSERT_TRUE(framing);
  EXPECT_TRUE(framing->expect_continue);
}

TEST(Attack04ZeroLengthDesync, a_body_counts_for_every_method) {
  for (std::string_view method : {"GET", "HEAD", "OPTIONS", "DELETE", "PROPFIND"}) {
    auto framing =
        frame_request(std::string(method) + " /x HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n");
    ASSERT_TRUE(framing);
    EXPECT_EQ(framing->length, 7u) << method;
    EXPECT_EQ(framing->kind, Framing::Kind::length) << method;
  }
  EXPECT_EQ(request_error("TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n"), bad_framing);
  EXPECT_EQ(request_error("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 7\r\n\r\n"),
            bad_framing);
}

TEST(Attack05UnreadBody, the_end_of_a_body_is_known_to_the_byte) {
  std::string body = "5\r\nhello\r\n0\r\n\r\n";
  std::string next = "GET /admin HTTP/1.1\r\n";
  Decoded decoded(body + next);
  EXPECT_TRUE(decoded.ended);
  EXPECT_EQ(decoded.consumed, body.size());
  Decoded unfinished(body.substr(0, body.size() - 1));
  EXPECT_FALSE(unfinished.decoder.done());
}

TEST(Attack06EarlyTunnel, a_request_never_starts_a_tunnel) {
  auto framing = frame_request(get("Connection: Upgrade\r\nUpgrade: websocket\r\n"));
  ASSERT_TRUE(framing);
  EXPECT_EQ(framing->kind, Framing::Kind::none);
  EXPECT_EQ(framing->upgrade, "websocket");
  auto connect = frame_request("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n");
  ASSERT_TRUE(connect);
  EXPECT_EQ(connect->kind, Framing::Kind::none);
}

TEST(Attack06EarlyTunnel, only_101_or_success_to_connect_does) {
  auto switching = frame_response(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
      "Upgrade: websocket\r\n\r\n");
  ASSERT_TRUE(switching);
  EXPECT_EQ(switching->kind, Framing::Kind::tunnel);
  for (std::string_view status : {"200", "204", "400", "426", "500"}) {
    auto other = frame_response("HTTP/1.1 " + std::string(status) +
                                " x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    ASSERT_TRUE(other);
    EXPECT_NE(other->kind, Framing::Kind::tunnel) << status;
  }
  EXPECT_EQ(frame_response("HTTP/1.1 200 OK\r\n\r\n", Method::connect)->kind,
            Framing::Kind::tunnel);
  EXPECT_NE(frame_response("HTTP/1.1 407 x\r\n\r\n", Method::connect)->kind, Framing::Kind::tunnel);
  EXPECT_EQ(response_error("HTTP/1.0 101 x\r\n\r\n"), bad_framing);
}

TEST(Attack06EarlyTunnel, an_upgrade_without_connection_option_or_with_a_choice_is_none) {
  for (std::string_view fields :
       {"Upgrade: websocket\r\n", "Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n",
        "Connection: Upgrade\r\nUpgrade: web socket\r\n", "Connection: Upgrade\r\nUpgrade:\r\n"}) {
    auto framing = frame_request(get(fields));
    ASSERT_TRUE(framing) << fields;
    EXPECT_TRUE(framing->upgrade.empty()) << fields;
  }
}

TEST(Attack21UpgradeToHttp2, a_protocol_of_the_connection_itself_is_never_forwarded) {
  for (std::string_view protocol : {"h2c", "H2C", "h2", "HTTP/2.0", "TLS/1.0", "tls"}) {
    std::string fields = "Connection: Upgrade\r\nUpgrade: ";
    fields.append(protocol).append("\r\n");
    auto framing = frame_request(get(fields));
    ASSERT_TRUE(framing) << protocol;
    EXPECT_TRUE(framing->upgrade.empty()) << protocol;
  }
}

TEST(Attack07HeaderNames, empty_and_illegal_names_are_refused) {
  EXPECT_EQ(request_error(post(": 5\r\n")), parse);
  EXPECT_EQ(request_error(post(":\r\n")), parse);
  EXPECT_EQ(request_error("GET / HTTP/1.1\r\n: x\r\nHost: a\r\n\r\n"), parse);
  for (int c = 0; c < 256; ++c) {
    char byte = static_cast<char>(c);
    if (byte == ':') continue;
    std::string name = "Na" + std::string(1, byte) + "me";
    EXPECT_EQ(request_error(post(name + ": v\r\n")), is_token_char(byte) ? none : parse) << c;
  }
}

TEST(Attack08ContentLength, only_one_plain_number_is_a_length) {
  for (std::string_view value :
       {"", "+5", "-5", "0x5", "5,5", "5, 5", "5 5", "5;", "5.0", "1e3", "five", "\x31\xb2",
        "18446744073709551616", "18446744073709551617", "9223372036854775808",
        "99999999999999999999", "00000000000000000005"}) {
    EXPECT_EQ(request_error(post("Content-Length: " + std::string(value) + "\r\n")), bad_framing)
        << value;
    EXPECT_EQ(
        response_error("HTTP/1.1 200 OK\r\nContent-Length: " + std::string(value) + "\r\n\r\n"),
        bad_framing)
        << value;
  }
  EXPECT_EQ(request_error(post("Content-Length: 5\vx\r\n")), parse);
}

TEST(Attack08ContentLength, duplicates_are_refused_even_if_equal) {
  EXPECT_EQ(request_error(post("Content-Length: 5\r\nContent-Length: 6\r\n")), bad_framing);
  EXPECT_EQ(request_error(post("Content-Length: 5\r\nContent-Length: 5\r\n")), bad_framing);
  EXPECT_EQ(request_error(post("Content-Length: 5\r\ncontent-length:\r\n")), bad_framing);
  EXPECT_EQ(response_error("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"),
            bad_framing);
}

TEST(Attack08ContentLength, the_largest_length_is_exact) {
  auto framing = frame_request(post("Content-Length: 9223372036854775807\r\n"));
  ASSERT_TRUE(framing);
  EXPECT_EQ(framing->length, 9223372036854775807u);
}

TEST(Attack09ChunkExtensions, lf_and_cr_in_an_extension_are_refused) {
  for (std::string_view body :
       {"5;a\nhello\r\n0\r\n\r\n", "5;\nhello\r\n0\r\n\r\n", "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n",
        "5;a=\"\r\"\r\nhello\r\n0\r\n\r\n", "5;a\rhello\r\n0\r\n\r\n", "5\rhello\r\n0\r\n\r\n",
        "5;a=\"\\\n\"\r\nhello\r\n0\r\n\r\n", "5;a\r\rhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n"}) {
    for (std::size_t cut : {0, 1, 2, 3}) {
      Decoded decoded(body, cut);
      EXPECT_EQ(decoded.error.code, bad_framing) << body;
      EXPECT_EQ(decoded.body, "") << body;
    }
  }
}

TEST(Attack09ChunkExtensions, well_formed_ones_are_dropped) {
  for (std::string_view line : {"5;a", "5;a=b", "5;a=\"b;\\\" c\"", "5;a;b=c;d=\"\"", "5 ; a = b",
                                "5\t;\ta\t=\t\"x\"\t;b"}) {
    Decoded decoded(std::string(line) + "\r\nhello\r\n0;z\r\n\r\n", 1);
    EXPECT_EQ(decoded.body, "hello") << line;
    EXPECT_TRUE(decoded.ended) << line;
  }
}

TEST(Attack09ChunkExtensions, malformed_ones_are_refused) {
  for (std::string_view line :
       {"5;", "5; ", "5;=", "5;a=", "5;a b", "5;a=b c", "5 ", "5 x", "5;a ", "5;a=\"b",
        "5;a=\"b\"c", "5;a=b\"c\"", "5;\x80", "5;a=\"\x01\"", "5;a;", "5;;a", "5,a"}) {
    EXPECT_EQ(Decoded(std::string(line) + "\r\nhello\r\n0\r\n\r\n").error.code, bad_framing)
        << line;
  }
}

TEST(Attack10ChunkOverrun, data_ends_with_exactly_crlf) {
  for (std::string_view body :
       {"5\r\nhello!\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhello\r0\r\n\r\n",
        "5\r\nhelloXX0\r\n\r\n", "5\r\nhelloX\n0\r\n\r\n", "5\r\nhello\n\r0\r\n\r\n",
        "5\r\nhello0\r\n\r\n", "5\r\nhello\r\r\n0\r\n\r\n"}) {
    for (std::size_t cut : {0, 1, 2}) {
      Decoded decoded(body, cut);
      EXPECT_EQ(decoded.error.code, bad_framing) << body;
      EXPECT_FALSE(decoded.ended);
    }
  }
}

TEST(Attack11Trailers, fields_that_frame_route_or_authenticate_are_dropped) {
  Decoded decoded(
      "0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: evil\r\n"
      "Authorization: x\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Anything: x\r\nCookie: a\r\n"
      "Set-Cookie: b\r\nX_Forwarded_Proto: https\r\nConnection: close\r\nForwarded: x\r\n"
      "Proxy-Status: x\r\nSec-Fetch-Site: x\r\nX-Real-Ip: x\r\nX-Checksum: 42\r\nETag: "
      "\"x\"\r\n\r\n");
  ASSERT_TRUE(decoded.ended) << decoded.error.detail;
  ASSERT_EQ(decoded.decoder.trailers().size(), 2u);
  EXPECT_EQ(decoded.decoder.trailers().get("x-checksum"), "42");
  EXPECT_EQ(decoded.decoder.trailers().get(HeaderId::etag), "\"x\"");
}

TEST(Attack11Trailers, the_rules_of_the_head_hold_in_trailers) {
  for (std::string_view trailers :
       {"X : a\r\n\r\n", ": a\r\n\r\n", "X: a\r\n b\r\n\r\n", "X: a\nY: b\r\n\r\n",
        "X: \x01\r\n\r\n", "no colon\r\n\r\n", "X: a\rb\r\n\r\n", "\nX: a\r\n\r\n"}) {
    for (std::size_t cut : {0, 1}) {
      Decoded decoded("0\r\n" + std::string(trailers), cut);
      EXPECT_EQ(decoded.error.code, parse) << trailers;
      EXPECT_FALSE(decoded.ended);
    }
  }
}

TEST(Attack12ChunkSize, too_many_digits_and_too_large_sizes_are_refused) {
  EXPECT_EQ(Decoded("00000000000000005\r\nhello").error.code, bad_framing);
  EXPECT_EQ(Decoded("ffffffffffffffff\r\nhello").error.code, bad_framing);
  EXPECT_EQ(Decoded("8000000000000000\r\nhello").error.code, bad_framing);
  EXPECT_EQ(Decoded("10000000000000005\r\nhello").error.code, bad_framing);
  Decoded largest("7fffffffffffffff\r\nhello");
  EXPECT_EQ(largest.error.code, none);
  EXPECT_EQ(largest.body, "hello");
}

TEST(Attack12ChunkSize, only_hexadecimal_digits_make_a_size) {
  for (std::string_view size : {"", "-1", "+5", "0x5", "g", " 5", "\t5", "5h", ";a", "\xb2"}) {
    EXPECT_EQ(Decoded(std::string(size) + "\r\nhello\r\n0\r\n\r\n").error.code, bad_framing)
        << size;
  }
}

TEST(Attack12ChunkSize, a_huge_extension_is_refused_before_it_has_arrived) {
  EXPECT_EQ(Decoded("5;" + std::string(100000, 'a'), 1).error.code, limit);
}

TEST(Attack12ChunkSize, much_framing_for_little_data_is_refused) {
  std::string chunk = "1;" + std::string(200, 'a') + "\r\nx\r\n";
  std::string body;
  for (int i = 0; i < 1000; ++i) body += chunk;
  Decoded decoded(body);
  EXPECT_EQ(decoded.error.code, limit);
  EXPECT_LT(decoded.body.size(), 100u);
}

TEST(Attack12ChunkSize, plain_chunks_of_one_byte_are_not_refused) {
  std::string body;
  for (int i = 0; i < 50000; ++i) body += "1\r\nx\r\n";
  Decoded decoded(body + "0\r\n\r\n", 4096);
  EXPECT_TRUE(decoded.ended) << decoded.error.detail;
  EXPECT_EQ(decoded.body.size(), 50000u);
}

TEST(Attack13ClientDesync, an_error_is_final) {
  Arena arena;
  ChunkedDecoder decoder(arena, Origin::client);
  ASSERT_FALSE(decoder.next("5\nhello"));
  auto again = decoder.next("5\r\nhello\r\n0\r\n\r\n");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, bad_framing);
  EXPECT_FALSE(decoder.done());
}

TEST(Attack13ClientDesync, errors_say_whose_fault_it_is) {
  Arena arena;
  ChunkedDecoder decoder(arena, Origin::upstream);
  EXPECT_EQ(decoder.next("x").error().origin, Origin::upstream);
  EXPECT_EQ(frame_request(post("Content-Length: x\r\n")).error().origin, Origin::client);
  EXPECT_EQ(frame_response("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n").error().origin,
            Origin::upstream);
}

TEST(Attack14RequestLine, spaces_fragments_and_old_forms_are_refused) {
  for (std::string_view line : {"GET /a b HTTP/1.1",
                                "GET /a  HTTP/1.1",
                                "GET  /a HTTP/1.1",
                                " GET /a HTTP/1.1",
                                "GET /a#b HTTP/1.1",
                                "GET # HTTP/1.1",
                                "GET\t/a HTTP/1.1",
                                "GET /a\tHTTP/1.1",
                                "GET /a",
                                "GET",
                                "GET /a HTTP/1.1 ",
                                "GET /a HTTP/1.1 x",
                                "GET /a http/1.1",
                                "GET /a HTTP/1",
                                "GET /a HTTP/1.1.1",
                                "GET /a HTTP/ 1.1",
                                "GET /a HTTP/1,1",
                                "GET /a HTTPS/1.1",
                                "GET HTTP/1.1",
                                "G@T / HTTP/1.1",
                                "/a HTTP/1.1",
                                "",
                                "GET /\x80 HTTP/1.1",
                                "GET /\x7f HTTP/1.1",
                                "GET /a HTTP/01.1",
                                "GET /a HTTP/1.10",
                                "GET /a\vHTTP/1.1"}) {
    EXPECT_EQ(request_error(std::string(line) + "\r\nHost: a\r\n\r\n"), parse) << line;
  }
  EXPECT_EQ(request_error("GET /a" + std::string(1, '\0') + " HTTP/1.1\r\nHost: a\r\n\r\n"), parse);
}

TEST(Attack14RequestLine, other_versions_are_refused_as_such) {
  for (std::string_view version : {"HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/3.0", "HTTP/9.9"}) {
    EXPECT_EQ(request_error("GET / " + std::string(version) + "\r\nHost: a\r\n\r\n"),
              version_unsupported);
  }
  EXPECT_EQ(request_error("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), version_unsupported);
}

TEST(Attack14RequestLine, targets_without_root_are_refused) {
  Arena arena;
  for (std::string_view target :
       {"a", "http:http://a/", "http:/a", "http://", "ftp://a/", "http://u@a/", "*"}) {
    EXPECT_FALSE(parse_target(target, TargetRule::ordinary, arena)) << target;
  }
}

TEST(Attack14RequestLine, host_is_there_exactly_once) {
  EXPECT_EQ(request_error("GET / HTTP/1.1\r\n\r\n"), bad_host);
  EXPECT_EQ(request_error("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), bad_host);
  EXPECT_EQ(request_error("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"), bad_host);
  EXPECT_EQ(request_error("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), bad_host);
  EXPECT_EQ(request_error("GET / HTTP/1.0\r\n\r\n"), none);
}

TEST(Attack15HeaderSplitting, cr_lf_nul_never_enter_a_value) {
  for (char byte : {'\r', '\n', '\0', '\x01', '\x1f', '\x7f'}) {
    for (std::size_t length : {0, 1, 5, 14, 15, 16, 30, 31, 32, 33, 63, 64, 100}) {
      std::string value = std::string(length, 'v') + byte + "Injected: x";
      EXPECT_EQ(request_error(post("X: " + value + "\r\n")), parse) << length;
    }
  }
}

TEST(Attack15HeaderSplitting, cr_lf_nul_never_leave_in_a_field) {
  Arena arena;
  for (char byte : {'\r', '\n', '\0'}) {
    for (std::size_t length : {0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100}) {
      std::string bad = std::string(length, 'v') + byte;
      for (const std::string& value : {bad, bad + "x", byte + bad, bad + std::string(20, 'y')}) {
        char out[512];
        HeadWriter in_value(out, out + sizeof(out));
        in_value.status_line(200);
        in_value.field("X", value);
        EXPECT_EQ(in_value.finish().error().code, internal);
        HeadWriter in_name(out, out + sizeof(out));
        in_name.status_line(200);
        in_name.field(value, "v");
        EXPECT_EQ(in_name.finish().error().code, internal);
        HeadWriter in_reason(out, out + sizeof(out));
        in_reason.status_line(200, value);
        EXPECT_EQ(in_reason.finish().error().code, internal);
        HeadWriter in_target(out, out + sizeof(out));
        in_target.request_line("GET", "/" + value);
        EXPECT_EQ(in_target.finish().error().code, internal);
        HeadWriter in_method(out, out + sizeof(out));
        in_method.request_line(value, "/");
        EXPECT_EQ(in_method.finish().error().code, internal);
      }
    }
  }
}

TEST(Attack15HeaderSplitting, a_colon_or_space_never_leaves_in_a_name) {
  char out[256];
  for (std::string_view name : {"A:", "A: b", "A ", "", "\xc3\xa4", "A\t"}) {
    HeadWriter writer(out, out + sizeof(out));
    writer.field(name, "v");
    EXPECT_FALSE(writer.finish()) << name;
  }
}

TEST(Attack16Responses, are_parsed_as_strictly_as_requests) {
  for (std::string_view text :
       {"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n",
        "HTTP/1.1 200 OK\r\nX : y\r\n\r\n", "HTTP/1.1 200 OK\r\nX: y\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: y\r\n\r\n", "HTTP/1.1 200 O\rK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 -20 OK\r\n\r\n", "ICY 200 OK\r\n\r\n\r\n\r\n", "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n", "<html>hello</html>", "220 mail.example ESMTP\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 200\tOK\r\n\r\n"}) {
    EXPECT_EQ(response_error(text), parse) << text;
  }
  EXPECT_EQ(response_error("HTTP/2.0 200 OK\r\n\r\n"), version_unsupported);
}

TEST(Attack16Responses, bogus_interim_responses_are_refused) {
  EXPECT_EQ(response_error("HTTP/1.1 103 x\r\nContent-Length: 5\r\n\r\nhello"), bad_framing);
  EXPECT_EQ(response_error("HTTP/1.1 100 x\r\nTransfer-Encoding: chunked\r\n\r\n"), bad_framing);
  auto interim = frame_response("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
  ASSERT_TRUE(interim);
  EXPECT_EQ(interim->kind, Framing::Kind::none);
}

TEST(Attack16Responses, a_body_where_none_can_be_ends_the_reuse_of_the_connection) {
  auto announced = frame_response("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello");
  ASSERT_TRUE(announced);
  EXPECT_EQ(announced->kind, Framing::Kind::none);
  EXPECT_FALSE(announced->keep_alive);
  EXPECT_TRUE(frame_response("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")->keep_alive);
  EXPECT_TRUE(frame_response("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n")->keep_alive);
}

TEST(Attack16Responses, bytes_of_tls_are_no_response) {
  EXPECT_EQ(Response(std::string_view("\x15\x03\x01\x00\x02\x02\x46", 7)).error(), parse);
}

TEST(Attack36ConnectionOptions, cannot_name_fields_that_must_arrive) {
  testing::Request request(
      get("Connection: close, X-Custom, Host, x-forwarded-FOR, X-Forwarded-Proto, Authorization, "
          "Cookie, X-Real-IP, x-forwarded-CLIENT-cert, Content-Length, Forwarded\r\n"
          "X-Custom: 1\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nCookie: c\r\n"
          "Authorization: b\r\nX-Real-IP: 1.2.3.4\r\nX-Forwarded-Client-Cert: x\r\nForwarded: f\r\n"
          "Keep-Alive: 5\r\nTE: trailers\r\nX-Other: 2\r\n"));
  ASSERT_TRUE(request.complete());
  remove_hop_by_hop(request.headers);
  std::string left;
  for (const Header& h : request.headers) left += std::string(h.name()) + " ";
  EXPECT_EQ(left,
            "Host X-Forwarded-For X-Forwarded-Proto Cookie Authorization X-Real-IP "
            "X-Forwarded-Client-Cert Forwarded X-Other ");
}

}  // namespace
}  // namespace weir::h1
