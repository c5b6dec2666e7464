#include "server/admin_gate.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "server/sim_server.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Silent final : public ExchangeObserver {
  void exchange_ended(Exchange&) override {}
};

/// Counts what comes through.
class Behind final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    ++count;
    Response response(exchange.arena());
    response.status = 204;
    co_return response;
  }
  mutable int count = 0;
};

class AdminGateTest : public ::testing::Test {
 protected:
  AdminGateTest() {
    std::string made = (std::filesystem::temp_directory_path() / "weir-gate-XXXXXX").string();
    folder_ = ::mkdtemp(made.data());
    token_file_ = folder_ + "/token";
    std::ofstream(token_file_) << "0123456789abcdef\n";
    server_.set_admin(&behind_);
  }
  ~AdminGateTest() override {
    test::drain(world_, server_);
    std::filesystem::remove_all(folder_);
  }
  void use(const std::string& admin) {
    test::apply(world_, server_,
                "workers: 1\nlisteners: [\"10.0.0.1:80\"]\nadmin: " + admin + "\n");
  }
  /// The status; `fields` are whole lines.
  std::string ask(std::string_view method, std::string_view fields,
                  std::string_view host = "localhost:9901", std::string_view path = "/config") {
    std::string request = std::string(method) + " " + std::string(path) +
                          " HTTP/1.1\r\nHost: " + std::string(host) + "\r\nConnection: close\r\n" +
                          std::string(fields) + "\r\n";
    answer_ = client_.ask("127.0.0.1:9901", request);
    return answer_.substr(0, 12).substr(9);
  }

  SimWorld world_{1};
  test::SimHost host_{world_, [](Loop&) { return std::make_unique<Silent>(); }};
  Behind behind_;
  Server server_{world_.network(), host_};
  test::SimClient client_{world_};
  std::string folder_;
  std::string token_file_;
  std::string answer_;
};

constexpr const char* kLocal = "127.0.0.1:9901";
constexpr const char* kJsonBody = "Content-Type: application/json\r\nContent-Length: 0\r\n";

TEST_F(AdminGateTest, gives_the_page_that_asks_for_a_token_to_those_without) {
  use("{ address: \"127.0.0.1:9901\", token_file: " + token_file_ + " }");
  EXPECT_EQ(ask("GET", "", "localhost", "/dashboard"), "204");
  EXPECT_EQ(ask("GET", "", "localhost", "/dashboard/view.js"), "204");
  EXPECT_EQ(ask("PUT", kJsonBody, "localhost", "/dashboard"), "401");
  EXPECT_EQ(ask("GET", "", "localhost", "/dashboard/../config"), "401");
  EXPECT_EQ(ask("GET", "", "localhost", "/dashboards"), "401");
  EXPECT_EQ(behind_.count, 2);
}

// A page whose name is made to resolve to this machine (DNS rebinding) says that name.
TEST_F(AdminGateTest, answers_nobody_who_asks_by_a_name) {
  use(kLocal);
  for (const char* host :
       {"127.0.0.1:9901", "localhost", "LocalHost:1", "[::1]:9901", "10.1.2.3"}) {
    EXPECT_EQ(ask("GET", "", host), "204") << host;
  }
  for (const char* host : {"evil.example", "evil.example:9901", "localhost.evil.example", "a"}) {
    EXPECT_EQ(ask("GET", "", host), "421") << host;
    EXPECT_THAT(answer_, HasSubstr("bad_host"));
  }
  EXPECT_EQ(behind_.count, 5);
}

TEST_F(AdminGateTest, takes_changes_as_json_only) {
  use(kLocal);
  EXPECT_EQ(ask("PUT", kJsonBody), "204");
  EXPECT_EQ(ask("PATCH",
                "Content-Type: application/merge-patch+json; charset=utf-8\r\n"
                "Content-Length: 0\r\n"),
            "204");
  EXPECT_EQ(ask("DELETE", ""), "204");
  for (const char* type :
       {"", "Content-Type: text/plain\r\n", "Content-Type: application/jsonp\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n"}) {
    EXPECT_EQ(ask("POST", std::string(type) + "Content-Length: 0\r\n"), "415") << type;
  }
}

TEST_F(AdminGateTest, takes_no_changes_from_pages_of_other_origins) {
  use(kLocal);
  for (const char* foreign :
       {"Origin: http://evil.example\r\n", "Origin: null\r\n", "Origin: http://localhost:80\r\n",
        "Origin: https://localhost:9901\r\n", "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n"}) {
    for (const char* method : {"PUT", "DELETE", "POST"}) {
      EXPECT_EQ(ask(method, std::string(foreign) + kJsonBody), "403") << foreign << method;
      EXPECT_THAT(answer_, HasSubstr("cross_origin"));
    }
  }
  EXPECT_EQ(behind_.count, 0);
  EXPECT_EQ(ask("PUT", std::string("Origin: http://localhost:9901\r\n"
                                   "Sec-Fetch-Site: same-origin\r\n") +
                           kJsonBody),
            "204");
  EXPECT_EQ(ask("OPTIONS",
                "Origin: http://evil.example\r\n"
                "Access-Control-Request-Method: PUT\r\n"),
            "204");
  EXPECT_THAT(answer_, Not(HasSubstr("Access-Control")));
}

TEST_F(AdminGateTest, wants_the_token_for_everything) {
  use("{ address: \"127.0.0.1:9901\", token_file: " + token_file_ + " }");
  EXPECT_EQ(ask("GET", ""), "401");
  EXPECT_THAT(answer_, HasSubstr("WWW-Authenticate: Bearer\r\n"));
  for (const char* wrong :
       {"Authorization: Bearer 0123456789abcdee\r\n", "Authorization: Bearer 0123456789abcdef0\r\n",
        "Authorization: Bearer \r\n", "Authorization: Basic 0123456789abcdef\r\n",
        "Authorization: 0123456789abcdef\r\n",
        "Authorization: Bearer 0123456789abcdef\r\nAuthorization: Bearer 0123456789abcdef\r\n"}) {
    EXPECT_NE(ask("GET", wrong), "204") << wrong;
  }
  EXPECT_EQ(behind_.count, 0);
  EXPECT_EQ(ask("GET", "Authorization: Bearer 0123456789abcdef\r\n", "weir.example"), "204");
  EXPECT_EQ(ask("GET", "authorization: bearer  0123456789abcdef\r\n"), "204");
}

TEST_F(AdminGateTest, takes_up_another_token_with_a_reload) {
  std::string config = "{ address: \"127.0.0.1:9901\", token_file: " + token_file_ + " }";
  use(config);
  std::ofstream(token_file_) << "another-token-0123";
  use(config);
  EXPECT_EQ(ask("GET", "Authorization: Bearer 0123456789abcdef\r\n"), "401");
  EXPECT_EQ(ask("GET", "Authorization: Bearer another-token-0123\r\n"), "204");
}

TEST_F(AdminGateTest, can_be_made_for_reading_alone) {
  use("{ address: \"127.0.0.1:9901\", read_only: true }");
  EXPECT_EQ(ask("GET", ""), "204");
  EXPECT_EQ(ask("PUT", kJsonBody), "403");
  EXPECT_THAT(answer_, HasSubstr("read_only"));
}

TEST_F(AdminGateTest, has_no_use_for_a_token_that_is_none) {
  use(kLocal);
  for (const char* text :
       {"", "short", "fifteen-letters", "two words of a token", "tok\xc3\xa4n-0123456789"}) {
    std::ofstream(token_file_) << text;
    EXPECT_FALSE(read_admin_token(token_file_)) << text;
  }
  EXPECT_FALSE(read_admin_token(folder_ + "/none"));
}

}  // namespace
}  // namespace weir
