#include "app/supervisor.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include "core/log.h"

namespace weir {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

/// What the other side of NOTIFY_SOCKET sees.
class Listener {
 public:
  explicit Listener(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(name.begin(), name.end(), address.sun_path);
    bool abstract = name[0] == '@';
    if (abstract) address.sun_path[0] = '\0';
    auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + !abstract);
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), length), 0);
  }
  ~Listener() { ::close(socket_); }

  /// The next message; empty if there is none.
  std::string next() {
    char text[1024];
    auto size = ::recv(socket_, text, sizeof text, 0);
    return size < 0 ? "" : std::string(text, static_cast<std::size_t>(size));
  }

 private:
  int socket_;
};

class SupervisorTest : public testing::Test {
 protected:
  SupervisorTest() {
    char name[] = "/tmp/weir-test-XXXXXX";
    folder_ = ::mkdtemp(name);
    path_ = folder_ + "/notify";
    set_log_sink([this](std::string_view line) { logged_ += line; });
  }
  ~SupervisorTest() override {
    set_log_sink(nullptr);
    std::filesystem::remove_all(folder_);
  }

  static Supervisor::Environment with(std::map<std::string, std::string> variables) {
    return [variables = std::move(variables)](const char* name) -> const char* {
      auto found = variables.find(name);
      return found == variables.end() ? nullptr : found->second.c_str();
    };
  }

  std::string folder_;
  std::string path_;
  std::string logged_;
};

TEST_F(SupervisorTest, is_told_that_the_process_is_ready) {
  Listener listener(path_);
  Supervisor supervisor(with({{"NOTIFY_SOCKET", path_}}), 1);
  supervisor.ready("serves");
  EXPECT_EQ(listener.next(), "READY=1\nSTATUS=serves");
}

TEST_F(SupervisorTest, may_have_an_abstract_address) {
  std::string name = "@weir-test-" + std::to_string(::getpid());
  Listener listener(name);
  Supervisor supervisor(with({{"NOTIFY_SOCKET", name}}), 1);
  supervisor.alive();
  EXPECT_EQ(listener.next(), "WATCHDOG=1");
}

TEST_F(SupervisorTest, is_told_when_a_reload_began_and_how_long_the_end_may_take) {
  Listener listener(path_);
  Supervisor supervisor(with({{"NOTIFY_SOCKET", path_}}), 1);
  supervisor.reloading();
  EXPECT_THAT(listener.next(), MatchesRegex("RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]+"));
  supervisor.stopping(std::chrono::seconds(30), "ends");
  EXPECT_EQ(listener.next(), "STOPPING=1\nEXTEND_TIMEOUT_USEC=30000000\nSTATUS=ends");
}

TEST_F(SupervisorTest, hears_of_no_variable_that_a_status_holds) {
  Listener listener(path_);
  Supervisor supervisor(with({{"NOTIFY_SOCKET", path_}}), 1);
  supervisor.ready("a\nMAINPID=1");
  EXPECT_EQ(listener.next(), "READY=1\nSTATUS=a MAINPID=1");
}

TEST_F(SupervisorTest, watches_the_process_that_it_names_alone) {
  auto watched = [&](std::map<std::string, std::string> variables) {
    variables["NOTIFY_SOCKET"] = path_;
    return Supervisor(with(variables), 7).watchdog();
  };
  EXPECT_EQ(watched({}), Duration::zero());
  EXPECT_EQ(watched({{"WATCHDOG_USEC", "3000000"}}), std::chrono::seconds(3));
  EXPECT_EQ(watched({{"WATCHDOG_USEC", "3000000"}, {"WATCHDOG_PID", "7"}}),
            std::chrono::seconds(3));
  EXPECT_EQ(watched({{"WATCHDOG_USEC", "3000000"}, {"WATCHDOG_PID", "8"}}), Duration::zero());
  EXPECT_EQ(watched({{"WATCHDOG_USEC", "soon"}}), Duration::zero());
}

TEST_F(SupervisorTest, is_missed_once_and_in_the_log_if_nobody_listens) {
  Supervisor supervisor(with({{"NOTIFY_SOCKET", path_}}), 1);
  supervisor.ready("serves");
  EXPECT_THAT(logged_, HasSubstr("\"supervisor_deaf\""));
  logged_.clear();
  supervisor.alive();
  EXPECT_EQ(logged_, "");
}

TEST_F(SupervisorTest, is_no_address_of_another_kind) {
  for (const char* name : {"vsock:2:1", "relative", "/", "@"}) {
    logged_.clear();
    Supervisor supervisor(with({{"NOTIFY_SOCKET", name}, {"WATCHDOG_USEC", "1000"}}), 1);
    EXPECT_THAT(logged_, HasSubstr("\"supervisor_deaf\"")) << name;
    EXPECT_EQ(supervisor.watchdog(), Duration::zero());
    supervisor.ready("serves");
  }
}

TEST_F(SupervisorTest, need_not_be_there) {
  Supervisor supervisor(with({}), 1);
  supervisor.ready("serves");
  supervisor.alive();
  EXPECT_EQ(logged_, "");
}

TEST_F(SupervisorTest, is_not_waited_for_when_its_queue_is_full_of_signs_of_life) {
  Listener listener(path_);
  Supervisor supervisor(with({{"NOTIFY_SOCKET", path_}}), 1);
  for (int i = 0; i < 10'000; ++i) supervisor.alive();
  EXPECT_EQ(logged_, "");
  EXPECT_THAT(listener.next(), StartsWith("WATCHDOG"));
}

}  // namespace
}  // namespace weir
