#include "server/server.h"

#include <algorithm>
#include <map>

#include "server/sim_server.h"

namespace weir {
namespace {

struct Unobserved final : ExchangeObserver {
  void exchange_ended(Exchange&) override {}
};

constexpr std::string_view kOrigin = R"(
  - address: "10.0.0.1:81"
    routes: [{ respond: { body: "from the origin" } }]
)";

class ServerTest : public testing::Test {
 protected:
  ServerTest()
      : world_(1),
        host_(world_, [](Loop&) { return std::make_unique<Unobserved>(); }),
        server_(world_.network(), host_),
        client_(world_) {}

  /// One listener whose only route is `route`, and an origin.
  void use(std::string_view route, std::string_view rest = {}) {
    test::apply(world_, server_,
                "listeners:\n  - address: \"10.0.0.1:80\"\n    routes: [" + std::string(route) +
                    "]\n" + std::string(kOrigin).substr(1) + std::string(rest));
  }
  void use_upstream() {
    use("{ reverse_proxy: api }", "upstreams: { api: { endpoints: [\"10.0.0.1:81\"] } }\n");
  }
  std::string body() { return test::SimClient::body_of(client_.get("10.0.0.1:80", "/")); }

  SimWorld world_;
  test::SimHost host_;
  Server server_;
  test::SimClient client_;
};

TEST_F(ServerTest, serves_what_the_configuration_says) {
  use_upstream();
  EXPECT_EQ(body(), "from the origin");
  test::drain(world_, server_);
}

TEST_F(ServerTest, answers_by_the_new_configuration_once_it_is_in_force) {
  use("{ respond: { body: one } }");
  EXPECT_EQ(body(), "one");
  use("{ respond: { body: two } }");
  EXPECT_EQ(body(), "two");
  test::drain(world_, server_);
}

TEST_F(ServerTest, keeps_the_old_configuration_when_an_address_cannot_be_bound) {
  use("{ respond: { body: old } }");
  Result<int> taken = world_.network().bind(*Address::parse("10.0.0.1:82"), {.reuse_port = false});
  ASSERT_TRUE(taken);
  config::Diagnostics diagnostics;
  EXPECT_FALSE(server_.apply(
      test::config_of("listeners:\n  - { address: \"10.0.0.1:80\", routes: [{ respond: new }] }\n"
                      "  - { address: \"10.0.0.1:82\", routes: [{ respond: new }] }\n"),
      diagnostics, [] {}));
  EXPECT_NE(diagnostics.render().find("cannot listen on 10.0.0.1:82"), std::string::npos);
  EXPECT_EQ(body(), "old");
  world_.network().close(*taken);
  test::drain(world_, server_);
}

TEST_F(ServerTest, frees_the_pools_and_the_cluster_of_an_upstream_that_is_gone) {
  use_upstream();
  EXPECT_EQ(body(), "from the origin");
  std::weak_ptr<Cluster> cluster = server_.clusters().at(0);
  use("{ respond: { body: alone } }");
  world_.run_for(std::chrono::seconds(1));
  EXPECT_TRUE(cluster.expired());
  test::drain(world_, server_);
}

TEST_F(ServerTest, keeps_the_cluster_of_an_upstream_that_stays) {
  use_upstream();
  std::shared_ptr<Cluster> cluster = server_.clusters().at(0);
  use_upstream();
  EXPECT_EQ(server_.clusters().at(0), cluster);
  EXPECT_EQ(body(), "from the origin");
  test::drain(world_, server_);
}

/// Counts the exchanges of its worker in a cell of its own.
struct Counting final : ExchangeObserver {
  explicit Counting(int& cell) : count(cell) {}
  void exchange_ended(Exchange&) override { ++count; }
  int& count;
};

TEST(ServerWorkers, all_get_connections_whatever_their_number_was_before) {
  SimWorld world(1);
  std::map<Loop*, int> served;
  test::SimHost host(world, [&](Loop& loop) { return std::make_unique<Counting>(served[&loop]); });
  Server server(world.network(), host);
  test::SimClient client(world);
  for (unsigned workers : {3u, 1u, 4u, 2u, 1u, 3u, 2u}) {
    test::apply(
        world, server,
        "workers: " + std::to_string(workers) +
            "\nlisteners:\n  - { address: \"10.0.0.1:80\", routes: [{ respond: here }] }\n");
    for (auto& each : served) each.second = 0;
    for (int i = 0; i < 100; ++i) {
      ASSERT_EQ(test::SimClient::body_of(client.get("10.0.0.1:80", "/")), "here");
    }
    auto busy = std::ranges::count_if(served, [](const auto& each) { return each.second > 10; });
    EXPECT_EQ(busy, workers);
  }
  test::drain(world, server);
}

}  // namespace
}  // namespace weir
