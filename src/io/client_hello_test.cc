#include "io/client_hello.h"

#include <gtest/gtest.h>

#include "io/client_hello_testing.h"

namespace weir {
namespace {

using test::alpn;
using test::extension;
using test::hello_message;
using test::in_records;
using test::sni;

/// What became of `bytes`, that came in pieces.
struct Fed {
  explicit Fed(std::string_view bytes, std::size_t piece = std::string::npos) {
    while (!bytes.empty() && result && !*result) {
      result = reader.feed(bytes.substr(0, piece));
      bytes.remove_prefix(std::min(piece, bytes.size()));
    }
  }
  std::string_view reason() const { return result ? "none" : result.error().detail; }

  ClientHelloReader reader;
  Result<bool> result = false;
};

TEST(ClientHelloReader, tells_the_server_name_and_the_protocols) {
  Fed fed(in_records(hello_message(sni("Db.Example.") + alpn({"h2", "postgresql"}))) + "behind");
  ASSERT_TRUE(fed.result && *fed.result) << fed.reason();
  EXPECT_EQ(fed.reader.hello().server_name, "db.example");
  EXPECT_EQ(fed.reader.hello().alpn, (std::vector<std::string>{"h2", "postgresql"}));
}

TEST(ClientHelloReader, takes_a_hello_in_any_pieces_and_any_records) {
  std::string message = hello_message(extension(23, "") + sni("a.example") + alpn({"h2"}));
  for (std::size_t record : {2u, 5u, 100u, 16384u}) {
    std::string bytes = in_records(message, record);
    for (std::size_t piece : {1u, 2u, 7u, 1000u}) {
      Fed fed(bytes, piece);
      if (message.size() / record >= ClientHelloReader::kMaxRecords) continue;
      ASSERT_TRUE(fed.result && *fed.result) << record << ' ' << piece << ' ' << fed.reason();
      EXPECT_EQ(fed.reader.hello().server_name, "a.example");
    }
  }
}

TEST(ClientHelloReader, waits_for_every_byte) {
  std::string bytes = in_records(hello_message(sni("a.example")));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Fed fed(std::string_view(bytes).substr(0, i));
    ASSERT_TRUE(fed.result) << i;
    EXPECT_FALSE(*fed.result) << i;
  }
}

TEST(ClientHelloReader, takes_a_hello_that_asks_for_nothing) {
  std::string body = "\x03\x03" + std::string(32, 'r') + test::vector("", 1) +
                     test::vector(test::number(5, 2), 2) + test::vector(test::number(0, 1), 1);
  Fed fed(in_records(test::number(1, 1) + test::vector(body, 3)));
  ASSERT_TRUE(fed.result && *fed.result);
  EXPECT_EQ(fed.reader.hello().server_name, "");
}

TEST(ClientHelloReader, refuses_what_is_no_hello) {
  EXPECT_EQ(Fed("GET / HTTP/1.1\r\n").reason(), "not a handshake of TLS");
  EXPECT_EQ(Fed(std::string("\x16\x03\x01\x00\x00", 5)).reason(), "not a record of TLS");
  EXPECT_EQ(Fed(std::string("\x16\x03\x01\x41\x00", 5)).reason(), "not a record of TLS");
  EXPECT_EQ(Fed(in_records("\x02...")).reason(), "not a ClientHello");
  auto refused = [](const std::string& extensions) {
    return std::string(Fed(in_records(hello_message(extensions))).reason());
  };
  EXPECT_EQ(refused(sni("a") + sni("b")), "ClientHello: an extension came twice");
  EXPECT_EQ(refused(alpn({"a"}) + alpn({"b"})), "ClientHello: an extension came twice");
  EXPECT_EQ(refused(sni("")), "ClientHello: not the name of a host");
  EXPECT_EQ(refused(sni(std::string("a\0b", 3))), "ClientHello: not the name of a host");
  EXPECT_EQ(refused(sni(std::string(256, 'a'))), "ClientHello: not the name of a host");
  EXPECT_EQ(refused(sni(std::string(255, 'a'))), "none");
  EXPECT_EQ(refused(alpn({""})), "ClientHello: not the name of a protocol");
  EXPECT_EQ(refused("abc"), "ClientHello: not an extension");
  EXPECT_EQ(refused(extension(0, "abc")), "ClientHello: not a list of server names");
}

TEST(ClientHelloReader, bounds_the_hello_and_its_records) {
  auto hello = [](std::size_t size) {
    std::size_t rest = hello_message(extension(21, "")).size();
    return hello_message(extension(21, std::string(size - rest, '\0')));
  };
  constexpr std::size_t kMost = ClientHelloReader::kMaxBytes;
  EXPECT_EQ(Fed(in_records(hello(kMost - 1))).reason(), "none");
  EXPECT_EQ(Fed(in_records(hello(kMost))).reason(), "none");
  EXPECT_EQ(Fed(in_records(hello(kMost + 1))).reason(), "ClientHello: longer than 16 KiB");
  auto records = [](int count) {
    std::string message = hello_message(extension(21, std::string(300, '\0')));
    return in_records(message, (message.size() + static_cast<std::size_t>(count) - 1) /
                                   static_cast<std::size_t>(count));
  };
  EXPECT_EQ(Fed(records(60)).reason(), "none");
  EXPECT_EQ(Fed(in_records(hello_message(sni("a.example")), 1)).reason(),
            "ClientHello: too many records");
}

}  // namespace
}  // namespace weir
