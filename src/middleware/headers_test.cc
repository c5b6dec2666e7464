#include "middleware/headers.h"

#include <gtest/gtest.h>

#include "http/h1/framing.h"
#include "http/testing.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// Keeps what it was asked, and answers with fields of its own.
class Service final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    h1::remove_hop_by_hop(exchange.request().headers);  // as a proxy does
    for (const Header& each : exchange.request().headers) {
      asked += std::string(each.name()) + ": " + std::string(each.value()) + "\n";
    }
    if (failure.code != ErrorCode::none) co_return fail(failure);
    Response response(exchange.arena());
    response.status = 201;
    for (const auto& [name, value] : fields) response.headers.add(name, value);
    co_return response;
  }

  mutable std::string asked;
  Fields fields;
  Error failure;
};

/// Several of them, outermost first, as `use` of top level, listener and route put them together.
class Chain final : public Handler {
 public:
  Chain(std::vector<const Middleware*> chain, const Service& service)
      : chain_(std::move(chain)), service_(service) {}
  Task<Result<Response>> handle(Exchange& exchange) const override {
    return Next(chain_, service_)(exchange);
  }

 private:
  std::vector<const Middleware*> chain_;
  const Service& service_;
};

class HeadersTest : public ::testing::Test {
 protected:
  test::Answer ask(Fields headers = {}) {
    SimWorld world(1);
    SimLoop& loop = world.add_loop();
    config::Diagnostics diagnostics;
    std::vector<std::unique_ptr<HeadersMiddleware>> made;
    std::vector<const Middleware*> chain;
    for (const HeadersConfig& each : configs_) {
      made.push_back(std::make_unique<HeadersMiddleware>(each, diagnostics));
      chain.push_back(made.back().get());
    }
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.render();
    Chain handler(chain, service_);
    service_.asked.clear();
    return test::run(loop, test::answer_of(loop, handler, {.headers = std::move(headers)}));
  }
  static void put(config::Map<config::Located<std::string>>& map, std::string name,
                  std::string value) {
    map.entries.push_back({std::move(name), {}, {std::move(value)}});
  }

  std::vector<HeadersConfig> configs_{1};
  Service service_;
};

TEST_F(HeadersTest, removes_then_sets_then_adds) {
  HeaderEditsConfig& edits = configs_[0].request;
  edits.remove = {"X-Gone", "X-Old"};
  put(edits.set, "X-Old", "new");
  put(edits.set, "X-One", "1");
  put(edits.add, "X-More", "b");
  ask({{"x-gone", "1"}, {"X-Old", "old"}, {"X-One", "2"}, {"X-One", "3"}, {"X-More", "a"}});
  EXPECT_EQ(service_.asked, "Host: shop.example\nX-One: 1\nX-More: a\nX-Old: new\nX-More: b\n");
}

TEST_F(HeadersTest, fills_templates_from_request_and_response) {
  put(configs_[0].request.set, "X-Client", "${client_ip} ${method}");
  put(configs_[0].response.set, "X-Was", "${status} ${header.x-token} ${response_header.etag}");
  service_.fields = {{"ETag", "\"v1\""}};
  EXPECT_EQ(ask({{"X-Token", "t"}}).fields, "ETag: \"v1\"\nX-Was: 201 t \"v1\"\n");
  EXPECT_NE(service_.asked.find("X-Client: 192.0.2.7 GET\n"), std::string::npos);
}

// What stands on an outer level holds for all below it; an inner one adds to it and can overrule.
TEST_F(HeadersTest, of_all_levels_act_together) {
  configs_.resize(3);
  for (int i = 0; i < 3; ++i) {
    put(configs_[i].request.add, "X-Level", std::to_string(i));
    put(configs_[i].response.add, "X-Level", std::to_string(i));
  }
  put(configs_[0].request.set, "X-Set", "outer");
  put(configs_[2].request.set, "X-Set", "inner");
  EXPECT_EQ(ask().fields, "X-Level: 2\nX-Level: 1\nX-Level: 0\n");
  EXPECT_EQ(service_.asked,
            "Host: shop.example\nX-Set: inner\nX-Level: 0\nX-Level: 1\nX-Level: 2\n");
}

// ATTACKS 36: a client names a field in Connection that a proxy sets, to have it removed.
TEST_F(HeadersTest, that_are_set_cannot_be_removed_by_way_of_connection) {
  put(configs_[0].request.set, "X-Team", "shop");
  ask({{"Connection", "X-Team, x-other"}, {"X-Other", "1"}});
  EXPECT_EQ(service_.asked, "Host: shop.example\nX-Team: shop\n");
}

TEST_F(HeadersTest, leave_failures_alone) {
  put(configs_[0].response.set, "X-Team", "shop");
  service_.failure = Error(ErrorCode::refused, Origin::upstream);
  EXPECT_EQ(ask().error.code, ErrorCode::refused);
}

TEST(Headers, that_are_no_templates_are_refused) {
  HeadersConfig config;
  config.request.set.entries.push_back({"X-A", {}, {std::string("${status}")}});
  config::Diagnostics diagnostics;
  HeadersMiddleware headers(config, diagnostics);
  EXPECT_FALSE(diagnostics.ok());
}

}  // namespace
}  // namespace weir
