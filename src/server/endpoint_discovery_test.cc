#include "server/endpoint_discovery.h"

#include <gmock/gmock.h>

#include "io/dns/scripted_answers.h"
#include "server/sim_server.h"

namespace weir {
namespace {

using dns::asked;
using dns::ScriptedAnswer;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using Texts = std::vector<std::string>;

/// A server whose endpoints are names, in a room with one DNS server.
class EndpointDiscoveryTest : public testing::Test {
 protected:
  EndpointDiscoveryTest() {
    Address address = *Address::parse("10.0.0.53:53");
    auto settings = std::make_shared<dns::Settings>();
    settings->servers.servers = {address};
    settings->servers.timeout = std::chrono::seconds(10);
    discovery_ = std::make_unique<EndpointDiscovery>(loop_, settings, 42);
    world_.network().serve_datagrams(address, [this](std::string_view query) {
      ++queries_;
      ScriptedAnswer answer(query);
      auto known = names_.find(asked(query).name);
      if (silent_) return Texts();
      if (asked(query).name == "_http._tcp.test" && asked(query).type == 33) {
        answer.srv("_http._tcp.test", 60, 1, 10, 8080, "a.test");
        return Texts{answer.srv("_http._tcp.test", 60, 1, 10, 8081, "b.test").bytes()};
      }
      if (known == names_.end()) return Texts{answer.code(3).bytes()};
      if (asked(query).type == 1) answer.a(known->first, 60, known->second);
      return Texts{answer.bytes()};
    });
  }
  ~EndpointDiscoveryTest() override {
    world_.spawn(loop_, discovery_->finish());
    EXPECT_EQ(world_.run(), SimWorld::End::reached);
    discovery_.reset();
    EXPECT_EQ(world_.check_clean(), "");
  }

  static ServerConfig config_with(const Texts& endpoints) {
    std::string list;
    for (const std::string& each : endpoints) list += (list.empty() ? "\"" : ", \"") + each + "\"";
    return test::config_of(
        "listeners: [\"10.0.0.1:80\"]\nroutes: [{ reverse_proxy: api }]\n"
        "upstreams: { api: { endpoints: [" +
        list + "] } }\n");
  }
  /// As a process does it; gives how long the names kept it waiting.
  Duration put_in_force(const Texts& endpoints) {
    ServerConfig config = config_with(endpoints);
    TimePoint began = world_.now();
    test::run(loop_, discovery_->prepare(config));
    Duration waited = world_.now() - began;
    test::run(loop_, follow(std::move(config)));
    return waited;
  }
  Task<void> follow(ServerConfig config) {
    discovery_->follow(config, clusters_);
    co_return;
  }
  Texts endpoints() const {
    Texts all;
    for (const auto& each : cluster_->endpoints()->endpoints) all.push_back(each->text);
    return all;
  }

  SimWorld world_{1};
  SimLoop& loop_ = world_.add_loop();
  std::map<std::string, std::string> names_{{"a.test", "10.0.0.7"}, {"b.test", "10.0.0.8"}};
  int queries_ = 0;
  bool silent_ = false;
  std::unique_ptr<EndpointDiscovery> discovery_;
  std::shared_ptr<Cluster> cluster_ = std::make_shared<Cluster>("api");
  ClusterMap clusters_{{"api", cluster_}};
};

TEST_F(EndpointDiscoveryTest, fills_clusters_at_once_with_what_was_prepared) {
  put_in_force({"a.test:80", "b.test:81"});
  EXPECT_THAT(endpoints(), ElementsAre("10.0.0.7:80", "10.0.0.8:81"));
}

TEST_F(EndpointDiscoveryTest, takes_hosts_and_ports_of_a_service_from_its_records) {
  put_in_force({"srv:_http._tcp.test"});
  EXPECT_THAT(endpoints(), ElementsAre("10.0.0.7:8080", "10.0.0.8:8081"));
  int before = queries_;
  put_in_force({"srv:_http._tcp.test", "10.0.0.1:80"});
  EXPECT_EQ(queries_, before);
  put_in_force({"srv:_nothing._tcp.test"});
  EXPECT_THAT(endpoints(), IsEmpty());
}

TEST_F(EndpointDiscoveryTest, never_leaves_a_cluster_empty_when_an_address_becomes_a_name) {
  cluster_->update("", {{*Address::parse("10.0.0.1:80"), 1}});
  put_in_force({"a.test:80"});
  EXPECT_THAT(endpoints(), ElementsAre("10.0.0.1:80", "10.0.0.7:80")) << "the server drops the old";
}

TEST_F(EndpointDiscoveryTest, drops_the_addresses_of_names_that_are_not_configured_any_more) {
  put_in_force({"a.test:80", "b.test:80"});
  put_in_force({"b.test:80"});
  EXPECT_THAT(endpoints(), ElementsAre("10.0.0.8:80"));
  put_in_force({"10.0.0.9:80"});
  EXPECT_THAT(endpoints(), IsEmpty());
}

TEST_F(EndpointDiscoveryTest, does_not_ask_again_for_names_that_it_follows) {
  put_in_force({"a.test:80"});
  int before = queries_;
  EXPECT_LT(put_in_force({"a.test:80"}), std::chrono::microseconds(100));
  EXPECT_EQ(queries_, before);
}

TEST_F(EndpointDiscoveryTest, waits_a_limited_time_for_a_server_that_is_silent) {
  silent_ = true;
  Duration waited = put_in_force({"a.test:80", "b.test:80"});
  EXPECT_GE(waited, EndpointDiscovery::kFirstAnswers);
  EXPECT_LE(waited, EndpointDiscovery::kFirstAnswers + milliseconds(10));
  EXPECT_THAT(endpoints(), IsEmpty());
  silent_ = false;
  world_.run_for(std::chrono::seconds(60));
  EXPECT_THAT(endpoints(), ElementsAre("10.0.0.7:80", "10.0.0.8:80"));
}

TEST_F(EndpointDiscoveryTest, loses_no_endpoint_to_a_reload_while_the_server_is_silent) {
  put_in_force({"a.test:80"});
  silent_ = true;
  world_.run_for(std::chrono::minutes(5));
  put_in_force({"a.test:80", "b.test:81"});
  EXPECT_THAT(endpoints(), ElementsAre("10.0.0.7:80"));
  names_.erase("a.test");
  silent_ = false;
  world_.run_for(std::chrono::minutes(5));
  EXPECT_THAT(endpoints(), ElementsAre("10.0.0.7:80", "10.0.0.8:81")) << "no such name, it says";
}

TEST_F(EndpointDiscoveryTest, does_not_wait_for_names_that_do_not_exist) {
  EXPECT_LT(put_in_force({"a.test:80", "nobody.test:80"}), milliseconds(500));
  EXPECT_THAT(endpoints(), ElementsAre("10.0.0.7:80"));
}

}  // namespace
}  // namespace weir
