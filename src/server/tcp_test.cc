// TCP listeners in the simulation: a client, Weir, and an origin that the test plays itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "io/client_hello_testing.h"
#include "io/deadline.h"
#include "server/exchange_observer.h"
#include "server/sim_server.h"

namespace weir {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// What is kept of a record, whose text is gone after the call.
struct Told {
  std::string upstream, endpoint, server_name;
  std::string client;
  std::uint64_t received, sent;
  std::uint32_t attempts;
  Error error;
};

struct Recording final : ExchangeObserver {
  explicit Recording(std::vector<Told>& to) : told(to) {}
  void exchange_ended(Exchange&) override {}
  void tunnel_ended(const TunnelRecord& record) override {
    told.push_back({std::string(record.upstream), std::string(record.endpoint),
                    std::string(record.server_name), record.client.ip().text(), record.received,
                    record.sent, record.attempts, record.error});
  }
  std::vector<Told>& told;
};

class TcpListener : public testing::Test {
 public:
  static constexpr std::string_view kFront = "10.0.0.1:5432";
  static constexpr std::string_view kElsewhere = "203.0.113.9:3306";

  TcpListener()
      : world_(1),
        host_(world_, [this](Loop&) { return std::make_unique<Recording>(told_); }),
        server_(world_.network(), host_),
        outside_(world_.add_loop("192.0.2.1")) {}

  ~TcpListener() override {
    if (!drained_) test::drain(world_, server_);
  }

  /// Nobody listens at 192.0.2.1:9.
  void use(std::string_view rest, std::string_view more = "") {
    test::apply(world_, server_,
                "tcp:\n  - { address: \"" + std::string(kFront) + "\", " + std::string(rest) +
                    " }\n" + std::string(more) +
                    "upstreams:\n"
                    "  db: { endpoints: [\"192.0.2.1:1\"] }\n"
                    "  other: { endpoints: [\"192.0.2.1:2\"] }\n"
                    "  dead: { endpoints: [\"192.0.2.1:9\"] }\n"
                    "  half: { endpoints: [\"192.0.2.1:9\", \"192.0.2.1:1\"] }\n"
                    "  one: { endpoints: [\"192.0.2.1:1\"], endpoint_limits: { max_requests: 1,"
                    " queue: 1, queue_timeout: 10s } }\n"
                    "  narrow: { endpoints: [\"192.0.2.1:1\"], endpoint_limits:"
                    " { max_connections: 1, queue: 1, queue_timeout: 10s } }\n"
                    "  told: { endpoints: [\"192.0.2.1:1\"], proxy_protocol: v1 }\n");
  }
  Task<std::unique_ptr<Stream>> connect(std::string_view address = kFront) {
    auto stream = co_await outside_.connect(*Address::parse(address));
    EXPECT_TRUE(stream);
    co_return std::move(*stream);
  }
  Task<std::unique_ptr<Stream>> accept(test::Service& at) {
    Deadline patience(outside_, minutes(1));
    auto stream = co_await at.listener().accept(patience.token());
    if (!stream) ADD_FAILURE() << "no tunnel came to " << at.address().text();
    co_return stream ? std::move(*stream) : nullptr;
  }
  /// What a client meets that says nothing. A reset may be faster than the news that it is
  /// connected.
  Task<std::string> fate(std::string_view at = kFront) {
    auto stream = co_await outside_.connect(*Address::parse(at));
    if (!stream) co_return std::string(name(stream.error().code));
    co_return co_await read(**stream);
  }
  /// What clients send to `wanted` comes to kFront; what Weir sends there does not.
  void intercept(bool keep, std::string_view wanted = kElsewhere) {
    world_.network().intercept(*IpAddress::parse("192.0.2.1"), *Address::parse(wanted),
                               *Address::parse(kFront), keep);
  }
  /// How the stream goes on: text, or the name of the error.
  Task<std::string> read(Stream& stream) {
    Result<Slice> got = co_await stream.read();
    co_return got ? std::string(got->view()) : std::string(name(got.error().code));
  }
  /// The record of a tunnel is there soon after both of its ends.
  Told record() {
    world_.run_until([&] { return !told_.empty(); });
    EXPECT_EQ(told_.size(), 1u);
    return told_.empty() ? Told{} : told_.front();
  }
  template <class T>
  void run(Task<T> task) {
    test::run(outside_, std::move(task));
  }

  SimWorld world_;
  std::vector<Told> told_;
  test::SimHost host_;
  Server server_;
  SimLoop& outside_;
  bool drained_ = false;
};

TEST_F(TcpListener, carries_bytes_both_ways_and_each_end_by_itself) {
  use("upstream: db");
  run([](TcpListener* self) -> Task<void> {
    test::Service db(self->outside_, self->world_.network(), "192.0.2.1:1");
    auto client = co_await self->connect();
    auto origin = co_await self->accept(db);
    (void)co_await test::write_text(*client, "question");
    client->shutdown_write();
    ErrorCode end;
    EXPECT_EQ(co_await test::read_all(*origin, end), "question");
    EXPECT_EQ(end, ErrorCode::end_of_stream);
    (void)co_await test::write_text(*origin, "the answer");
    origin->shutdown_write();
    EXPECT_EQ(co_await test::read_all(*client, end), "the answer");
    EXPECT_EQ(end, ErrorCode::end_of_stream);
  }(this));
  Told told = record();
  EXPECT_EQ(told.upstream, "db");
  EXPECT_EQ(told.endpoint, "192.0.2.1:1");
  EXPECT_EQ(told.client, "192.0.2.1");
  EXPECT_EQ(told.received, 8u);
  EXPECT_EQ(told.sent, 10u);
  EXPECT_EQ(told.attempts, 1u);
  EXPECT_EQ(told.error.code, ErrorCode::none);
}

TEST_F(TcpListener, passes_a_reset_of_the_origin_on_as_a_reset) {
  use("upstream: db");
  run([](TcpListener* self) -> Task<void> {
    test::Service db(self->outside_, self->world_.network(), "192.0.2.1:1");
    auto client = co_await self->connect();
    auto origin = co_await self->accept(db);
    origin->reset_on_close();
    origin.reset();
    EXPECT_EQ(co_await self->read(*client), "reset");
  }(this));
  Told told = record();
  EXPECT_EQ(told.error.code, ErrorCode::reset);
  EXPECT_EQ(told.error.origin, Origin::upstream);
}

TEST_F(TcpListener, passes_a_reset_of_the_client_on_as_a_reset) {
  use("upstream: db");
  run([](TcpListener* self) -> Task<void> {
    test::Service db(self->outside_, self->world_.network(), "192.0.2.1:1");
    auto client = co_await self->connect();
    auto origin = co_await self->accept(db);
    client->reset_on_close();
    client.reset();
    EXPECT_EQ(co_await self->read(*origin), "reset");
  }(this));
  EXPECT_EQ(record().error.origin, Origin::client);
}

TEST_F(TcpListener, takes_the_next_endpoint_when_one_cannot_be_connected_to) {
  use("upstream: half");
  run([](TcpListener* self) -> Task<void> {
    test::Service db(self->outside_, self->world_.network(), "192.0.2.1:1");
    for (int i = 0; i < 4; ++i) {
      auto client = co_await self->connect();
      auto origin = co_await self->accept(db);
      EXPECT_TRUE(origin);
    }
  }(this));
  world_.run_until([&] { return told_.size() == 4; });
  std::uint32_t attempts = 0;
  for (const Told& told : told_) attempts += told.attempts;
  EXPECT_GT(attempts, 4u) << "the dead one was never tried";
  EXPECT_EQ(told_.front().endpoint, "192.0.2.1:1");
}

TEST_F(TcpListener, resets_the_client_when_no_endpoint_answers) {
  use("upstream: dead");
  run([](TcpListener* self) -> Task<void> { EXPECT_EQ(co_await self->fate(), "reset"); }(this));
  Told told = record();
  EXPECT_EQ(told.upstream, "dead");
  EXPECT_EQ(told.error.code, ErrorCode::refused);
  EXPECT_EQ(told.error.origin, Origin::upstream);
}

TEST_F(TcpListener, ends_a_tunnel_in_which_both_sides_are_silent) {
  use("upstream: db, timeouts: { idle: 10s }");
  run([](TcpListener* self) -> Task<void> {
    test::Service db(self->outside_, self->world_.network(), "192.0.2.1:1");
    auto client = co_await self->connect();
    auto origin = co_await self->accept(db);
    TimePoint began = self->outside_.now();
    EXPECT_EQ(co_await self->read(*client), "end_of_stream");
    EXPECT_GE(self->outside_.now() - began, seconds(10));
  }(this));
  EXPECT_EQ(record().error.code, ErrorCode::idle_timeout);
}

TEST_F(TcpListener, refuses_a_client_that_has_too_many_connections) {
  use("upstream: db, limits: { max_connections_per_client: 2 }");
  run([](TcpListener* self) -> Task<void> {
    test::Service db(self->outside_, self->world_.network(), "192.0.2.1:1");
    auto first = co_await self->connect();
    auto second = co_await self->connect();
    EXPECT_EQ(co_await self->fate(), "reset");
    auto origin = co_await self->accept(db);
    auto another = co_await self->accept(db);
    origin.reset();
    another.reset();
    EXPECT_EQ(co_await self->read(*first), "end_of_stream");
    EXPECT_EQ(co_await self->read(*second), "end_of_stream");
    first.reset();
    second.reset();
    co_await self->outside_.sleep_for(seconds(1));
    auto fourth = co_await self->connect();
    EXPECT_TRUE(co_await self->accept(db)) << "those that have ended do not count";
  }(this));
}

/// By a limit of requests, and by one of connections.
class LimitedTcp : public TcpListener, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Limits, LimitedTcp, testing::Values("one", "narrow"));

TEST_P(LimitedTcp, waits_in_order_for_an_endpoint_that_has_as_many_tunnels_as_it_may) {
  use("upstream: " + std::string(GetParam()));
  run([](TcpListener* self) -> Task<void> {
    test::Service db(self->outside_, self->world_.network(), "192.0.2.1:1");
    auto first = co_await self->connect();
    auto origin = co_await self->accept(db);
    auto second = co_await self->connect();
    co_await self->outside_.sleep_for(seconds(1));
    auto third = co_await self->connect();
    EXPECT_EQ(co_await self->read(*third), "reset") << "the queue has one place";
    first.reset();
    EXPECT_EQ(co_await self->read(*origin), "end_of_stream");
    origin.reset();
    auto next = co_await self->accept(db);
    (void)co_await test::write_text(*second, "at last");
    EXPECT_EQ(co_await self->read(*next), "at last");
    auto fourth = co_await self->connect();
    TimePoint began = self->outside_.now();
    EXPECT_EQ(co_await self->read(*fourth), "reset");
    EXPECT_GE(self->outside_.now() - began, seconds(10));
  }(this));
  world_.run_until([&] { return told_.size() == 4; });
  std::vector<ErrorCode> ends;
  for (const Told& told : told_) ends.push_back(told.error.code);
  EXPECT_THAT(ends, testing::UnorderedElementsAre(ErrorCode::queue_full, ErrorCode::none,
                                                  ErrorCode::queue_timeout, testing::_));
}

// --- routes ----------------------------------------------------------------------------------

constexpr std::string_view kByBytes =
    "routes: [{ match: { sni: \"*.example\" }, upstream: db },"
    " { match: { protocol: [ssh, tls] }, upstream: dead }, { upstream: other }]";

TEST_F(TcpListener, goes_by_the_server_name_of_a_hello_that_comes_in_pieces) {
  use(kByBytes);
  run([](TcpListener* self) -> Task<void> {
    test::Service db(self->outside_, self->world_.network(), "192.0.2.1:1");
    auto client = co_await self->connect();
    std::string bytes = test::in_records(test::hello_message(test::sni("a.example")), 30);
    for (std::size_t i = 0; i < bytes.size(); i += 20) {
      (void)co_await test::write_text(*client, bytes.substr(i, 20));
      co_await self->outside_.sleep_for(milliseconds(100));
    }
    auto origin = co_await self->accept(db);
    EXPECT_EQ(co_await test::read_exactly(*origin, bytes.size()), bytes);
  }(this));
  EXPECT_EQ(record().server_name, "a.example");
}

TEST_F(TcpListener, goes_by_the_first_bytes) {
  use(kByBytes);
  run([](TcpListener* self) -> Task<void> {
    test::Service other(self->outside_, self->world_.network(), "192.0.2.1:2");
    auto client = co_await self->connect();
    (void)co_await test::write_text(*client, "EHLO a\r\n");
    auto origin = co_await self->accept(other);
    EXPECT_EQ(co_await self->read(*origin), "EHLO a\r\n");
    auto ssh = co_await self->connect();
    (void)co_await test::write_text(*ssh, "SSH-2.0-x\r\n");
    EXPECT_EQ(co_await self->read(*ssh), "reset") << "its endpoint is dead";
  }(this));
}

TEST_F(TcpListener, does_not_keep_a_server_waiting_that_speaks_first) {
  use(kByBytes);
  run([](TcpListener* self) -> Task<void> {
    test::Service other(self->outside_, self->world_.network(), "192.0.2.1:2");
    auto client = co_await self->connect();
    TimePoint began = self->outside_.now();
    auto origin = co_await self->accept(other);
    (void)co_await test::write_text(*origin, "220 ready\r\n");
    EXPECT_EQ(co_await self->read(*client), "220 ready\r\n");
    EXPECT_LT(self->outside_.now() - began, seconds(1));
    (void)co_await test::write_text(*client, "EHLO\r\n");
    EXPECT_EQ(co_await self->read(*origin), "EHLO\r\n");
  }(this));
  EXPECT_EQ(record().upstream, "other");
}

TEST_F(TcpListener, does_not_take_a_slow_client_for_a_silent_one) {
  use(kByBytes);
  run([](TcpListener* self) -> Task<void> {
    test::Service db(self->outside_, self->world_.network(), "192.0.2.1:1");
    test::Service other(self->outside_, self->world_.network(), "192.0.2.1:2");
    auto client = co_await self->connect();
    auto unwanted = co_await self->accept(other);
    co_await self->outside_.sleep_for(seconds(30));
    std::string bytes = test::in_records(test::hello_message(test::sni("a.example")));
    (void)co_await test::write_text(*client, bytes);
    auto origin = co_await self->accept(db);
    EXPECT_EQ(co_await test::read_exactly(*origin, bytes.size()), bytes);
    EXPECT_EQ(co_await self->read(*unwanted), "end_of_stream");
  }(this));
  EXPECT_EQ(record().upstream, "db");
}

TEST_F(TcpListener, does_not_wait_for_bytes_that_would_tell_what_a_client_is_not) {
  use(kByBytes);
  run([](TcpListener* self) -> Task<void> {
    test::Service other(self->outside_, self->world_.network(), "192.0.2.1:2");
    auto client = co_await self->connect();
    (void)co_await test::write_text(*client, "PING");  // could become a method of HTTP
    TimePoint began = self->outside_.now();
    auto origin = co_await self->accept(other);
    EXPECT_EQ(co_await self->read(*origin), "PING");
    EXPECT_LT(self->outside_.now() - began, seconds(3));
  }(this));
}

TEST_F(TcpListener, does_not_leave_a_silent_client_waiting_for_a_server_that_is_dead) {
  use(std::string(kByBytes) + ", timeouts: { hello: 3s }");
  run([](TcpListener* self) -> Task<void> {
    auto client = co_await self->connect();
    TimePoint began = self->outside_.now();
    EXPECT_EQ(co_await self->read(*client), "reset");
    EXPECT_GE(self->outside_.now() - began, seconds(3));
    EXPECT_LT(self->outside_.now() - began, seconds(6));
  }(this));
  EXPECT_EQ(record().error.code, ErrorCode::refused);
}

TEST_F(TcpListener, uses_the_connection_that_it_made_for_a_silent_client_who_then_speaks) {
  use(kByBytes);
  run([](TcpListener* self) -> Task<void> {
    test::Service other(self->outside_, self->world_.network(), "192.0.2.1:2");
    auto client = co_await self->connect();
    auto origin = co_await self->accept(other);
    (void)co_await test::write_text(*client, "*1\r\n");
    EXPECT_EQ(co_await self->read(*origin), "*1\r\n");
  }(this));
}

TEST_F(TcpListener, gives_a_client_that_only_ends_to_the_server_all_the_same) {
  use(kByBytes);
  run([](TcpListener* self) -> Task<void> {
    test::Service other(self->outside_, self->world_.network(), "192.0.2.1:2");
    auto client = co_await self->connect();
    client->shutdown_write();
    auto origin = co_await self->accept(other);
    EXPECT_EQ(co_await self->read(*origin), "end_of_stream");
    (void)co_await test::write_text(*origin, "the time");
    origin.reset();
    EXPECT_EQ(co_await self->read(*client), "the time");
    EXPECT_EQ(co_await self->read(*client), "end_of_stream");
  }(this));
}

TEST_F(TcpListener, closes_on_a_client_that_never_says_what_every_route_needs) {
  use("routes: [{ match: { sni: a.example }, upstream: db }], timeouts: { hello: 3s }");
  run([](TcpListener* self) -> Task<void> {
    auto client = co_await self->connect();
    (void)co_await test::write_text(*client, "\x16\x03\x01");
    EXPECT_EQ(co_await self->read(*client), "reset");
  }(this));
  EXPECT_EQ(record().error.code, ErrorCode::header_timeout);
}

TEST_F(TcpListener, resets_what_no_route_is_for) {
  use("routes: [{ match: { from: 198.51.100.0/24 }, upstream: db }]");
  run([](TcpListener* self) -> Task<void> { EXPECT_EQ(co_await self->fate(), "reset"); }(this));
  EXPECT_EQ(record().error.code, ErrorCode::no_route);
}

// --- PROXY headers -----------------------------------------------------------------------------

TEST_F(TcpListener, believes_the_header_of_a_proxy_and_passes_it_on) {
  use("upstream: told, proxy_protocol: { from: 192.0.2.0/24 }");
  run([](TcpListener* self) -> Task<void> {
    test::Service db(self->outside_, self->world_.network(), "192.0.2.1:1");
    auto client = co_await self->connect();
    (void)co_await test::write_text(*client, "PROXY TCP4 203.0.113.7 203.0.113.1 7000 25\r\nhel");
    (void)co_await test::write_text(*client, "lo");
    auto origin = co_await self->accept(db);
    std::string wanted = "PROXY TCP4 203.0.113.7 203.0.113.1 7000 25\r\nhello";
    EXPECT_EQ(co_await test::read_exactly(*origin, wanted.size()), wanted);
  }(this));
  EXPECT_EQ(record().client, "203.0.113.7");
}

TEST_F(TcpListener, believes_no_header_from_elsewhere) {
  use("upstream: db, proxy_protocol: { from: 203.0.113.0/24 }");
  run([](TcpListener* self) -> Task<void> {
    test::Service db(self->outside_, self->world_.network(), "192.0.2.1:1");
    auto client = co_await self->connect();
    std::string text = "PROXY TCP4 203.0.113.7 203.0.113.1 7000 25\r\n";
    (void)co_await test::write_text(*client, text);
    auto origin = co_await self->accept(db);
    EXPECT_EQ(co_await test::read_exactly(*origin, text.size()), text);
  }(this));
  EXPECT_EQ(record().client, "192.0.2.1");
}

TEST_F(TcpListener, closes_on_a_proxy_whose_header_is_wrong_or_does_not_come) {
  use("upstream: db, proxy_protocol: { from: 192.0.2.0/24, timeout: 3s }");
  run([](TcpListener* self) -> Task<void> {
    test::Service db(self->outside_, self->world_.network(), "192.0.2.1:1");
    auto wrong = co_await self->connect();
    (void)co_await test::write_text(*wrong, "hello");
    EXPECT_NE(co_await self->read(*wrong), "hello");
    auto silent = co_await self->connect();
    TimePoint began = self->outside_.now();
    EXPECT_EQ(co_await self->read(*silent), "end_of_stream");
    EXPECT_GE(self->outside_.now() - began, seconds(3));
  }(this));
  EXPECT_EQ(server_.listeners().front()->proxy_errors.load(), 2u);
  EXPECT_EQ(server_.listeners().front()->limits.open(), 0u);
  EXPECT_TRUE(told_.empty());
}

TEST_F(TcpListener, counts_the_clients_of_a_proxy_each_for_itself) {
  use("upstream: db, proxy_protocol: { from: 192.0.2.0/24 },"
      " limits: { max_connections_per_client: 1 }");
  run([](TcpListener* self) -> Task<void> {
    test::Service db(self->outside_, self->world_.network(), "192.0.2.1:1");
    auto one = co_await self->connect();
    (void)co_await test::write_text(*one, "PROXY TCP4 203.0.113.7 203.0.113.1 7000 25\r\n");
    auto first = co_await self->accept(db);
    auto two = co_await self->connect();
    (void)co_await test::write_text(*two, "PROXY TCP4 203.0.113.8 203.0.113.1 7000 25\r\n");
    auto second = co_await self->accept(db);
    auto more = co_await self->connect();
    (void)co_await test::write_text(*more, "PROXY TCP4 203.0.113.7 203.0.113.1 7001 25\r\n");
    EXPECT_EQ(co_await self->read(*more), "reset");
  }(this));
}

TEST_F(TcpListener,
       tells_the_origins_of_http_requests_of_each_client_over_a_connection_of_its_own) {
  use("upstream: db",
      "listeners: [{ address: \"10.0.0.1:80\", routes: [{ reverse_proxy: told }] }]\n");
  run([](TcpListener* self) -> Task<void> {
    test::Service db(self->outside_, self->world_.network(), "192.0.2.1:1");
    auto client = co_await self->connect("10.0.0.1:80");
    for (int i = 0; i < 2; ++i) {
      (void)co_await test::write_text(*client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      auto origin = co_await self->accept(db);
      std::string asked;
      while (!asked.ends_with("\r\n\r\n")) asked += co_await self->read(*origin);
      std::string port = std::to_string(client->local().port());
      EXPECT_TRUE(asked.starts_with("PROXY TCP4 192.0.2.1 10.0.0.1 " + port + " 80\r\n")) << asked;
      (void)co_await test::write_text(*origin, "HTTP/1.1 204 No Content\r\n\r\n");
      EXPECT_TRUE((co_await self->read(*client)).starts_with("HTTP/1.1 204"));
      EXPECT_EQ(co_await self->read(*origin), "end_of_stream") << "it is not kept";
    }
  }(this));
}

// --- interception ------------------------------------------------------------------------------

TEST_F(TcpListener, goes_on_to_where_a_redirected_client_was_going) {
  use("intercept: redirect");
  intercept(false);
  run([](TcpListener* self) -> Task<void> {
    test::Service db(self->outside_, self->world_.network(), kElsewhere);
    auto client = co_await self->connect(kElsewhere);
    auto origin = co_await self->accept(db);
    (void)co_await test::write_text(*client, "to whom it concerns");
    EXPECT_EQ(co_await self->read(*origin), "to whom it concerns");
  }(this));
  Told told = record();
  EXPECT_EQ(told.upstream, "");
  EXPECT_EQ(told.endpoint, kElsewhere);
}

TEST_F(TcpListener, routes_by_where_an_intercepted_client_was_going) {
  use("intercept: tproxy, routes: [{ match: { to: 203.0.113.0/24, port: 1 }, upstream: dead },"
      " { match: { to: 203.0.113.0/24, port: [3306, 3307] }, upstream: db }]");
  intercept(true);
  run([](TcpListener* self) -> Task<void> {
    test::Service db(self->outside_, self->world_.network(), "192.0.2.1:1");
    auto client = co_await self->connect(kElsewhere);
    auto origin = co_await self->accept(db);
    EXPECT_TRUE(origin);
  }(this));
  EXPECT_EQ(record().upstream, "db");
}

TEST_F(TcpListener, resets_what_was_not_intercepted_and_does_not_connect_to_itself) {
  for (std::string_view how : {"intercept: redirect", "intercept: tproxy"}) {
    use(how);
    run([](TcpListener* self) -> Task<void> { EXPECT_EQ(co_await self->fate(), "reset"); }(this));
    EXPECT_EQ(record().error.code, ErrorCode::no_route);
    told_.clear();
  }
}

TEST_F(TcpListener, resets_what_was_redirected_from_its_own_port_elsewhere_which_could_come_back) {
  use("intercept: redirect");
  intercept(false, "203.0.113.9:5432");
  run([](TcpListener* self) -> Task<void> {
    EXPECT_EQ(co_await self->fate("203.0.113.9:5432"), "reset");
  }(this));
  Told told = record();
  EXPECT_EQ(told.error.code, ErrorCode::no_route);
  EXPECT_EQ(told.error.detail, "meant for this listener, not intercepted");
  EXPECT_EQ(told.attempts, 0u);
}

TEST_F(TcpListener, keeps_the_address_of_the_client_towards_the_endpoint) {
  use("upstream: db, keep_source: true, proxy_protocol: { from: 192.0.2.0/24 }");
  run([](TcpListener* self) -> Task<void> {
    test::Service db(self->outside_, self->world_.network(), "192.0.2.1:1");
    auto client = co_await self->connect();
    (void)co_await test::write_text(*client, "PROXY TCP4 203.0.113.7 203.0.113.1 7000 25\r\n");
    auto origin = co_await self->accept(db);
    EXPECT_EQ(origin->peer().ip().text(), "203.0.113.7");
    auto other = co_await self->connect();
    (void)co_await test::write_text(*other, "PROXY TCP6 2001:db8::1 2001:db8::2 7000 25\r\n");
    EXPECT_EQ(co_await self->read(*other), "reset") << "the endpoint has no IPv6 address";
  }(this));
}

// --- reloads -----------------------------------------------------------------------------------

/// A tunnel that outlives what the test does to the server.
class LastingTunnel : public TcpListener {
 public:
  void open() {
    db_ = std::make_unique<test::Service>(outside_, world_.network(), "192.0.2.1:1");
    run([](LastingTunnel* self) -> Task<void> {
      self->client_ = co_await self->connect();
      self->origin_ = co_await self->accept(*self->db_);
    }(this));
  }
  void expect_it_goes_on() {
    run([](LastingTunnel* self) -> Task<void> {
      (void)co_await test::write_text(*self->client_, "to");
      EXPECT_EQ(co_await self->read(*self->origin_), "to");
      (void)co_await test::write_text(*self->origin_, "fro");
      EXPECT_EQ(co_await self->read(*self->client_), "fro");
    }(this));
  }
  std::string read_client() { return test::run(outside_, read(*client_)); }
  void close() {
    client_.reset();
    origin_.reset();
    db_.reset();
  }

  std::unique_ptr<test::Service> db_;
  std::unique_ptr<Stream> client_;
  std::unique_ptr<Stream> origin_;
};

TEST_F(LastingTunnel, goes_on_over_a_reload_that_sends_others_elsewhere) {
  use("upstream: db");
  open();
  std::weak_ptr<const Snapshot> before = server_.snapshot();
  use("upstream: other");
  world_.run_for(seconds(1));
  EXPECT_TRUE(before.expired()) << "a tunnel needs no configuration";
  expect_it_goes_on();
  close();
}

TEST_F(LastingTunnel, goes_on_for_a_while_without_its_listener) {
  use("upstream: db, timeouts: { drain: 1m }");
  open();
  test::apply(world_, server_,
              "tcp: [{ address: \"10.0.0.1:1\", upstream: db }]\n"
              "upstreams: { db: { endpoints: [\"192.0.2.1:1\"] } }\n");
  world_.run_for(seconds(50));
  expect_it_goes_on();
  TimePoint began = world_.now();
  EXPECT_EQ(read_client(), "reset");
  EXPECT_LE(world_.now() - began, seconds(11));
  close();
}

TEST_F(LastingTunnel, goes_on_while_the_address_becomes_one_of_http) {
  use("upstream: db");
  open();
  test::apply(world_, server_,
              "listeners: [{ address: \"10.0.0.1:5432\", routes: [{ respond: here }] }]\n");
  expect_it_goes_on();
  test::SimClient browser(world_);
  EXPECT_EQ(test::SimClient::body_of(browser.get("10.0.0.1:5432", "/")), "here");
  close();
}

TEST_F(LastingTunnel, ends_with_a_reset_when_a_drain_is_cut_short) {
  use("upstream: db");
  open();
  bool ended = false;
  server_.drain([&] { ended = true; });
  expect_it_goes_on();
  EXPECT_FALSE(ended);
  server_.abort();
  EXPECT_EQ(read_client(), "reset");
  EXPECT_EQ(world_.run_until([&] { return ended; }), SimWorld::End::reached);
  close();
  drained_ = true;
}

}  // namespace
}  // namespace weir
