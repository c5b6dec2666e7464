// UDP listeners in the simulation: clients, Weir, and endpoints that the test plays itself.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "io/datagram_testing.h"
#include "server/exchange_observer.h"
#include "server/sim_server.h"
#include "tunnel/udp_session.h"

namespace weir {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Inbox;
using Texts = std::vector<std::string>;

struct Told {
  std::string upstream, endpoint, protocol;
  std::uint64_t received, sent;
  std::uint32_t attempts;
  Error error;
};

struct Recording final : ExchangeObserver {
  explicit Recording(std::vector<Told>& to) : told(to) {}
  void exchange_ended(Exchange&) override {}
  void tunnel_ended(const TunnelRecord& record) override {
    told.push_back({std::string(record.upstream), std::string(record.endpoint),
                    std::string(record.protocol), record.received, record.sent, record.attempts,
                    record.error});
  }
  std::vector<Told>& told;
};

/// An endpoint, for as long as it lives.
class Endpoint {
 public:
  Endpoint(SimLoop& loop, std::string_view address, auto reply)
      : network_(loop.network()), heard(loop) {
    socket_ = network_.bind(*Address::parse(address), {.datagram = true}).value();
    heard.reply = reply;
    heard.use(loop.receive_datagrams(socket_, heard));
  }
  ~Endpoint() {
    heard.close();
    network_.close(socket_);
  }

 private:
  SimNetwork& network_;
  int socket_;

 public:
  Inbox heard;
};

class UdpListenerTest : public testing::Test {
 public:
  static constexpr std::string_view kFront = "10.0.0.1:53";

  UdpListenerTest()
      : world_(1),
        host_(world_, [this](Loop&) { return std::make_unique<Recording>(told_); }),
        server_(world_.network(), host_),
        outside_(world_.add_loop("192.0.2.1")) {}

  ~UdpListenerTest() override {
    if (!drained_) test::drain(world_, server_);
  }

  void use(std::string_view rest, std::string_view upstream = "") {
    test::apply(world_, server_,
                "udp:\n  - { name: main, address: \"" + std::string(kFront) +
                    "\", upstream: dns, " + std::string(rest) +
                    " }\n"
                    "upstreams:\n"
                    "  dns: { endpoints: [\"192.0.2.1:1\", \"192.0.2.1:2\"], " +
                    std::string(upstream) + " }\n");
  }
  std::unique_ptr<Inbox> connect(std::string_view address = kFront) {
    auto client = std::make_unique<Inbox>(outside_);
    client->use(outside_.connect_datagrams(*Address::parse(address), *client));
    return client;
  }
  std::uint64_t dropped(UdpDrop why) {
    return counters()->dropped[static_cast<std::size_t>(why)].value();
  }
  std::unique_ptr<UdpCounters> counters() {
    auto all = std::make_unique<UdpCounters>();
    server_.listeners().front()->datagrams.add_to(*all);
    return all;
  }
  void pass(Duration time) { world_.run_for(time); }
  void run(Task<void> task) { test::run(outside_, std::move(task)); }

  SimWorld world_;
  std::vector<Told> told_;
  test::SimHost host_;
  Server server_;
  SimLoop& outside_;
  bool drained_ = false;
};

TEST_F(UdpListenerTest, carries_datagrams_both_ways_and_tells_of_the_session_when_it_is_silent) {
  use("idle_timeout: 5s");
  run([](UdpListenerTest* self) -> Task<void> {
    Endpoint one(self->outside_, "192.0.2.1:1", test::echo);
    Endpoint two(self->outside_, "192.0.2.1:2", test::echo);
    auto client = self->connect();
    for (std::string text : {"a", "", "longer"}) {
      EXPECT_TRUE(client->say(text));
      EXPECT_TRUE(co_await client->hear(client->messages.size() + 1));
      EXPECT_EQ(client->messages.back().bytes, text);
    }
    // One client, one endpoint.
    EXPECT_EQ(one.heard.messages.size() + two.heard.messages.size(), 3u);
    EXPECT_TRUE(one.heard.messages.empty() || two.heard.messages.empty());
  }(this));
  EXPECT_TRUE(told_.empty());
  pass(seconds(6));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].upstream, "dns");
  EXPECT_EQ(told_[0].protocol, "udp");
  EXPECT_EQ(told_[0].received, 7u);
  EXPECT_EQ(told_[0].sent, 7u);
  EXPECT_EQ(told_[0].attempts, 1u);
  EXPECT_EQ(told_[0].error.code, ErrorCode::none);
  EXPECT_EQ(counters()->received.value(), 3u);
  EXPECT_EQ(counters()->sent_bytes.value(), 7u);
}

TEST_F(UdpListenerTest, many_clients_have_sessions_of_their_own_and_share_the_endpoints) {
  use("idle_timeout: 5s");
  run([](UdpListenerTest* self) -> Task<void> {
    auto one = [](const std::string& text) { return Texts{"1" + text}; };
    auto two = [](const std::string& text) { return Texts{"2" + text}; };
    Endpoint first(self->outside_, "192.0.2.1:1", one);
    Endpoint second(self->outside_, "192.0.2.1:2", two);
    std::vector<std::unique_ptr<Inbox>> clients;
    for (int i = 0; i < 100; ++i) {
      clients.push_back(self->connect());
      EXPECT_TRUE(clients.back()->say(std::to_string(i)));
    }
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE(co_await clients[i]->hear(1));
      EXPECT_EQ(clients[i]->messages[0].bytes.substr(1), std::to_string(i));
    }
    EXPECT_EQ(first.heard.messages.size(), 50u);
    EXPECT_EQ(second.heard.messages.size(), 50u);
  }(this));
}

TEST_F(UdpListenerTest, a_session_is_over_when_each_datagram_had_its_replies) {
  use("replies: 2");
  run([](UdpListenerTest* self) -> Task<void> {
    auto twice = [](const std::string& text) { return Texts{text, text}; };
    Endpoint one(self->outside_, "192.0.2.1:1", twice);
    Endpoint two(self->outside_, "192.0.2.1:2", twice);
    auto client = self->connect();
    EXPECT_TRUE(client->say("a"));
    EXPECT_TRUE(client->say("b"));  // as a resolver asks for A and AAAA at once
    EXPECT_TRUE(co_await client->hear(4));
  }(this));
  pass(milliseconds(10));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].error.code, ErrorCode::none);
}

TEST_F(UdpListenerTest, a_reply_that_does_not_come_is_told_of) {
  use("replies: 1, idle_timeout: 2s");
  run([](UdpListenerTest* self) -> Task<void> {
    auto nothing = [](const std::string&) { return Texts{}; };
    Endpoint one(self->outside_, "192.0.2.1:1", nothing);
    Endpoint two(self->outside_, "192.0.2.1:2", nothing);
    auto client = self->connect();
    EXPECT_TRUE(client->say("a"));
    co_await self->outside_.sleep_for(seconds(3));
  }(this));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].error.code, ErrorCode::response_timeout);
}

TEST_F(UdpListenerTest, an_endpoint_that_refuses_is_left_for_another_one) {
  use("idle_timeout: 5s", "balance: maglev");
  run([](UdpListenerTest* self) -> Task<void> {
    auto name = [](std::string text) { return [text](const std::string&) { return Texts{text}; }; };
    auto one = std::make_unique<Endpoint>(self->outside_, "192.0.2.1:1", name("1"));
    auto two = std::make_unique<Endpoint>(self->outside_, "192.0.2.1:2", name("2"));
    auto client = self->connect();
    EXPECT_TRUE(client->say("a"));
    EXPECT_TRUE(co_await client->hear(1));
    std::string before = client->messages[0].bytes;
    (before == "1" ? one : two).reset();
    EXPECT_TRUE(client->say("lost"));
    co_await self->outside_.sleep_for(milliseconds(10));
    EXPECT_TRUE(client->say("b"));
    EXPECT_TRUE(co_await client->hear(2));
    EXPECT_NE(client->messages[1].bytes, before);
  }(this));
  pass(seconds(6));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].attempts, 2u);
}

TEST_F(UdpListenerTest, endpoints_that_refuse_are_ejected_and_silent_ones_are_not) {
  use("replies: 1, idle_timeout: 100ms", "outliers: { connect_failures: 2 }");
  run([](UdpListenerTest* self) -> Task<void> {
    auto nothing = [](const std::string&) { return Texts{}; };
    Endpoint silent(self->outside_, "192.0.2.1:1", nothing);  // nobody is at 192.0.2.1:2
    for (int i = 0; i < 20; ++i) {
      auto client = self->connect();
      EXPECT_TRUE(client->say("a"));
      co_await self->outside_.sleep_for(milliseconds(200));
    }
    EXPECT_GE(silent.heard.messages.size(), 16u);
  }(this));
}

TEST_F(UdpListenerTest, a_client_gets_no_more_than_a_multiple_of_what_it_sent) {
  use("amplification: 3");
  run([](UdpListenerTest* self) -> Task<void> {
    auto large = [](const std::string& text) {
      return Texts{std::string(3 * text.size(), 'x'), "y"};
    };
    Endpoint one(self->outside_, "192.0.2.1:1", large);
    Endpoint two(self->outside_, "192.0.2.1:2", large);
    auto client = self->connect();
    EXPECT_TRUE(client->say("1234567"));
    co_await self->outside_.sleep_for(milliseconds(10));
    Texts heard = client->texts();
    EXPECT_EQ(heard.size(), 1u);
  }(this));
  EXPECT_EQ(dropped(UdpDrop::amplification), 1u);
  EXPECT_LE(counters()->sent_bytes.value(), 21u);
}

TEST_F(UdpListenerTest, a_full_table_takes_a_new_client_in_place_of_one_that_never_answered) {
  use("limits: { max_sessions: 3 }");
  run([](UdpListenerTest* self) -> Task<void> {
    Endpoint one(self->outside_, "192.0.2.1:1", test::echo);
    Endpoint two(self->outside_, "192.0.2.1:2", test::echo);
    std::vector<std::unique_ptr<Inbox>> clients;
    auto speak = [&](std::size_t i) { EXPECT_TRUE(clients[i]->say(std::to_string(i))); };
    for (std::size_t i = 0; i < 5; ++i) clients.push_back(self->connect());
    for (std::size_t i : {0, 1}) {  // these two go on
      speak(i);
      EXPECT_TRUE(co_await clients[i]->hear(1));
      speak(i);
      EXPECT_TRUE(co_await clients[i]->hear(2));
    }
    speak(2);
    EXPECT_TRUE(co_await clients[2]->hear(1));
    EXPECT_TRUE(self->told_.empty());
    speak(3);  // in place of 2
    EXPECT_TRUE(co_await clients[3]->hear(1));
    EXPECT_EQ(self->told_.size(), 1u);
    speak(3);
    EXPECT_TRUE(co_await clients[3]->hear(2));
    speak(4);  // nobody is left that would give way
    co_await self->outside_.sleep_for(milliseconds(10));
    EXPECT_TRUE(clients[4]->messages.empty());
    speak(0);
    EXPECT_TRUE(co_await clients[0]->hear(3));
  }(this));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].error.code, ErrorCode::limit);
  EXPECT_EQ(dropped(UdpDrop::sessions_full), 1u);
}

TEST_F(UdpListenerTest, one_client_has_only_so_many_sessions) {
  use("limits: { max_sessions_per_client: 2 }");
  run([](UdpListenerTest* self) -> Task<void> {
    Endpoint one(self->outside_, "192.0.2.1:1", test::echo);
    Endpoint two(self->outside_, "192.0.2.1:2", test::echo);
    std::vector<std::unique_ptr<Inbox>> clients;
    for (int i = 0; i < 3; ++i) {
      clients.push_back(self->connect());
      EXPECT_TRUE(clients.back()->say("x"));
      co_await self->outside_.sleep_for(milliseconds(10));
    }
    EXPECT_EQ(clients[1]->messages.size(), 1u);
    EXPECT_EQ(clients[2]->messages.size(), 0u);
  }(this));
  EXPECT_EQ(dropped(UdpDrop::client_sessions), 1u);
}

TEST_F(UdpListenerTest, a_reload_keeps_sessions_whose_listener_remains) {
  use("idle_timeout: 50s", "balance: round_robin");
  auto one = std::make_unique<Endpoint>(outside_, "192.0.2.1:1", test::echo);
  auto two = std::make_unique<Endpoint>(outside_, "192.0.2.1:2", test::echo);
  auto client = connect();
  auto ask = [](Inbox* who) -> Task<void> {
    EXPECT_TRUE(who->say("x"));
    EXPECT_TRUE(co_await who->hear(who->messages.size() + 1));
  };
  run(ask(client.get()));
  use("idle_timeout: 60s", "balance: least_requests");
  run(ask(client.get()));
  EXPECT_TRUE(told_.empty());
  EXPECT_TRUE(one->heard.messages.empty() || two->heard.messages.empty());
  // Without its listener it ends.
  test::apply(world_, server_,
              "udp: [{ address: \"10.0.0.1:54\", upstream: dns }]\n"
              "upstreams: { dns: { endpoints: [\"192.0.2.1:1\"] } }\n");
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].error.code, ErrorCode::shutting_down);
  client.reset();
  one.reset();
  two.reset();
}

TEST_F(UdpListenerTest, without_an_endpoint_datagrams_are_dropped_and_counted) {
  test::apply(world_, server_,
              "udp: [{ address: \"" + std::string(kFront) +
                  "\", upstream: dns }]\n"
                  "upstreams: { dns: { endpoints: [\"192.0.2.1:1\"], "
                  "breaker: { max_requests: 1 } } }\n");
  run([](UdpListenerTest* self) -> Task<void> {
    Endpoint one(self->outside_, "192.0.2.1:1", test::echo);
    auto first = self->connect();
    auto second = self->connect();
    EXPECT_TRUE(first->say("x"));
    EXPECT_TRUE(co_await first->hear(1));
    EXPECT_TRUE(second->say("x"));
    co_await self->outside_.sleep_for(milliseconds(10));
    EXPECT_TRUE(second->messages.empty());
  }(this));
  EXPECT_EQ(dropped(UdpDrop::no_endpoint), 1u);
}

// --- QUIC

const std::string kLong = std::string("\xc3\0\0\0\1", 5);

std::string long_header(std::string_view destination, std::string_view source) {
  std::string text = kLong;
  for (std::string_view id : {destination, source}) {
    text += static_cast<char>(id.size());
    text += id;
  }
  return text + "packet";
}

std::string short_header(std::string_view destination) {
  return "\x41" + std::string(destination) + "packet";
}

/// Names its ID to whoever begins a connection, and answers everything else with its number.
auto quic_server(std::string number, std::string id) {
  return [number, id](const std::string& text) {
    if (text.starts_with(kLong)) return Texts{long_header("client", id)};
    return Texts{number + std::string(20, '.')};
  };
}

TEST_F(UdpListenerTest, a_quic_client_whose_address_changes_stays_with_its_endpoint) {
  use("quic: true");
  run([](UdpListenerTest* self) -> Task<void> {
    Endpoint one(self->outside_, "192.0.2.1:1", quic_server("1", "firstid1"));
    Endpoint two(self->outside_, "192.0.2.1:2", quic_server("2", "secondid2"));
    auto client = self->connect();
    EXPECT_TRUE(client->say(long_header("chosen by chance", "client")));
    EXPECT_TRUE(co_await client->hear(1));
    std::string id =
        client->messages[0].bytes.ends_with("firstid1packet") ? "firstid1" : "secondid2";
    char number = id == "firstid1" ? '1' : '2';
    for (int i = 0; i < 9; ++i) {
      auto moved = self->connect();
      EXPECT_TRUE(moved->say(short_header(id)));
      EXPECT_TRUE(co_await moved->hear(1));
      EXPECT_EQ(moved->messages[0].bytes[0], number);
    }
    // An ID that nobody knows is no reason to refuse: other processes may.
    auto stranger = self->connect();
    EXPECT_TRUE(stranger->say(short_header("whatever")));
    EXPECT_TRUE(co_await stranger->hear(1));
  }(this));
}

TEST_F(UdpListenerTest, a_quic_client_proves_its_address_by_the_id_that_it_was_sent) {
  use("quic: true");
  auto large = [](const std::string& text) {
    if (text.starts_with(kLong)) return Texts{long_header("client", "endpoint")};
    return Texts{std::string(10'000, 'x')};
  };
  run([](UdpListenerTest* self, decltype(large) reply) -> Task<void> {
    Endpoint one(self->outside_, "192.0.2.1:1", reply);
    Endpoint two(self->outside_, "192.0.2.1:2", reply);
    auto client = self->connect();
    EXPECT_TRUE(client->say(long_header("chosen by chance", "client")));
    EXPECT_TRUE(co_await client->hear(1));
    EXPECT_TRUE(client->say(short_header("guessed!")));
    co_await self->outside_.sleep_for(milliseconds(10));
    EXPECT_EQ(client->messages.size(), 1u);
    EXPECT_TRUE(client->say(short_header("endpoint")));
    EXPECT_TRUE(co_await client->hear(2));
    EXPECT_EQ(client->messages[1].bytes.size(), 10'000u);
  }(this, large));
  EXPECT_EQ(dropped(UdpDrop::amplification), 1u);
}

TEST_F(UdpListenerTest, what_is_no_quic_begins_no_session_of_it) {
  use("quic: true");
  run([](UdpListenerTest* self) -> Task<void> {
    auto client = self->connect();
    EXPECT_TRUE(client->say(""));
    EXPECT_TRUE(client->say("\xc3 no header"));
    co_await self->outside_.sleep_for(milliseconds(10));
  }(this));
  EXPECT_EQ(dropped(UdpDrop::not_quic), 2u);
}

TEST_F(UdpListenerTest, an_idle_session_is_small) {
  // With its socket, the place in the table and the count of its client: less than 400 bytes.
  EXPECT_LE(sizeof(UdpSession), 256u);
}

TEST(UdpConfigTest, says_what_is_wrong) {
  auto errors = [](std::string text) {
    config::Diagnostics diagnostics;
    auto document = config::read_text("weir.yaml", std::move(text), diagnostics);
    parse_server_config(document, diagnostics);
    return diagnostics.render();
  };
  auto with = [&](std::string upstream, std::string address = ":53") {
    return errors("udp: [{ address: \"" + address +
                  "\", upstream: dns }]\nupstreams: { dns: { endpoints: [\"127.0.0.1:1\"], " +
                  upstream + " } }\n");
  };
  EXPECT_EQ(with("balance: maglev"), "");
  EXPECT_NE(with("tls: {}").find("datagrams cannot have"), std::string::npos);
  EXPECT_NE(with("proxy_protocol: v2").find("datagrams cannot have"), std::string::npos);
  EXPECT_NE(with("balance: { algorithm: maglev, key: \"header.x\" }").find("only requests have"),
            std::string::npos);
  EXPECT_NE(with("balance: maglev", "unix:/a").find("no Unix sockets"), std::string::npos);
  EXPECT_EQ(errors("listeners: [\":443\"]\nroutes: [{ respond: { status: 200 } }]\n"
                   "udp: [{ address: \":443\", upstream: a }]\n"
                   "upstreams: { a: { endpoints: [\"127.0.0.1:1\"] } }\n"),
            "");
  EXPECT_NE(errors("udp: [{ address: \":53\", upstream: a }, { address: \":53\", upstream: a }]\n"
                   "upstreams: { a: { endpoints: [\"127.0.0.1:1\"] } }\n")
                .find("already taken"),
            std::string::npos);
}

}  // namespace
}  // namespace weir
