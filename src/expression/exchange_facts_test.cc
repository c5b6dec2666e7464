#include "expression/exchange_facts.h"

#include <gtest/gtest.h>

#include "expression/expression.h"
#include "expression/template.h"
#include "io/epoll_loop.h"

namespace weir::expression {
namespace {

class ExchangeFactsTest : public testing::Test {
 protected:
  ExchangeFactsTest()
      : loop_(std::move(make_epoll_loop(0, 1).value())),
        connection_{*Address::parse("192.0.2.7:4711"), "front", false},
        exchange_(*loop_, connection_, {}) {
    Request& request = exchange_.request();
    request.method = Method::post;
    request.method_text = "POST";
    request.target =
        *parse_target("/shop/%7eann?q=a%20b&q=c&flag", TargetRule::ordinary, exchange_.arena());
    request.authority = *parse_authority("Shop.Example:8080", exchange_.arena());
    request.headers.add("X-Team", "blue");
    request.headers.add("X-Team", "red");
    request.headers.add(HeaderId::cookie, "a=1; session=abc");
    request.headers.add(HeaderId::cookie, "b=2");
    exchange_.set_client_ip(connection_.peer.ip());
  }

  std::string fill(std::string_view source) {
    auto compiled = Template::compile(source, Stage::response, Escape::none);
    EXPECT_TRUE(compiled) << compiled.error().message;
    std::string out;
    if (compiled) compiled->append_to(out, ExchangeFacts(exchange_));
    return out;
  }
  bool holds(std::string_view source) {
    auto compiled = Expression::compile(source, Stage::response);
    EXPECT_TRUE(compiled) << compiled.error().message;
    return compiled && compiled->evaluate(ExchangeFacts(exchange_));
  }

  std::unique_ptr<Loop> loop_;
  ConnectionFacts connection_;
  Exchange exchange_;
};

TEST_F(ExchangeFactsTest, tells_the_request_as_it_was_normalised) {
  EXPECT_EQ(fill("${method} ${host} ${path}"), "POST shop.example /shop/~ann");
  EXPECT_EQ(fill("${client_ip} ${client_port} ${listener}"), "192.0.2.7 4711 front");
}

TEST_F(ExchangeFactsTest, tells_the_certificate_that_a_client_showed) {
  EXPECT_FALSE(holds("present(tls.client_fingerprint)"));
  TlsFacts tls;
  connection_.tls = &tls;
  EXPECT_FALSE(holds("present(tls.client_san)"));
  auto shown = std::make_unique<TlsPeerCertificate>();
  shown->subject = "CN=alice";
  shown->issuer = "CN=CA";
  shown->serial = "0a";
  shown->fingerprint = std::string(64, 'f');
  shown->all_names = "DNS:a.example,URI:spiffe://b/c";
  tls.peer = std::move(shown);
  EXPECT_EQ(fill("${tls.client_subject} ${tls.client_issuer} ${tls.client_serial}"),
            "CN=alice CN=CA 0a");
  EXPECT_EQ(fill("${tls.client_fingerprint}"), std::string(64, 'f'));
  EXPECT_TRUE(holds("tls.client_san matches \"(^|.*,)DNS:a.example(,.*|$)\""));
  EXPECT_FALSE(holds("tls.client_san matches \"(^|.*,)DNS:a.exam(,.*|$)\""));
  connection_.tls = nullptr;
}

TEST_F(ExchangeFactsTest, decodes_parameters_and_finds_every_value) {
  EXPECT_TRUE(holds("query.q == \"a b\""));
  EXPECT_TRUE(holds("query.q == \"c\""));
  EXPECT_FALSE(holds("query.q == \"d\""));
}

TEST_F(ExchangeFactsTest, finds_fields_in_any_case_and_every_value_of_them) {
  EXPECT_TRUE(holds("header.x-team == \"red\""));
  EXPECT_EQ(fill("${header.x-team}"), "blue, red");
}

TEST_F(ExchangeFactsTest, finds_cookies_over_several_fields) {
  EXPECT_TRUE(holds("cookie.session == \"abc\""));
  EXPECT_TRUE(holds("cookie.b == \"2\""));
  EXPECT_FALSE(holds("cookie.sess == \"abc\""));
}

TEST_F(ExchangeFactsTest, knows_the_response_before_it_is_sent) {
  Response response(exchange_.arena());
  response.status = 418;
  response.headers.add("X-Pot", "short");
  auto compiled =
      Template::compile("${status} ${response_header.x-pot}", Stage::response, Escape::none);
  ASSERT_TRUE(compiled) << compiled.error().message;
  std::string out;
  compiled->append_to(out, ExchangeFacts(exchange_, response));
  EXPECT_EQ(out, "418 short");
}

TEST_F(ExchangeFactsTest, networks_contain_the_client) {
  EXPECT_TRUE(holds("client_ip in 192.0.2.0/24"));
  EXPECT_FALSE(holds("client_ip in 10.0.0.0/8"));
}

}  // namespace
}  // namespace weir::expression
