#include "app/status.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "server/sim_server.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Unobserved final : ExchangeObserver {
  void exchange_ended(Exchange&) override {}
};

class StatusTest : public ::testing::Test {
 protected:
  StatusTest()
      : world_(1),
        host_(world_, [](Loop&) { return std::make_unique<Unobserved>(); }),
        server_(world_.network(), host_),
        client_(world_) {}

  void use() {
    test::apply(world_, server_, R"(
workers: 2
listeners:
  - { name: front, address: "10.0.0.1:80", routes: [{ reverse_proxy: api }] }
  - { name: origin, address: "10.0.0.1:81", routes: [{ respond: hello }] }
upstreams: { api: { endpoints: ["10.0.0.1:81"] }, none: { endpoints: ["later.example:80"] } }
)");
  }
  ControlAnswer status(Duration uptime = std::chrono::seconds(5)) {
    return status_of_process(server_, {"running", "weir.yaml", "sim", 42, uptime});
  }

  SimWorld world_;
  test::SimHost host_;
  Server server_;
  test::SimClient client_;
};

TEST_F(StatusTest, tells_people_what_runs) {
  use();
  client_.get("10.0.0.1:80", "/");
  ControlAnswer answer = status();
  EXPECT_TRUE(answer.ok);
  EXPECT_THAT(answer.text, HasSubstr("process 42, running for 5 s\n"));
  EXPECT_THAT(answer.text, HasSubstr("configuration weir.yaml, generation 1\n2 workers (sim)\n"));
  EXPECT_THAT(answer.text, HasSubstr("  10.0.0.1:80              0 connections\n"));
  EXPECT_THAT(answer.text, HasSubstr("  api\n    10.0.0.1:81            1 request\n"));
  EXPECT_THAT(answer.text, HasSubstr("  none\n    no endpoint yet\n"));
  test::drain(world_, server_);
}

TEST_F(StatusTest, tells_programs_the_same) {
  use();
  client_.get("10.0.0.1:80", "/");
  auto json = nlohmann::json::parse(status().data);
  EXPECT_EQ(json["pid"], 42);
  EXPECT_EQ(json["phase"], "running");
  EXPECT_EQ(json["workers"], 2);
  EXPECT_EQ(json["generation"], 1);
  EXPECT_EQ(json["uptime_seconds"], 5);
  EXPECT_EQ(json["listeners"][0]["name"], "front");
  EXPECT_EQ(json["listeners"][0]["bound"], "10.0.0.1:80");
  EXPECT_EQ(json["upstreams"]["api"][0]["requests"], 1);
  EXPECT_EQ(json["upstreams"]["api"][0]["in_flight"], 0);
  EXPECT_TRUE(json["upstreams"]["none"].empty());
  test::drain(world_, server_);
}

TEST_F(StatusTest, can_be_asked_before_anything_is_served) {
  ControlAnswer answer = status();
  EXPECT_THAT(answer.text, HasSubstr("generation 0\n0 workers"));
  EXPECT_THAT(answer.text, Not(HasSubstr("upstreams")));
}

TEST_F(StatusTest, gives_times_in_the_unit_that_people_read) {
  for (auto [seconds, text] : {std::pair{119, "119 s"},
                               {120, "2 min"},
                               {7199, "119 min"},
                               {7200, "2 h"},
                               {90'000, "25 h"}}) {
    EXPECT_THAT(status(std::chrono::seconds(seconds)).text,
                HasSubstr(std::string("running for ") + text + "\n"));
  }
}

TEST_F(StatusTest, greets_with_a_line_to_try) {
  use();
  std::string text = greeting(server_, {"running", "weir.yaml", "sim", 42, {}});
  EXPECT_THAT(text, HasSubstr("serves weir.yaml\n  http://10.0.0.1:80\n  http://10.0.0.1:81\n"));
  EXPECT_THAT(text, HasSubstr("try: curl http://10.0.0.1:80/\n"));
  test::drain(world_, server_);
}

TEST(UrlOf, is_what_a_browser_takes) {
  std::atomic<std::uint64_t> process{0};
  Overload overload;
  for (auto [bound, url] : {std::pair{"0.0.0.0:8080", "http://localhost:8080"},
                            {"[::]:8080", "http://localhost:8080"},
                            {"10.0.0.1:80", "http://10.0.0.1:80"},
                            {"[::1]:80", "http://[::1]:80"}}) {
    SharedListener listener("a", *Address::parse(bound), process, overload);
    listener.bound = listener.address;
    EXPECT_EQ(url_of(listener), url);
  }
  SharedListener unix("a", *Address::parse("unix:/run/a.sock"), process, overload);
  unix.bound = unix.address;
  EXPECT_THAT(url_of(unix), StartsWith("unix:"));
}

}  // namespace
}  // namespace weir
