#include "app/control_socket.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include <fmt/format.h>

#include "io/sockets.h"

namespace weir {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

std::string path_with(std::map<std::string, const char*> environment, uid_t user) {
  auto get = [&](const char* name) {
    auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second;
  };
  return control_path(get, user);
}

TEST(ControlPath, is_in_the_runtime_directory_of_the_service) {
  EXPECT_EQ(path_with({{"RUNTIME_DIRECTORY", "/run/a"}, {"XDG_RUNTIME_DIR", "/run/user/1"}}, 1),
            "/run/a/weir.sock");
  EXPECT_EQ(path_with({{"RUNTIME_DIRECTORY", "/run/a:/run/b"}}, 0), "/run/a/weir.sock");
}

TEST(ControlPath, is_in_the_runtime_directory_of_the_user) {
  EXPECT_EQ(path_with({{"XDG_RUNTIME_DIR", "/run/user/1000"}}, 1000), "/run/user/1000/weir.sock");
  EXPECT_EQ(path_with({{"XDG_RUNTIME_DIR", ""}}, 1000), "/tmp/weir-1000/weir.sock");
}

TEST(ControlPath, is_that_of_the_service_for_root_who_logged_in) {
  EXPECT_EQ(path_with({{"XDG_RUNTIME_DIR", "/run/user/0"}}, 0), "/run/weir/weir.sock");
}

TEST(ControlPath, exists_without_any_environment) {
  EXPECT_EQ(path_with({}, 0), "/run/weir/weir.sock");
  EXPECT_EQ(path_with({}, 1000), "/tmp/weir-1000/weir.sock");
}

class ControlSocketTest : public testing::Test {
 protected:
  ControlSocketTest() {
    char name[] = "/tmp/weir-test-XXXXXX";
    folder_ = ::mkdtemp(name);
    path_ = folder_ + "/weir.sock";
  }
  ~ControlSocketTest() override { fs::remove_all(folder_); }

  static mode_t mode_of(const std::string& path) {
    struct stat info{};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_mode & 0777;
  }

  std::string folder_;
  std::string path_;
};

TEST_F(ControlSocketTest, is_for_its_user_alone_and_leaves_nothing_behind) {
  {
    ControlSocket socket;
    auto claimed = socket.claim(path_);
    ASSERT_TRUE(claimed) << claimed.error();
    EXPECT_EQ(mode_of(path_), 0600u);
    EXPECT_GE(socket.socket(), 0);
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(ControlSocketTest, makes_its_directory_and_removes_it) {
  {
    ControlSocket socket;
    ASSERT_TRUE(socket.claim(folder_ + "/run/weir.sock"));
    EXPECT_EQ(mode_of(folder_ + "/run"), 0700u);
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(ControlSocketTest, replaces_the_socket_of_a_process_that_is_gone) {
  int old = KernelNetwork().bind(Address::unix_socket(path_), {}).value();
  ::close(old);
  ASSERT_TRUE(fs::exists(path_));
  ControlSocket socket;
  auto claimed = socket.claim(path_);
  EXPECT_TRUE(claimed) << claimed.error();
}

TEST_F(ControlSocketTest, refuses_the_socket_of_a_living_process_and_says_which) {
  ControlSocket first;
  ASSERT_TRUE(first.claim(path_));
  {
    ControlSocket second;
    auto claimed = second.claim(path_);
    ASSERT_FALSE(claimed);
    EXPECT_THAT(claimed.error(), HasSubstr(fmt::format("process {} is running", ::getpid())));
  }
  EXPECT_TRUE(fs::exists(path_)) << "the first one still owns it";
}

TEST_F(ControlSocketTest, leaves_other_files_alone) {
  std::ofstream(path_) << "gold";
  ControlSocket socket;
  auto claimed = socket.claim(path_);
  ASSERT_FALSE(claimed);
  EXPECT_THAT(claimed.error(), HasSubstr("not a socket"));
  EXPECT_TRUE(fs::is_regular_file(path_));
}

TEST_F(ControlSocketTest, does_not_remove_what_somebody_put_in_its_place) {
  {
    ControlSocket socket;
    ASSERT_TRUE(socket.claim(path_));
    fs::remove(path_);
    std::ofstream(path_) << "gold";
  }
  EXPECT_TRUE(fs::is_regular_file(path_));
}

TEST_F(ControlSocketTest, refuses_a_directory_in_tmp_that_others_may_write_to) {
  fs::permissions(folder_, fs::perms::all);
  ControlSocket socket;
  auto claimed = socket.claim(path_);
  ASSERT_FALSE(claimed);
  EXPECT_THAT(claimed.error(), HasSubstr("alone may write"));
}

TEST_F(ControlSocketTest, refuses_a_path_that_does_not_fit_into_an_address) {
  ControlSocket socket;
  EXPECT_FALSE(socket.claim(folder_ + "/" + std::string(120, 'a')));
  EXPECT_FALSE(socket.claim("/no-such-directory/at/all/weir.sock"));
}

}  // namespace
}  // namespace weir
