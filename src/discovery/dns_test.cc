#include "discovery/dns.h"

#include <gtest/gtest.h>

#include <functional>

#include "io/dns/scripted_answers.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

using dns::asked;
using dns::ScriptedAnswer;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Texts = std::vector<std::string>;

/// Discovery in a simulated room whose one DNS server answers from `zone_`.
class DnsDiscoveryTest : public testing::Test {
 protected:
  static constexpr std::string_view kServer = "10.0.0.53:53";
  using Fill = std::function<void(ScriptedAnswer&)>;

  DnsDiscoveryTest() {
    settings_.servers.servers = {*Address::parse(kServer)};
    settings_.servers.timeout = seconds(1);
    settings_.servers.attempts = 1;
    world_.network().serve_datagrams(*Address::parse(kServer), [this](std::string_view query) {
      const auto question = asked(query);
      ++queries_[question.name + " " + std::to_string(question.type)];
      if (silent_) return Texts();
      ScriptedAnswer answer(query);
      auto entry = zone_.find({question.name, question.type});
      if (entry != zone_.end()) entry->second(answer);
      return Texts{answer.bytes()};
    });
  }
  ~DnsDiscoveryTest() override {
    if (discovery_) world_.spawn(loop_, discovery_->finish());
    EXPECT_EQ(world_.run(), SimWorld::End::reached);
    discovery_.reset();
    resolver_.reset();
    EXPECT_EQ(world_.check_clean(), "");
  }

  DnsDiscovery& discovery() {
    if (!discovery_) {
      resolver_ = std::make_unique<dns::Resolver>(loop_, std::make_shared<dns::Settings>(settings_),
                                                  42, limits_);
      discovery_ = std::make_unique<DnsDiscovery>(loop_, *resolver_);
    }
    return *discovery_;
  }
  void follow(std::vector<DnsSource> sources) {
    world_.spawn(loop_, follow_on_worker(std::move(sources)));
    world_.run_for(milliseconds(50));
  }
  Task<void> follow_on_worker(std::vector<DnsSource> sources) {
    discovery().follow(sources);
    co_return;
  }
  void follow_app() { follow({{.cluster = cluster_, .name = "app.example", .port = 80}}); }
  void wait(Duration time) { world_.run_for(time); }

  static Fill addresses(std::uint32_t ttl, Texts ips, std::string owner = "app.example") {
    return [=](ScriptedAnswer& answer) {
      for (const std::string& ip : ips) {
        if (IpAddress::parse(ip)->v4) {
          answer.a(owner, ttl, ip);
        } else {
          answer.aaaa(owner, ttl, ip);
        }
      }
    };
  }
  void set_a(Texts ips, std::uint32_t ttl = 10) {
    zone_[{"app.example", 1}] = addresses(ttl, std::move(ips));
  }
  void set_aaaa(Texts ips, std::uint32_t ttl = 10) {
    zone_[{"app.example", 28}] = addresses(ttl, std::move(ips));
  }
  void set_code(unsigned type, unsigned code) {
    zone_[{"app.example", type}] = [code](ScriptedAnswer& answer) { answer.code(code); };
  }

  Texts endpoints() const {
    Texts all;
    for (const auto& endpoint : cluster_->endpoints()->endpoints) all.push_back(endpoint->text);
    for (const auto& endpoint : cluster_->endpoints()->endpoints) {
      if (auto other = endpoint->other()) all.push_back(other->text());
    }
    return all;
  }
  DnsStatus status() { return discovery().status().at(0); }

  SimWorld world_{1};
  SimLoop& loop_ = world_.add_loop();
  std::map<std::pair<std::string, unsigned>, Fill> zone_;
  std::map<std::string, int> queries_;
  bool silent_ = false;
  dns::Settings settings_;
  dns::ResolverLimits limits_;
  std::unique_ptr<dns::Resolver> resolver_;
  std::unique_ptr<DnsDiscovery> discovery_;
  std::shared_ptr<Cluster> cluster_ = std::make_shared<Cluster>("api");
};

TEST_F(DnsDiscoveryTest, gives_the_cluster_the_addresses_of_both_families) {
  set_a({"10.1.1.2", "10.1.1.1", "10.1.1.1"});
  set_aaaa({"2001:db8::1"});
  follow_app();
  EXPECT_EQ(endpoints(), (Texts{"10.1.1.1:80", "10.1.1.2:80", "[2001:db8::1]:80"}));
  EXPECT_EQ(status().upstream, "api");
  EXPECT_EQ(status().source, "dns:app.example:80");
  EXPECT_EQ(status().answers, 2u);
  EXPECT_EQ(status().addresses, 3u);
  EXPECT_GT(status().last_answer, 0);
}

TEST_F(DnsDiscoveryTest, makes_one_endpoint_of_an_address_of_each_family) {
  set_a({"10.1.1.2", "10.1.1.1"});
  set_aaaa({"2001:db8::2", "2001:db8::1", "2001:db8::3"});
  follow_app();
  auto set = cluster_->endpoints();
  ASSERT_EQ(set->endpoints.size(), 3u);
  std::map<std::string, std::string> pairs;
  for (const auto& each : set->endpoints) {
    pairs[each->text] = each->other() ? each->other()->text() : "";
  }
  EXPECT_EQ(pairs, (std::map<std::string, std::string>{{"10.1.1.1:80", "[2001:db8::1]:80"},
                                                       {"10.1.1.2:80", "[2001:db8::2]:80"},
                                                       {"[2001:db8::3]:80", ""}}));
}

TEST_F(DnsDiscoveryTest, keeps_an_endpoint_whose_other_family_changes) {
  set_a({"10.1.1.1"}, 5);
  follow_app();
  auto before = cluster_->endpoints()->endpoints.at(0);
  EXPECT_FALSE(before->other());
  set_aaaa({"2001:db8::1"}, 5);
  wait(std::chrono::minutes(2));
  auto after = cluster_->endpoints()->endpoints;
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0], before);
  EXPECT_EQ(after[0]->other()->text(), "[2001:db8::1]:80");
}

TEST_F(DnsDiscoveryTest, resolves_again_when_the_records_expire) {
  set_a({"10.1.1.1"}, 10);
  follow_app();
  set_a({"10.1.1.1", "10.1.1.2"}, 10);
  wait(seconds(9));
  EXPECT_EQ(endpoints(), (Texts{"10.1.1.1:80"}));
  wait(seconds(3));
  EXPECT_EQ(endpoints(), (Texts{"10.1.1.1:80", "10.1.1.2:80"})) << "growth is believed at once";
  EXPECT_EQ(queries_["app.example 1"], 2);
}

TEST_F(DnsDiscoveryTest, asks_once_a_second_at_most) {
  set_a({"10.1.1.1"}, 0);
  follow_app();
  wait(seconds(10));
  EXPECT_LE(queries_["app.example 1"], 11);
  EXPECT_GE(queries_["app.example 1"], 8);
}

TEST_F(DnsDiscoveryTest, asks_for_each_family_by_its_own_ttl) {
  set_a({"10.1.1.1"}, 5);
  set_aaaa({"2001:db8::1"}, 100);
  follow_app();
  wait(seconds(50));
  EXPECT_GE(queries_["app.example 1"], 9);
  EXPECT_EQ(queries_["app.example 28"], 1);
}

TEST_F(DnsDiscoveryTest, drops_an_address_when_a_second_answer_lacks_it) {
  set_a({"10.1.1.1", "10.1.1.2"});
  follow_app();
  set_a({"10.1.1.1"});
  wait(seconds(12));
  EXPECT_EQ(queries_["app.example 1"], 2);
  EXPECT_EQ(endpoints(), (Texts{"10.1.1.1:80", "10.1.1.2:80"}));
  wait(seconds(11));
  EXPECT_EQ(queries_["app.example 1"], 3);
  EXPECT_EQ(endpoints(), (Texts{"10.1.1.1:80"}));
}

TEST_F(DnsDiscoveryTest, keeps_an_address_that_comes_back_in_between) {
  set_a({"10.1.1.1", "10.1.1.2"});
  follow_app();
  for (int round = 0; round < 6; ++round) {
    set_a({round % 2 == 0 ? "10.1.1.1" : "10.1.1.2"});
    wait(milliseconds(10'500));
    EXPECT_EQ(endpoints().size(), 2u);
  }
}

TEST_F(DnsDiscoveryTest, keeps_the_last_good_set_when_the_server_is_silent) {
  set_a({"10.1.1.1"});
  follow_app();
  silent_ = true;
  wait(std::chrono::minutes(10));
  EXPECT_EQ(endpoints(), (Texts{"10.1.1.1:80"}));
  EXPECT_GT(status().failures, 10u);
  EXPECT_EQ(status().last_error, "timeout");
  EXPECT_GT(status().last_failure, status().last_answer);
  silent_ = false;
  set_a({"10.1.1.2"});
  wait(seconds(60));
  EXPECT_EQ(endpoints(), (Texts{"10.1.1.2:80"}));
}

TEST_F(DnsDiscoveryTest, keeps_the_last_good_set_on_every_bad_answer) {
  for (unsigned code : {1u, 2u, 3u, 5u}) {
    set_a({"10.1.1.1"}, 1);
    follow_app();
    wait(seconds(40));
    set_code(1, code);
    set_code(28, code);
    wait(std::chrono::minutes(2));
    EXPECT_EQ(endpoints(), (Texts{"10.1.1.1:80"})) << code;
    if (code == 3) EXPECT_EQ(status().last_error, "nxdomain");
    zone_.clear();
  }
}

TEST_F(DnsDiscoveryTest, keeps_the_last_good_set_on_empty_answers) {
  set_a({"10.1.1.1"}, 1);
  set_aaaa({"2001:db8::1"}, 1);
  follow_app();
  zone_.clear();
  wait(std::chrono::minutes(2));
  EXPECT_EQ(endpoints(), (Texts{"10.1.1.1:80", "[2001:db8::1]:80"}));
  EXPECT_EQ(status().last_error, "nodata");
}

TEST_F(DnsDiscoveryTest, keeps_the_only_family_that_ever_answered) {
  set_a({"10.1.1.1"}, 1);
  set_code(28, 2);
  follow_app();
  set_a({});
  wait(std::chrono::minutes(2));
  EXPECT_EQ(endpoints(), (Texts{"10.1.1.1:80"}));
}

TEST_F(DnsDiscoveryTest, believes_that_one_family_is_gone_when_the_other_lives_on) {
  set_a({"10.1.1.1"}, 5);
  set_aaaa({"2001:db8::1"}, 5);
  follow_app();
  set_aaaa({});
  wait(seconds(7));
  EXPECT_EQ(endpoints(), (Texts{"10.1.1.1:80", "[2001:db8::1]:80"})) << "not confirmed yet";
  wait(seconds(7));
  EXPECT_EQ(endpoints(), (Texts{"10.1.1.1:80"}));
  EXPECT_EQ(status().failures, 0u);
}

TEST_F(DnsDiscoveryTest, keeps_one_family_while_the_other_changes) {
  set_a({"10.1.1.1"}, 5);
  set_aaaa({"2001:db8::1"}, 5);
  follow_app();
  set_code(28, 2);
  set_a({"10.1.1.2"}, 5);
  wait(seconds(30));
  EXPECT_EQ(endpoints(), (Texts{"10.1.1.2:80", "[2001:db8::1]:80"}));
  EXPECT_EQ(status().last_error, "servfail");
}

TEST_F(DnsDiscoveryTest, does_not_wait_for_one_family_to_use_the_other) {
  zone_[{"app.example", 28}] = [](ScriptedAnswer& answer) { answer.truncated(); };  // TCP refused
  set_a({"10.1.1.1"});
  follow_app();
  EXPECT_EQ(endpoints(), (Texts{"10.1.1.1:80"}));
}

TEST_F(DnsDiscoveryTest, tries_less_and_less_often_while_it_fails) {
  silent_ = true;
  follow_app();
  wait(seconds(10));
  int soon = queries_["app.example 1"];
  EXPECT_GE(soon, 3);
  wait(std::chrono::minutes(10));
  EXPECT_LE(queries_["app.example 1"] - soon, 25);
  EXPECT_GE(queries_["app.example 1"] - soon, 15);
}

TEST_F(DnsDiscoveryTest, keeps_what_it_knows_of_names_that_stay) {
  set_a({"10.1.1.1"});
  zone_[{"b.example", 1}] = addresses(10, {"10.2.2.2"}, "b.example");
  DnsSource app{.cluster = cluster_, .name = "app.example", .port = 80};
  follow({app});
  app.weight = 7;
  follow({app, {.cluster = cluster_, .name = "b.example", .port = 81}});
  EXPECT_EQ(endpoints(), (Texts{"10.1.1.1:80", "10.2.2.2:81"}));
  EXPECT_EQ(cluster_->endpoints()->weights, (std::vector<std::uint32_t>{7, 1}));
  EXPECT_EQ(queries_["app.example 1"], 1);
  EXPECT_EQ(discovery().status().size(), 2u);
}

TEST_F(DnsDiscoveryTest, notices_new_settings_within_a_minute) {
  settings_.hosts = dns::Hosts::parse("10.9.9.1 app.example\n");
  follow_app();
  EXPECT_EQ(endpoints(), (Texts{"10.9.9.1:80"}));
  settings_.hosts = dns::Hosts::parse("10.9.9.2 app.example\n");
  resolver_->configure(std::make_shared<dns::Settings>(settings_));
  wait(std::chrono::minutes(2) + seconds(15));
  EXPECT_EQ(endpoints(), (Texts{"10.9.9.2:80"}));
}

TEST_F(DnsDiscoveryTest, stops_asking_for_names_that_are_gone) {
  set_a({"10.1.1.1"}, 1);
  follow_app();
  follow({});
  int asked_before = queries_["app.example 1"];
  wait(seconds(30));
  EXPECT_EQ(queries_["app.example 1"], asked_before);
  EXPECT_TRUE(discovery().status().empty());
}

TEST_F(DnsDiscoveryTest, follows_more_names_than_may_be_asked_for_at_once) {
  limits_.queries = 4;
  std::vector<DnsSource> sources;
  for (int i = 0; i < 50; ++i) {
    std::string name = "n" + std::to_string(i) + ".example";
    zone_[{name, 1}] = addresses(60, {"10.1.1." + std::to_string(i)}, name);
    sources.push_back({.cluster = cluster_, .name = name, .port = 80});
  }
  follow(sources);
  wait(seconds(5));
  EXPECT_EQ(endpoints().size(), 50u);
  for (const DnsStatus& each : discovery().status()) EXPECT_EQ(each.failures, 0u);
}

class ServiceDiscoveryTest : public DnsDiscoveryTest {
 protected:
  void set_services(std::vector<dns::Service> services, std::uint32_t ttl = 10) {
    zone_[{"_http._tcp.example", 33}] = [=](ScriptedAnswer& answer) {
      for (const dns::Service& s : services) {
        answer.srv("_http._tcp.example", ttl, s.priority, s.weight, s.port, s.target);
      }
    };
  }
  void set_target(const std::string& name, Texts ips) {
    zone_[{name, 1}] = addresses(10, std::move(ips), name);
  }
  void follow_service() {
    follow({{.cluster = cluster_, .name = "_http._tcp.example", .service = true}});
  }
};

TEST_F(ServiceDiscoveryTest, takes_ports_and_weights_from_the_records) {
  set_services({{1, 10, 8080, "a.example"}, {1, 20, 9090, "b.example"}, {1, 0, 7070, "b.example"}});
  set_target("a.example", {"10.1.1.1"});
  set_target("b.example", {"10.1.1.2"});
  follow_service();
  EXPECT_EQ(endpoints(), (Texts{"10.1.1.1:8080", "10.1.1.2:7070", "10.1.1.2:9090"}));
  EXPECT_EQ(cluster_->endpoints()->weights, (std::vector<std::uint32_t>{50, 1, 100}));
  EXPECT_EQ(status().source, "srv:_http._tcp.example");
}

TEST_F(ServiceDiscoveryTest, uses_the_first_choice_only) {
  set_services({{5, 1, 80, "b.example"}, {1, 1, 80, "a.example"}});
  set_target("a.example", {"10.1.1.1"});
  set_target("b.example", {"10.1.1.2"});
  follow_service();
  EXPECT_EQ(endpoints(), (Texts{"10.1.1.1:80"}));
  EXPECT_EQ(queries_["b.example 1"], 0);
}

TEST_F(ServiceDiscoveryTest, follows_targets_as_they_come_and_go) {
  set_services({{1, 1, 80, "a.example"}});
  set_target("a.example", {"10.1.1.1"});
  set_target("b.example", {"10.1.1.2"});
  follow_service();
  set_services({{1, 1, 80, "b.example"}});
  wait(seconds(12));
  EXPECT_EQ(endpoints(), (Texts{"10.1.1.1:80", "10.1.1.2:80"}));
  wait(seconds(11));
  EXPECT_EQ(endpoints(), (Texts{"10.1.1.2:80"}));
  int asked_before = queries_["a.example 1"];
  wait(seconds(60));
  EXPECT_EQ(queries_["a.example 1"], asked_before);
}

TEST_F(ServiceDiscoveryTest, keeps_the_old_target_until_the_new_one_has_an_address) {
  set_services({{1, 1, 80, "a.example"}}, 1);
  set_target("a.example", {"10.1.1.1"});
  follow_service();
  set_services({{1, 1, 80, "b.example"}}, 1);
  wait(std::chrono::minutes(1));
  EXPECT_EQ(endpoints(), (Texts{"10.1.1.1:80"}));
  set_target("b.example", {"10.1.1.2"});
  wait(std::chrono::minutes(1));
  EXPECT_EQ(endpoints(), (Texts{"10.1.1.2:80"}));
}

TEST_F(ServiceDiscoveryTest, keeps_the_last_good_targets_on_failures) {
  set_services({{1, 1, 80, "a.example"}}, 1);
  set_target("a.example", {"10.1.1.1"});
  follow_service();
  for (unsigned code : {0u, 2u, 3u}) {
    zone_[{"_http._tcp.example", 33}] = [=](ScriptedAnswer& answer) { answer.code(code); };
    wait(std::chrono::minutes(1));
    EXPECT_EQ(endpoints(), (Texts{"10.1.1.1:80"}));
  }
  EXPECT_EQ(status().last_error, "nxdomain");
}

TEST_F(ServiceDiscoveryTest, does_not_look_for_targets_in_search_domains) {
  settings_.servers.search = {"evil.example"};
  set_services({{1, 1, 80, "a"}});
  zone_[{"a", 1}] = [](ScriptedAnswer& answer) { answer.code(3); };
  set_target("a.evil.example", {"6.6.6.6"});
  follow_service();
  EXPECT_TRUE(endpoints().empty());
}

TEST_F(ServiceDiscoveryTest, follows_a_hundred_targets_and_not_one_more) {
  for (std::size_t count : {99u, 100u, 101u}) {
    std::vector<dns::Service> services;
    for (std::size_t i = 0; i < count; ++i) {
      std::string target = "t" + std::to_string(i) + ".example";
      services.push_back({1, 1, 80, target});
      set_target(target, {"10.1.1." + std::to_string(i)});
    }
    zone_[{"_http._tcp.example", 33}] = [=](ScriptedAnswer& answer) {
      for (const auto& s : services) {
        answer.record(dns::wire16(0xc00c), 33, 1,
                      dns::wire16(1) + dns::wire16(1) + dns::wire16(80) + dns::wire_name(s.target));
      }
    };
    follow_service();
    wait(seconds(30));
    EXPECT_EQ(endpoints().size(), std::min<std::size_t>(count, 100));
  }
}

}  // namespace
}  // namespace weir
