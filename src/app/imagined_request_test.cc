#include "app/imagined_request.h"

#include <gtest/gtest.h>

#include "io/sim/loop.h"

namespace weir {
namespace {

ImaginedRequest parsed(std::string_view line, const std::vector<std::string>& headers = {}) {
  auto request = ImaginedRequest::parse(line, headers);
  if (request) return *request;
  ADD_FAILURE() << line << ": " << request.error();
  return {};
}

TEST(ImaginedRequest, reads_a_method_and_a_url_or_a_url_alone) {
  EXPECT_EQ(parsed("GET https://a.example/x").text(), "GET https://a.example/x");
  EXPECT_EQ(parsed("  POST   /x ").text(), "POST /x");
  EXPECT_EQ(parsed("https://a.example/").text(), "GET https://a.example/");
  EXPECT_EQ(parsed("a.example/x").text(), "GET http://a.example/x");
  EXPECT_EQ(parsed("a.example:8080").text(), "GET http://a.example:8080");
  EXPECT_EQ(parsed("OPTIONS *").text(), "OPTIONS *");
  EXPECT_EQ(parsed("CONNECT a.example:443").text(), "CONNECT a.example:443");
}

TEST(ImaginedRequest, knows_the_port_that_it_would_go_to) {
  EXPECT_EQ(parsed("http://a.example/").port(), 80);
  EXPECT_EQ(parsed("https://a.example/").port(), 443);
  EXPECT_EQ(parsed("https://a.example:8443/").port(), 8443);
  EXPECT_EQ(parsed("a.example:8080/x").port(), 8080);
  EXPECT_EQ(parsed("/x").port(), 0);
  EXPECT_EQ(parsed("GET http://a b/").port(), 0) << "what nobody could send goes nowhere";
}

TEST(ImaginedRequest, is_secure_by_its_scheme) {
  EXPECT_TRUE(parsed("https://a.example/").secure());
  EXPECT_FALSE(parsed("http://a.example/").secure());
  EXPECT_FALSE(parsed("/").secure());
}

TEST(ImaginedRequest, refuses_what_is_no_request) {
  for (std::string_view line : {"", "GET", "GET ", "G/T /x", " \t"}) {
    // "GET" alone is read as a host.
    EXPECT_EQ(ImaginedRequest::parse(line, {}).has_value(), line == "GET" || line == "GET ")
        << line;
  }
  for (std::string header : {"no colon", ": a", "a b: c", "A: b\nc", "A: \x01"}) {
    EXPECT_FALSE(ImaginedRequest::parse("/", {header})) << header;
  }
}

class Filled : public ::testing::Test {
 protected:
  Status fill(const ImaginedRequest& request) { return request.fill(exchange_, {}); }
  const Request& request() { return exchange_.request(); }

  SimWorld world_{1};
  ConnectionFacts facts_;
  Exchange exchange_{world_.add_loop(), facts_, {}};
};

TEST_F(Filled, is_normalised_like_a_request_from_the_network) {
  ImaginedRequest imagined = parsed("POST https://A.Example/x/../%61?q", {" X-Team :  a "});
  ASSERT_TRUE(fill(imagined));
  EXPECT_EQ(request().method, Method::post);
  EXPECT_EQ(request().target.path, "/a");
  EXPECT_EQ(request().target.query, "q");
  EXPECT_EQ(request().scheme, "https");
  EXPECT_EQ(request().authority.text, "a.example");
  EXPECT_EQ(request().headers.get("X-Team"), "a");
  EXPECT_EQ(request().headers.get(HeaderId::host), "a.example");
}

TEST_F(Filled, takes_the_host_of_a_header_before_that_of_the_url) {
  ImaginedRequest imagined = parsed("http://127.0.0.1/", {"Host: Shop.example"});
  ASSERT_TRUE(fill(imagined));
  EXPECT_EQ(request().authority.text, "shop.example");
}

TEST_F(Filled, is_refused_like_a_request_from_the_network) {
  ImaginedRequest imagined = parsed("/a%00b");
  Status status = fill(imagined);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::bad_target);
}

TEST_F(Filled, is_refused_for_a_host_that_is_none) {
  ImaginedRequest imagined = parsed("/", {"Host: a b"});
  Status status = fill(imagined);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::bad_host);
}

}  // namespace
}  // namespace weir
