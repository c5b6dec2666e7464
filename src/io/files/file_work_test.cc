#include "io/files/file_work.h"

#include <string>

#include "io/loop_contract.h"

namespace weir::test {
namespace {

constexpr std::size_t kLarge = 300'000;

class FileWorkTest : public LoopContract {};
WEIR_RUN_ON_EVERY_ENGINE(FileWorkTest);

Task<void> use_file(FileWork& work, std::uint64_t seed) {
  Result<std::size_t> file = co_await work.make("/tmp");
  EXPECT_TRUE(file);
  if (!file) co_return;
  int fd = static_cast<int>(*file);
  std::string content = pattern(kLarge, seed);
  Result<std::size_t> written = co_await work.write(fd, content, 0);
  EXPECT_EQ(written.value(), kLarge);
  std::string back(kLarge, '\0');
  Result<std::size_t> got = co_await work.read(fd, back.data(), back.size() - 10, 10);
  EXPECT_EQ(got.value(), kLarge - 10);
  EXPECT_TRUE(back.substr(0, kLarge - 10) == content.substr(10));
  got = co_await work.read(fd, back.data(), back.size(), kLarge - 3);
  EXPECT_EQ(got.value(), 3u) << "the file ends";
  work.close(fd);
}

Task<void> use_files(FileWork& work) {
  Scope scope;
  for (int i = 0; i < 10; ++i) scope.spawn(use_file(work, i));
  co_await scope.join();
}

TEST_P(FileWorkTest, what_was_written_is_read_by_many_at_once) {
  run(use_files(FileWork::of(loop())));
}

Task<Result<std::size_t>> make_in(FileWork& work, const char* directory) {
  co_return co_await work.make(directory);
}

TEST_P(FileWorkTest, a_directory_that_is_not_there_is_an_error) {
  if (loop().engine() == "sim") GTEST_SKIP() << "has no directories";
  Result<std::size_t> file = run(make_in(FileWork::of(loop()), "/nowhere"));
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::io);
}

Task<Result<std::size_t>> write_into(FileWork& work, std::string_view bytes) {
  Result<std::size_t> file = co_await work.make("/");
  Result<std::size_t> written = co_await work.write(static_cast<int>(file.value()), bytes, 0);
  work.close(static_cast<int>(*file));
  co_return written;
}

TEST(FileMemoryTest, a_simulated_disk_is_full_when_the_test_says_so) {
  SimWorld world(1);
  FileMemory work(world.add_loop());
  work.room = 5;
  EXPECT_EQ(test::run(world.loop(0), write_into(work, "12345")).value(), 5u);
  EXPECT_FALSE(test::run(world.loop(0), write_into(work, "6")));
  EXPECT_EQ(work.open, 0);
}

}  // namespace
}  // namespace weir::test
