#include "app/activation.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <string>
#include <vector>

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int kFirst = 200;  // where the test puts what the service manager would put at 3

class ActivationTest : public testing::Test {
 protected:
  /// A socket that somebody else has bound, at the descriptor `place`.
  static Address pass_on(int place, const char* address = "127.0.0.1:0", bool datagram = false) {
    KernelNetwork other;
    int socket = other.bind(*Address::parse(address), {.datagram = datagram}).value();
    ::dup2(socket, place);
    ::close(socket);
    return other.bound_address(place).value();
  }

  std::vector<std::string> adopt(int count, const char* listen_pid = "7") {
    std::map<std::string, std::string> variables = {{"LISTEN_PID", listen_pid},
                                                    {"LISTEN_FDS", std::to_string(count)},
                                                    {"LISTEN_FDNAMES", "web:other"}};
    auto environment = [&](const char* name) -> const char* {
      auto found = variables.find(name);
      return found == variables.end() ? nullptr : found->second.c_str();
    };
    return network_.adopt(environment, 7, kFirst);
  }

  ActivatedNetwork network_;
};

TEST_F(ActivationTest, gives_every_worker_the_socket_that_is_there) {
  Address address = pass_on(kFirst);
  EXPECT_THAT(adopt(1), IsEmpty());
  EXPECT_THAT(network_.unwanted(), ElementsAre(address));
  int first = network_.bind(address, {.reuse_port = false}).value();
  int second = network_.bind(address, {}).value();
  EXPECT_NE(first, second);
  EXPECT_EQ(network_.bound_address(second).value(), address);
  EXPECT_THAT(network_.unwanted(), IsEmpty());
  network_.close(first);
  network_.close(second);
  int again = network_.bind(address, {}).value();  // a listener that comes back has it again
  network_.close(again);
}

TEST_F(ActivationTest, knows_the_address_that_stands_for_all) {
  Address address = pass_on(kFirst, ":0");
  adopt(1);
  int socket = network_.bind(*Address::parse(":" + std::to_string(address.port())), {}).value();
  EXPECT_THAT(network_.unwanted(), IsEmpty());
  network_.close(socket);
}

TEST_F(ActivationTest, binds_other_addresses_as_ever) {
  Address passed = pass_on(kFirst);
  adopt(1);
  int socket = network_.bind(*Address::parse("127.0.0.1:0"), {}).value();
  EXPECT_NE(network_.bound_address(socket).value(), passed);
  EXPECT_THAT(network_.unwanted(), ElementsAre(passed));
  network_.close(socket);
}

TEST_F(ActivationTest, leaves_alone_what_is_for_another_process) {
  pass_on(kFirst);
  EXPECT_THAT(adopt(1, "8"), IsEmpty());
  EXPECT_THAT(network_.unwanted(), IsEmpty());
  EXPECT_EQ(::close(kFirst), 0);
}

TEST_F(ActivationTest, closes_what_does_not_listen_and_names_it) {
  pass_on(kFirst, "127.0.0.1:0", true);
  ::close(kFirst + 1);
  EXPECT_THAT(adopt(2), ElementsAre("web", "other"));
  EXPECT_EQ(::fcntl(kFirst, F_GETFD), -1);
}

}  // namespace
}  // namespace weir
