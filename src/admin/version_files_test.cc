#include "admin/version_files.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace weir {
namespace {

namespace fs = std::filesystem;

class VersionFiles : public ::testing::Test {
 protected:
  VersionFiles() {
    std::string made = (fs::temp_directory_path() / "weir-versions-XXXXXX").string();
    root_ = ::mkdtemp(made.data());
    directory_ = root_ + "/versions";
  }
  ~VersionFiles() override { fs::remove_all(root_); }

  static ConfigVersion version(std::uint64_t number, std::string config = "{}") {
    return {number, 1234, VersionOrigin::rollback, number - 1, "f00d", std::move(config)};
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& each : fs::directory_iterator(directory_)) {
      names.push_back(each.path().filename().string());
    }
    std::ranges::sort(names);
    return names;
  }
  void write(const std::string& name, std::string_view text) {
    std::ofstream(directory_ + "/" + name) << text;
  }

  std::string root_;
  std::string directory_;
};

TEST_F(VersionFiles, come_back_as_they_were) {
  EXPECT_TRUE(read_versions(directory_).versions.empty());
  ASSERT_TRUE(keep_version(directory_, version(9, R"({"workers":2,"zone":"\u00e4\n"})")));
  ASSERT_TRUE(keep_version(directory_, version(10)));
  KeptVersions kept = read_versions(directory_);
  EXPECT_TRUE(kept.problems.empty());
  ASSERT_EQ(kept.versions.size(), 2u);
  EXPECT_EQ(kept.versions[1]->number, 10u);
  EXPECT_EQ(kept.versions[0]->at, 1234);
  EXPECT_EQ(kept.versions[0]->origin, VersionOrigin::rollback);
  EXPECT_EQ(kept.versions[0]->of, 8u);
  EXPECT_EQ(kept.versions[0]->file, "f00d");
  EXPECT_EQ(kept.versions[0]->config, "{\"workers\":2,\"zone\":\"\xc3\xa4\\n\"}");
  forget_version(directory_, 9);
  EXPECT_EQ(read_versions(directory_).versions.size(), 1u);
}

TEST_F(VersionFiles, are_for_nobody_else) {
  ASSERT_TRUE(keep_version(directory_, version(1)));
  struct stat facts{};
  ASSERT_EQ(::stat(directory_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0700u);
  ASSERT_EQ(::stat((directory_ + "/" + files()[0]).c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  ::chmod(directory_.c_str(), 0770);
  EXPECT_FALSE(keep_version(directory_, version(2)));
  EXPECT_TRUE(read_versions(directory_).versions.empty());
  EXPECT_EQ(read_versions(directory_).problems.size(), 1u);
}

// Whatever moment a process dies at, the directory is as before the write or as after it.
TEST_F(VersionFiles, that_were_never_finished_are_swept_out) {
  ASSERT_TRUE(keep_version(directory_, version(1)));
  write("000000000002.json.tmp", R"({"format":1,"version":2)");
  KeptVersions kept = read_versions(directory_);
  EXPECT_EQ(kept.versions.size(), 1u);
  EXPECT_TRUE(kept.problems.empty());
  EXPECT_EQ(files(), std::vector<std::string>{"000000000001.json"});
  write("000000000002.json.tmp", "left by another");
  EXPECT_TRUE(keep_version(directory_, version(2)));
  EXPECT_EQ(files().size(), 2u);
}

TEST_F(VersionFiles, that_are_broken_are_named_and_hide_no_others) {
  ASSERT_TRUE(keep_version(directory_, version(1)));
  ASSERT_TRUE(keep_version(directory_, version(3)));
  write("000000000002.json", R"({"format":1,"version":2)");
  write("000000000004.json", R"({"format":9,"version":4})");
  write("000000000005.json", R"({"format":1,"version":"five"})");
  fs::copy_file(directory_ + "/000000000001.json", directory_ + "/000000000006.json");
  fs::create_symlink("000000000001.json", directory_ + "/000000000007.json");
  KeptVersions kept = read_versions(directory_);
  ASSERT_EQ(kept.versions.size(), 2u);
  EXPECT_EQ(kept.versions[1]->number, 3u);
  EXPECT_EQ(kept.problems.size(), 5u);
}

TEST_F(VersionFiles, of_another_process_are_not_overwritten) {
  ASSERT_TRUE(keep_version(directory_, version(1, R"({"zone":"mine"})")));
  auto refused = keep_version(directory_, version(1, R"({"zone":"yours"})"));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("File exists"), std::string::npos);
  EXPECT_EQ(read_versions(directory_).versions[0]->config, R"({"zone":"mine"})");
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(VersionFiles, leave_nothing_behind_when_the_disk_is_full) {
  ASSERT_TRUE(keep_version(directory_, version(1)));
  struct rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit small = before;
  small.rlim_cur = 512;  // stands for a disk with as much room
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  auto refused = keep_version(directory_, version(2, "\"" + std::string(4096, 'x') + "\""));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(refused);
  EXPECT_EQ(files(), std::vector<std::string>{"000000000001.json"});
}

TEST_F(VersionFiles, need_a_directory_that_can_be_made) {
  EXPECT_FALSE(keep_version(root_ + "/a/b", version(1)));
  std::ofstream(root_ + "/file") << "x";
  EXPECT_FALSE(keep_version(root_ + "/file", version(1)));
  EXPECT_EQ(read_versions(root_ + "/file").problems.size(), 1u);
}

TEST(ConfigHistory, forgets_the_oldest_and_never_the_last) {
  ConfigHistory history;
  history.set_keep(2);
  auto add = [&](std::uint64_t number, std::size_t size) {
    return history.add(std::make_shared<ConfigVersion>(
        ConfigVersion{number, 0, VersionOrigin::api, 0, {}, std::string(size, ' ')}));
  };
  EXPECT_EQ(history.next_number(), 1u);
  EXPECT_TRUE(add(3, 10).empty());
  EXPECT_TRUE(add(4, 10).empty());
  EXPECT_EQ(add(5, 10), std::vector<std::uint64_t>{3});
  EXPECT_EQ(history.find(3), nullptr);
  EXPECT_EQ(history.find(4)->number, 4u);
  EXPECT_EQ(history.find(6), nullptr);
  EXPECT_EQ(add(6, ConfigHistory::kMostBytes + 1), (std::vector<std::uint64_t>{4, 5}));
  EXPECT_EQ(history.head()->number, 6u);
  EXPECT_EQ(history.next_number(), 7u);
}

}  // namespace
}  // namespace weir
