#include "admin/live_config.h"

#include <filesystem>

#include <gmock/gmock.h>

#include "admin/switch_testing.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

// Versions on a disk, and a process that comes back to them.
class KeptVersionsTest : public ::testing::Test {
 protected:
  KeptVersionsTest() {
    std::string made = (std::filesystem::temp_directory_path() / "weir-live-XXXXXX").string();
    folder_ = ::mkdtemp(made.data());
  }
  ~KeptVersionsTest() override { std::filesystem::remove_all(folder_); }

  std::string config(std::string_view body, std::string_view more = {}) const {
    return "workers: 1\nadmin: { address: \"127.0.0.1:9901\", versions: { directory: " + folder_ +
           "/versions } }\nlisteners: [\"10.0.0.1:80\"]\nroutes: [{ respond: " + std::string(body) +
           " }]\n" + std::string(more);
  }

  /// One life of a process.
  struct Life {
    explicit Life(const std::string& file) { ok = load(file); }
    ~Life() { test::drain(world, server); }
    bool load(const std::string& file) {
      config::Diagnostics diagnostics;
      return test::run(loop, live.use_file({test::config_of(file), "/", file}, diagnostics));
    }
    ChangeOutcome put(std::string_view path, std::string_view value) {
      ChangeRequest request;
      request.change = {ConfigChange::Kind::put, *parse_config_path(path),
                        *config::read_json(value)};
      return test::run(loop, live.change(std::move(request)));
    }
    std::string body() const {
      return live.document(*live.history().head(), Defaults::left_out)["routes"][0]["respond"]
          .value("body", "");
    }

    SimWorld world{1};
    SimLoop& loop = world.add_loop();
    ProcessStatus status{0};
    test::SimHost host{world, [](Loop&) { return std::make_unique<test::Silent>(); }};
    Server server{world.network(), host};
    test::Switch process{server, status, loop};
    LiveConfig live{process, loop};
    bool ok = false;
  };

  std::string folder_;
};

TEST_F(KeptVersionsTest, are_gone_on_with_if_the_file_is_the_same) {
  {
    Life first(config("file"));
    ASSERT_TRUE(first.ok);
    EXPECT_FALSE(first.put("/routes/0/respond/body", "\"live\"").refusal);
  }
  {
    Life second(config("file"));
    EXPECT_EQ(second.body(), "live");
    EXPECT_EQ(second.live.history().head()->number, 2u);
    EXPECT_FALSE(second.put("/routes/0/respond/body", "\"later\"").refusal);
  }
  Life third(config("file"));
  EXPECT_EQ(third.body(), "later");
  EXPECT_EQ(third.live.history().all().size(), 3u);
  EXPECT_TRUE(third.load(config("file")));
  EXPECT_EQ(third.body(), "file") << "a reload is what the user asked for";
}

TEST_F(KeptVersionsTest, give_way_to_a_file_that_has_changed) {
  {
    Life first(config("file"));
    first.put("/routes/0/respond/body", "\"live\"");
  }
  Life second(config("edited"));
  EXPECT_EQ(second.body(), "edited");
  EXPECT_EQ(second.live.history().head()->number, 3u);
  EXPECT_EQ(second.live.history().all().size(), 3u) << "one can still go back";
}

TEST_F(KeptVersionsTest, that_cannot_be_put_in_force_give_way_to_the_file) {
  {
    Life first(config("file"));
    first.put("/routes/0/respond/body", "\"live\"");
  }
  std::filesystem::rename(folder_ + "/versions/000000000002.json", folder_ + "/kept");
  std::filesystem::copy(folder_ + "/versions/000000000001.json", folder_ + "/other");
  {
    Life second(config("file"));
    EXPECT_EQ(second.body(), "file");
    EXPECT_EQ(second.live.history().head()->number, 1u);
  }
}

TEST_F(KeptVersionsTest, are_no_change_if_they_cannot_be_kept) {
  Life life(config("file"));
  std::filesystem::permissions(folder_ + "/versions", std::filesystem::perms(0777));
  ChangeOutcome outcome = life.put("/routes/0/respond/body", "\"live\"");
  ASSERT_TRUE(outcome.refusal);
  EXPECT_EQ(outcome.refusal->status, 507);
  EXPECT_THAT(outcome.problems[0]["message"].get<std::string>(), HasSubstr("may write there"));
  EXPECT_EQ(life.body(), "file");
  std::filesystem::permissions(folder_ + "/versions", std::filesystem::perms(0700));
  EXPECT_FALSE(life.put("/routes/0/respond/body", "\"live\"").refusal);
}

TEST_F(KeptVersionsTest, stay_where_the_file_says) {
  Life life(config("file"));
  ChangeOutcome outcome = life.put("/admin/versions/directory", "\"/elsewhere\"");
  ASSERT_TRUE(outcome.refusal);
  EXPECT_EQ(outcome.problems[0]["path"], "/admin/versions/directory");
}

TEST_F(KeptVersionsTest, are_as_many_as_wanted) {
  Life life(config("file"));
  life.put("/admin/versions/keep", "3");
  for (int i = 0; i < 10; ++i) life.put("/routes/0/respond/body", "\"" + std::to_string(i) + "\"");
  EXPECT_EQ(life.live.history().all().size(), 3u);
  std::size_t files = 0;
  for (const auto& each : std::filesystem::directory_iterator(folder_ + "/versions")) {
    files += each.is_regular_file();
  }
  EXPECT_EQ(files, 3u);
}

}  // namespace
}  // namespace weir
