#include "middleware/ip_filter.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "http/testing.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

class Service final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    co_return Response(exchange.arena());
  }
};

class Around final : public Handler {
 public:
  Around(const IpFilterMiddleware& middleware, const Service& service)
      : middleware_(middleware), service_(service) {}
  Task<Result<Response>> handle(Exchange& exchange) const override {
    return middleware_.handle(exchange, Next({}, service_));
  }

 private:
  const IpFilterMiddleware& middleware_;
  const Service& service_;
};

config::Network network(std::string_view text) {
  config::Network made;
  EXPECT_FALSE(config::read_network(text, made)) << text;
  return made;
}

class IpFilterTest : public ::testing::Test {
 protected:
  IpFilterTest() {
    char name[] = "/tmp/weir-filter-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~IpFilterTest() override { std::filesystem::remove_all(folder_); }

  bool lets_in(std::string peer) {
    SimWorld world(1);
    SimLoop& loop = world.add_loop();
    config::Diagnostics diagnostics;
    IpFilterMiddleware filter(config_, diagnostics);
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.render();
    Around around(filter, service_);
    test::Answer answer = test::run(loop, test::answer_of(loop, around, {.peer = peer}));
    EXPECT_TRUE(answer.status == 200 || answer.error.code == ErrorCode::ip_denied);
    return answer.status == 200;
  }
  std::string refusal() {
    config::Diagnostics diagnostics;
    IpFilterMiddleware filter(config_, diagnostics);
    EXPECT_FALSE(diagnostics.ok());
    return diagnostics.render();
  }
  config::Located<std::string> file(std::string text) {
    std::string path = folder_ + "/list";
    std::ofstream(path) << text;
    return {path};
  }

  IpFilterConfig config_;
  Service service_;
  std::string folder_;
};

TEST_F(IpFilterTest, keeps_out_who_is_denied) {
  config_.deny = {network("192.0.2.0/24"), network("2001:db8::/32")};
  EXPECT_FALSE(lets_in("192.0.2.7:1"));
  EXPECT_FALSE(lets_in("[2001:db8::1]:1"));
  EXPECT_TRUE(lets_in("192.0.3.7:1"));
  EXPECT_TRUE(lets_in("[2001:db9::1]:1"));
}

TEST_F(IpFilterTest, lets_in_who_is_allowed_and_nobody_else) {
  config_.allow = {network("10.0.0.0/8")};
  EXPECT_TRUE(lets_in("10.1.2.3:1"));
  EXPECT_FALSE(lets_in("11.1.2.3:1"));
  EXPECT_FALSE(lets_in("[::1]:1"));
}

TEST_F(IpFilterTest, keeps_out_who_is_both_denied_and_allowed) {
  config_.allow = {network("10.0.0.0/8")};
  config_.deny = {network("10.1.0.0/16")};
  EXPECT_TRUE(lets_in("10.2.0.1:1"));
  EXPECT_FALSE(lets_in("10.1.0.1:1"));
}

TEST_F(IpFilterTest, lets_a_client_without_an_address_in_only_where_nothing_is_allowed) {
  config_.deny = {network("::/0"), network("0.0.0.0/0")};
  EXPECT_TRUE(lets_in("unix:/run/client"));
  config_.allow = {network("::/0"), network("0.0.0.0/0")};
  config_.deny = {};
  EXPECT_FALSE(lets_in("unix:/run/client"));
}

TEST_F(IpFilterTest, reads_lists_from_files) {
  config_.deny_files = {file("# bad ones\n192.0.2.7\n\n 198.51.100.0/24 # a net\r\n2001:db8::/32")};
  EXPECT_FALSE(lets_in("192.0.2.7:1"));
  EXPECT_FALSE(lets_in("198.51.100.9:1"));
  EXPECT_FALSE(lets_in("[2001:db8::5]:1"));
  EXPECT_TRUE(lets_in("192.0.2.8:1"));
  config_.deny_files = {};
  config_.allow_files = {file("")};  // nobody
  EXPECT_FALSE(lets_in("192.0.2.8:1"));
}

TEST_F(IpFilterTest, says_which_line_of_which_file_is_wrong) {
  config_.deny_files = {file("192.0.2.7\n192.0.2.0/33\n")};
  EXPECT_THAT(refusal(), HasSubstr("/list: line 2 is no network"));
  config_.deny_files = {{folder_ + "/none"}};
  EXPECT_THAT(refusal(), HasSubstr("No such file"));
}

}  // namespace
}  // namespace weir
