// What datagram sockets promise, on every engine.
#include "io/datagram.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "io/datagram_testing.h"
#include "io/loop_contract.h"

namespace weir::test {
namespace {

class DatagramContract : public LoopContract {
 protected:
  void TearDown() override {
    for (int socket : sockets_) network().close(socket);
    LoopContract::TearDown();
  }
  int bind(std::string_view address, BindOptions options = {.datagram = true}) {
    Result<int> socket = network().bind(*Address::parse(address), options);
    EXPECT_TRUE(socket) << name(socket.error().code);
    sockets_.push_back(*socket);
    return *socket;
  }
  void forget(int socket) { std::erase(sockets_, socket); }
  Address address_of(int socket) { return network().bound_address(socket).value(); }

 private:
  std::vector<int> sockets_;
};
WEIR_RUN_ON_EVERY_ENGINE(DatagramContract);

TEST_P(DatagramContract, a_bound_socket_hears_who_it_is_and_answers) {
  int socket = bind("127.0.0.1:0");
  run([](Loop* loop, int bound, Address address) -> Task<void> {
    Inbox server(*loop);
    server.reply = echo;
    server.use(loop->receive_datagrams(bound, server));
    Inbox client(*loop);
    client.use(loop->connect_datagrams(address, client));
    EXPECT_TRUE(client.say("ping"));
    EXPECT_TRUE(co_await client.hear(1));
    EXPECT_EQ(client.messages.at(0).bytes, "ping");
    EXPECT_EQ(server.messages.at(0).from.ip(), *IpAddress::parse("127.0.0.1"));
    EXPECT_NE(server.messages.at(0).from.port(), 0);
  }(&loop(), socket, address_of(socket)));
}

TEST_P(DatagramContract, datagrams_keep_their_bounds_also_when_they_are_empty_or_large) {
  int socket = bind("127.0.0.1:0");
  run([](Loop* loop, int bound, Address address) -> Task<void> {
    Inbox server(*loop);
    server.use(loop->receive_datagrams(bound, server));
    Inbox client(*loop);
    client.use(loop->connect_datagrams(address, client));
    std::string large(65507, 'x');
    EXPECT_TRUE(client.say(""));
    EXPECT_TRUE(client.say("a"));
    EXPECT_TRUE(client.say(large));
    EXPECT_TRUE(co_await server.hear(3));
    std::vector<std::size_t> sizes;
    for (auto& each : server.messages) sizes.push_back(each.bytes.size());
    std::ranges::sort(sizes);  // the simulated network may change their order
    EXPECT_EQ(sizes, (std::vector<std::size_t>{0, 1, 65507}));
  }(&loop(), socket, address_of(socket)));
}

TEST_P(DatagramContract, whoever_leaves_something_is_called_again) {
  int socket = bind("127.0.0.1:0");
  run([](Loop* loop, int bound, Address address) -> Task<void> {
    Inbox server(*loop);
    server.most = 3;
    server.use(loop->receive_datagrams(bound, server));
    Inbox client(*loop);
    client.use(loop->connect_datagrams(address, client));
    std::vector<std::string> texts;
    std::vector<Datagram> all(20);
    for (int i = 0; i < 20; ++i) texts.push_back(std::to_string(i));
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i].data = texts[i].data();
      all[i].size = texts[i].size();
    }
    for (std::span<Datagram> rest = all; !rest.empty();) {
      rest = rest.subspan(client.socket().send(rest).value());
    }
    EXPECT_TRUE(co_await server.hear(20));
    EXPECT_GE(server.calls, 7u);
    std::vector<std::string> heard = server.texts();
    std::ranges::sort(heard);
    std::ranges::sort(texts);
    EXPECT_EQ(heard, texts);
  }(&loop(), socket, address_of(socket)));
}

TEST_P(DatagramContract, a_port_where_nobody_listens_refuses) {
  int socket = bind("127.0.0.1:0");
  Address address = address_of(socket);
  run([](Loop* loop, Network* network, int bound, Address at) -> Task<void> {
    Inbox client(*loop);
    client.use(loop->connect_datagrams(at, client));
    Inbox server(*loop);
    server.use(loop->receive_datagrams(bound, server));
    EXPECT_TRUE(client.say("heard"));
    EXPECT_TRUE(co_await server.hear(1));
    server.close();
    network->close(bound);
    // A ring lets go of the socket when it is entered next.
    (void)co_await loop->sleep_for(std::chrono::milliseconds(5));
    EXPECT_TRUE(client.say("refused"));
    EXPECT_TRUE(co_await client.hear(1));
    EXPECT_EQ(client.errors, std::vector{ErrorCode::refused});
    EXPECT_TRUE(client.say("it can be used on"));
  }(&loop(), &network(), socket, address));
  forget(socket);
}

TEST_P(DatagramContract, answers_leave_from_where_the_question_came_to) {
  int socket = bind(":0");
  std::uint16_t port = address_of(socket).port();
  run([](Loop* loop, int bound, std::uint16_t at) -> Task<void> {
    Inbox server(*loop);
    server.reply = echo;
    server.use(loop->receive_datagrams(bound, server));
    Inbox client(*loop);
    client.use(loop->connect_datagrams(Address(*IpAddress::parse("127.0.0.2"), at), client));
    EXPECT_TRUE(client.say("whence"));
    EXPECT_TRUE(co_await client.hear(1));
    EXPECT_EQ(client.messages.at(0).bytes, "whence");
    EXPECT_EQ(server.messages.at(0).local, *IpAddress::parse("127.0.0.2"));
  }(&loop(), socket, port));
}

TEST_P(DatagramContract, a_port_is_shared_by_those_who_say_so) {
  int first = bind("127.0.0.1:0");
  std::string address = address_of(first).text();
  bind(address);
  Result<int> alone =
      network().bind(*Address::parse(address), {.reuse_port = false, .datagram = true});
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().code, ErrorCode::address_in_use);
}

TEST_P(DatagramContract, tcp_has_ports_of_its_own) {
  bool both = false;
  for (int i = 0; i < 100 && !both; ++i) {  // that one may be taken there, too
    Address address = address_of(bind("127.0.0.1:0"));
    Result<int> tcp = network().bind(address, {});
    if (tcp) network().close(*tcp);
    both = tcp.has_value();
  }
  EXPECT_TRUE(both);
}

TEST_P(DatagramContract, a_socket_may_go_while_something_is_left_in_it) {
  int socket = bind("127.0.0.1:0");
  run([](Loop* loop, int bound, Address address) -> Task<void> {
    Inbox client(*loop);
    client.use(loop->connect_datagrams(address, client));
    auto server = std::make_unique<Inbox>(*loop);
    server->most = 1;
    server->use(loop->receive_datagrams(bound, *server));
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(client.say("x"));
    EXPECT_TRUE(co_await server->hear(1));
    server.reset();
    Inbox successor(*loop);
    successor.use(loop->receive_datagrams(bound, successor));
    EXPECT_TRUE(client.say("y"));
    EXPECT_TRUE(co_await successor.hear(2));
  }(&loop(), socket, address_of(socket)));
}

}  // namespace
}  // namespace weir::test
