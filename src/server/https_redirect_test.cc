#include "server/https_redirect.h"

#include "server/sim_server.h"

namespace weir {
namespace {

struct Unobserved final : ExchangeObserver {
  void exchange_ended(Exchange&) override {}
};

class HttpsRedirectTest : public testing::Test {
 protected:
  HttpsRedirectTest()
      : host_(world_, [](Loop&) { return std::make_unique<Unobserved>(); }),
        server_(world_.network(), host_) {
    test::apply(world_, server_,
                "listeners:\n  - { address: \"10.0.0.1:80\", redirect_https: 443 }\n"
                "  - { address: \"10.0.0.1:81\", redirect_https: 8443 }\n");
  }
  ~HttpsRedirectTest() override { test::drain(world_, server_); }

  std::string ask(std::string_view request, std::string_view address = "10.0.0.1:80") {
    test::SimClient client(world_);
    return client.ask(address, std::string(request));
  }
  static std::string location(const std::string& response) {
    std::size_t at = response.find("Location: ");
    if (at == std::string::npos) return response;
    return response.substr(at + 10, response.find("\r\n", at) - at - 10);
  }

  SimWorld world_{1};
  test::SimHost host_;
  Server server_;
};

TEST_F(HttpsRedirectTest, sends_every_request_to_the_same_address_over_https) {
  std::string got =
      ask("POST /a/b?c=d HTTP/1.1\r\nHost: Shop.Example:80\r\nContent-Length: 0\r\n"
          "Connection: close\r\n\r\n");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 308 "));
  EXPECT_EQ(location(got), "https://shop.example/a/b?c=d");
  EXPECT_EQ(location(ask("GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n",
                         "10.0.0.1:81")),
            "https://a.example:8443/");
  EXPECT_EQ(location(ask("GET http://[2001:DB8::1]:80/x HTTP/1.1\r\nHost: b.example\r\n"
                         "Connection: close\r\n\r\n")),
            "https://[2001:db8::1]/x");
  EXPECT_EQ(location(ask("OPTIONS * HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")),
            "https://a.example");
}

TEST_F(HttpsRedirectTest, sends_nobody_to_what_is_no_host) {
  for (const char* host : {"a.example@evil.example", "a.example/..", "a b", "a.example#", "a\"b"}) {
    std::string got = ask("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n");
    EXPECT_TRUE(got.starts_with("HTTP/1.1 400 ")) << got;
    EXPECT_EQ(got.find("Location"), std::string::npos) << got;
  }
  EXPECT_TRUE(ask("GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(ask("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n")
                  .starts_with("HTTP/1.1 501 "));
}

}  // namespace
}  // namespace weir
