#include "server/syslog.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "server/log_file.h"

namespace weir {
namespace {

/// A syslog server: a socket of datagrams.
class Server {
 public:
  explicit Server(const Address& at) {
    sockaddr_storage storage{};
    socklen_t length = at.to_sockaddr(storage);
    socket_ = ::socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&storage), length), 0);
  }
  ~Server() { ::close(socket_); }

  Address address() const {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&storage), &length);
    return Address::from_sockaddr(storage, length);
  }
  /// Empty if none is there.
  std::string next() const {
    pollfd waiting{socket_, POLLIN, 0};
    if (::poll(&waiting, 1, 0) == 0) return {};
    std::string message(65536, '\0');
    message.resize(static_cast<std::size_t>(::recv(socket_, message.data(), message.size(), 0)));
    return message;
  }

 private:
  int socket_;
};

std::string text_of(const std::string& message) {
  std::size_t at = message.find(" access - ");
  return at == std::string::npos ? message : message.substr(at + 10);
}

class SyslogTest : public ::testing::Test {
 protected:
  SyslogTest() {
    std::string pattern = "/tmp/weir-syslog-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  ~SyslogTest() override { std::filesystem::remove_all(directory_); }
  Address path() const { return Address::unix_socket(directory_ + "/log"); }
  static LogFile open(const Address& at) {
    auto file = LogFile::open_syslog({.address = at});
    EXPECT_TRUE(file);
    return std::move(*file);
  }

  std::string directory_;
};

TEST_F(SyslogTest, writes_the_head_that_the_rfc_describes) {
  SyslogSettings settings{.address = {}, .facility = 20, .tag = "a b"};
  EXPECT_EQ(syslog_head(settings, "h\xc3\xb6st", "12", 1772368200'123'456'789),
            "<166>1 2026-03-01T12:30:00.123456Z h__st a_b 12 access - ");
  EXPECT_NE(syslog_head(settings, "", "12", 0).find("Z - a_b"), std::string::npos);
}

TEST_F(SyslogTest, makes_a_message_of_each_line_however_they_are_cut) {
  Server server(path());
  LogFile file = open(path());
  for (std::string_view bytes : {"one\ntwo\nthr", "e", "e\n", "\n"}) {
    while (!bytes.empty()) {
      auto taken = file.write(bytes);
      ASSERT_TRUE(taken && *taken > 0);
      bytes.remove_prefix(*taken);
    }
  }
  EXPECT_EQ(text_of(server.next()), "one");
  EXPECT_EQ(text_of(server.next()), "two");
  EXPECT_EQ(text_of(server.next()), "three");
  EXPECT_EQ(server.next(), "");
}

TEST_F(SyslogTest, speaks_udp) {
  Server server(*Address::parse("127.0.0.1:0"));
  LogFile file = open(server.address());
  ASSERT_TRUE(file.write("over udp\n"));
  EXPECT_EQ(text_of(server.next()), "over udp");
}

TEST_F(SyslogTest, finds_a_server_that_was_started_again) {
  auto server = std::make_unique<Server>(path());
  LogFile file = open(path());
  server.reset();
  EXPECT_FALSE(file.write("lost\n"));
  std::filesystem::remove(std::string(path().path()));
  server = std::make_unique<Server>(path());
  ASSERT_TRUE(file.write("found\n"));
  EXPECT_EQ(text_of(server->next()), "found");
}

TEST_F(SyslogTest, takes_nothing_while_the_server_is_behind) {
  Server server(path());
  LogFile file = open(path());
  std::size_t sent = 0;
  while (true) {
    auto taken = file.write("line\n");
    ASSERT_TRUE(taken);
    if (*taken == 0) break;
    ++sent;
  }
  ASSERT_GT(sent, 0u);
  EXPECT_EQ(text_of(server.next()), "line");
  EXPECT_EQ(*file.write("late\n"), 5u);
}

TEST_F(SyslogTest, says_why_it_cannot_be_opened) {
  auto file = LogFile::open_syslog({.address = path()});
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace weir
