#include "middleware/maintenance.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "http/testing.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class Service final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    Response response(exchange.arena());
    response.body = exchange.own<MemoryBody>(Slice::unowned("well"));
    co_return response;
  }
};

class Wrapped final : public Handler {
 public:
  Wrapped(const Middleware& middleware, const Handler& handler)
      : middleware_(middleware), handler_(handler) {}
  Task<Result<Response>> handle(Exchange& exchange) const override {
    return middleware_.handle(exchange, Next({}, handler_));
  }

 private:
  const Middleware& middleware_;
  const Handler& handler_;
};

class MaintenanceTest : public ::testing::Test {
 protected:
  test::Answer ask(test::Asked asked = {}) {
    config::Diagnostics diagnostics;
    MaintenanceMiddleware maintenance(config_, diagnostics);
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.render();
    Wrapped wrapped(maintenance, service_);
    return test::run(loop_, test::answer_of(loop_, wrapped, std::move(asked)));
  }

  SimWorld world_{1};
  SimLoop& loop_ = world_.add_loop();
  MaintenanceConfig config_;
  Service service_;
};

TEST_F(MaintenanceTest, answers_everyone_with_503_and_when_to_come_back) {
  config_.retry_after = 90s + 1ms;
  test::Answer answer = ask();
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.fields, HasSubstr("Retry-After: 91\n"));
  EXPECT_THAT(answer.body, HasSubstr("\"code\": \"maintenance\""));
}

TEST_F(MaintenanceTest, shows_people_a_page) {
  std::string name = "/tmp/weir-maintenance-XXXXXX";
  std::filesystem::path folder = ::mkdtemp(name.data());
  config_.page.value = folder / "page.html";
  std::ofstream(*config_.page) << "<h1>back soon: ${host}";
  test::Answer answer = ask({.headers = {{"Accept", "text/html"}}});
  EXPECT_EQ(answer.body, "<h1>back soon: shop.example");
  EXPECT_THAT(answer.fields, HasSubstr("Content-Type: text/html; charset=utf-8\n"));
  EXPECT_THAT(ask().body, HasSubstr("\"code\": \"maintenance\""));
  std::filesystem::remove_all(folder);
}

TEST_F(MaintenanceTest, lets_those_through_who_work_on_it) {
  config_.unless.value = "client_ip in 192.0.2.0/24";
  EXPECT_EQ(ask().body, "well");
  EXPECT_EQ(ask({.peer = "198.51.100.1:1"}).status, 503);
}

TEST_F(MaintenanceTest, is_off_when_it_is_not_enabled) {
  config_.enabled = false;
  EXPECT_EQ(ask().body, "well");
}

TEST_F(MaintenanceTest, ends_calls_of_grpc_with_a_status) {
  test::Answer answer = ask({.method = "POST", .headers = {{"Content-Type", "application/grpc"}}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.fields, HasSubstr("grpc-status: 14\n"));
}

TEST_F(MaintenanceTest, refuses_a_condition_that_is_none) {
  config_.unless.value = "client_ip ==";
  config::Diagnostics diagnostics;
  MaintenanceMiddleware maintenance(config_, diagnostics);
  EXPECT_FALSE(diagnostics.ok());
}

}  // namespace
}  // namespace weir
