#include "server/log_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <string>

#include "core/log.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

/// A directory of its own for each test; what the program itself logs is kept.
class LogWriterTest : public ::testing::Test {
 protected:
  LogWriterTest() {
    std::string name = ::testing::TempDir() + "weir_log_XXXXXX";
    directory_ = ::mkdtemp(name.data());
    set_log_sink([this](std::string_view line) {
      std::lock_guard lock(mutex_);
      own_log_ += line;
    });
  }
  ~LogWriterTest() override {
    set_log_sink(nullptr);
    std::filesystem::remove_all(directory_);
  }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  LogFile open(LogWriter& writer, const std::string& name) {
    auto file = writer.open(name);
    EXPECT_TRUE(file) << file.error();
    return file ? std::move(*file) : LogFile();
  }

  std::string content(const std::string& name) const {
    std::ifstream file(path(name));
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  std::string own_log() {
    std::lock_guard lock(mutex_);
    return own_log_;
  }
  std::size_t told(std::string_view code) {
    std::string log = own_log();
    std::size_t count = 0;
    for (std::size_t at = log.find(code); at != log.npos; at = log.find(code, at + 1)) ++count;
    return count;
  }

  std::string directory_;
  std::mutex mutex_;
  std::string own_log_;
};

/// A pipe that nobody empties until told to.
class StuckPipe {
 public:
  StuckPipe() {
    EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0);
    EXPECT_EQ(::fcntl(ends_[1], F_SETPIPE_SZ, 4096), 4096);
  }
  ~StuckPipe() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(ends_[1]); }

  /// Reads until the last byte is `until`'s last and all of it has come.
  std::string read_until(std::string_view until) {
    std::string all;
    char buffer[65536];
    while (!all.ends_with(until)) {
      ssize_t got = ::read(ends_[0], buffer, sizeof buffer);
      if (got <= 0) break;
      all.append(buffer, static_cast<std::size_t>(got));
    }
    return all;
  }
  std::string read_what_is_there() {
    std::string all;
    char buffer[65536];
    pollfd waiting{ends_[0], POLLIN, 0};
    while (::poll(&waiting, 1, 0) > 0) {
      ssize_t got = ::read(ends_[0], buffer, sizeof buffer);
      if (got <= 0) break;
      all.append(buffer, static_cast<std::size_t>(got));
    }
    return all;
  }

 private:
  int ends_[2];
};

std::string line(int number) {
  return "line " + std::to_string(number) + std::string(90, '.') + "\n";
}

/// Every line is whole, and numbers rise.
std::size_t count_lines(const std::string& text) {
  std::istringstream stream(text);
  std::string each;
  std::size_t lines = 0;
  int before = -1;
  while (std::getline(stream, each)) {
    int number = -1;
    EXPECT_EQ(std::sscanf(each.c_str(), "line %d", &number), 1) << each;
    EXPECT_EQ(each + "\n", line(number));
    EXPECT_GT(number, before);
    before = number;
    ++lines;
  }
  return lines;
}

TEST_F(LogWriterTest, keeps_the_lines_of_each_worker_whole_and_in_order) {
  constexpr int kWorkers = 3, kLines = 3000;
  {
    LogWriter writer;
    writer.use(open(writer, path("log")));
    std::vector<std::thread> workers;
    for (int worker = 0; worker < kWorkers; ++worker) {
      workers.emplace_back([&writer, worker] {
        auto sink = writer.join();
        for (int i = 0; i < kLines; ++i) {
          sink->put(std::to_string(worker) + " " + std::to_string(i) + "\n");
        }
      });
    }
    for (auto& worker : workers) worker.join();
    writer.stop();
    EXPECT_EQ(writer.figures().lines, static_cast<std::uint64_t>(kWorkers * kLines));
    EXPECT_EQ(writer.figures().dropped, 0u);
  }
  std::ifstream file(path("log"));
  std::map<int, int> next;
  int worker, number;
  while (file >> worker >> number) EXPECT_EQ(number, next[worker]++);
  for (int each = 0; each < kWorkers; ++each) EXPECT_EQ(next[each], kLines);
}

TEST_F(LogWriterTest, writes_soon_without_being_asked_to_stop) {
  LogWriter writer;
  writer.use(open(writer, path("log")));
  auto sink = writer.join();
  sink->put("hello\n");
  while (content("log").empty()) std::this_thread::yield();  // a second at most
  EXPECT_EQ(content("log"), "hello\n");
}

TEST_F(LogWriterTest, appends_to_what_a_file_has) {
  std::ofstream(path("log")) << "before\n";
  LogWriter writer;
  writer.use(open(writer, path("log")));
  writer.join()->put("after\n");
  writer.stop();
  EXPECT_EQ(content("log"), "before\nafter\n");
}

TEST_F(LogWriterTest, writes_what_waits_to_the_old_file_before_it_takes_the_new_one) {
  LogWriter writer;
  writer.use(open(writer, path("log")));
  auto sink = writer.join();
  for (int i = 0; i < 100; ++i) sink->put(line(i));
  std::filesystem::rename(path("log"), path("log.1"));
  writer.use(open(writer, path("log")));
  while (content("log.1").size() < 100 * line(10).size() - 10) std::this_thread::yield();
  for (int i = 100; i < 200; ++i) sink->put(line(i));
  writer.stop();
  EXPECT_EQ(count_lines(content("log.1") + content("log")), 200u);
  EXPECT_GE(count_lines(content("log.1")), 100u);
  EXPECT_GT(count_lines(content("log")), 0u);
}

TEST_F(LogWriterTest, writes_what_is_put_after_a_change_to_the_new_file_alone) {
  LogWriter writer;
  writer.use(open(writer, path("log")));
  auto first = writer.join(), second = writer.join();
  constexpr int kTurns = 200;  // the thread sleeps, wakes or writes when the file changes
  for (int turn = 0; turn < kTurns; ++turn) {
    std::string number = std::to_string(turn);
    first->put("first " + number + "\n");
    second->put("second " + number + "\n");
    std::filesystem::rename(path("log"), path("log." + number));
    writer.use(open(writer, path("log")));
  }
  writer.stop();
  for (int turn = 0; turn < kTurns; ++turn) {
    std::string number = std::to_string(turn);
    EXPECT_EQ(content("log." + number), "first " + number + "\nsecond " + number + "\n");
  }
  EXPECT_EQ(content("log"), "");
  EXPECT_EQ(writer.figures().lines, 2u * kTurns);
}

TEST_F(LogWriterTest, leaves_a_reader_that_is_blocked_although_little_waits) {
  StuckPipe pipe;
  LogWriter writer(64 * 1024);
  writer.use(open(writer, pipe.path()));
  auto sink = writer.join();
  for (int i = 0; i < 100; ++i) sink->put(line(i));  // more than the pipe takes
  writer.use(open(writer, path("log")));
  sink->put(line(100));
  while (!content("log").ends_with(line(100))) std::this_thread::yield();
  EXPECT_GT(count_lines(content("log")), 1u) << "what the old one did not take came here";
}

TEST_F(LogWriterTest, gives_a_reason_for_what_cannot_be_opened) {
  EXPECT_EQ(LogFile::open(path("no/such/directory")).error(), "No such file or directory");
  EXPECT_EQ(LogFile::open(directory_).error(), "Is a directory");
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(LogFile::open(path("pipe")).error(), "nobody reads from this pipe");
}

TEST_F(LogWriterTest, drops_whole_lines_of_a_blocked_reader_counts_them_and_says_so_once) {
  StuckPipe pipe;
  LogWriter writer(64 * 1024);
  writer.use(open(writer, pipe.path()));
  auto sink = writer.join();
  constexpr int kLines = 10'000;  // a megabyte: the pipe and the ring take 68 KiB
  for (int i = 0; i < kLines; ++i) sink->put(line(i));
  LogFigures figures = writer.figures();
  EXPECT_GT(figures.dropped, 0u);
  EXPECT_EQ(figures.lines + figures.dropped, static_cast<std::uint64_t>(kLines));
  while (told("access_log_drops_lines") == 0) std::this_thread::yield();
  std::string read = pipe.read_what_is_there();
  while (read.size() < figures.lines * line(0).size()) {
    std::string more = pipe.read_what_is_there();
    read += more;
    if (more.empty()) std::this_thread::yield();
    if (read.ends_with('\n') && count_lines(read) == figures.lines) break;
  }
  sink->put(line(kLines));
  EXPECT_TRUE(pipe.read_until(line(kLines)).ends_with(line(kLines)));
  EXPECT_EQ(told("access_log_drops_lines"), 1u);
}

TEST_F(LogWriterTest, ends_although_a_reader_stays_blocked) {
  StuckPipe pipe;
  LogWriter writer(64 * 1024);
  writer.use(open(writer, pipe.path()));
  auto sink = writer.join();
  for (int i = 0; i < 2000; ++i) sink->put(line(i));
  writer.stop();
  std::string read = pipe.read_what_is_there();
  EXPECT_GE(read.size(), 4096u);
}

TEST_F(LogWriterTest, leaves_a_blocked_reader_for_the_next_file_at_the_end_of_a_line) {
  StuckPipe pipe;
  LogWriter writer(64 * 1024);
  writer.use(open(writer, pipe.path()));
  auto sink = writer.join();
  for (int i = 0; i < 2000; ++i) sink->put(line(i));
  while (told("access_log_drops_lines") == 0) std::this_thread::yield();
  writer.use(open(writer, path("log")));
  writer.stop();
  std::string rest = content("log");
  EXPECT_GT(count_lines(rest), 0u) << "and each of them is whole";
}

TEST_F(LogWriterTest, goes_on_when_a_disk_is_full_counts_the_loss_and_says_so_once) {
  LogWriter writer;
  writer.use(open(writer, "/dev/full"));
  auto sink = writer.join();
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 100; ++i) sink->put(line(i));
    std::uint64_t lost = static_cast<std::uint64_t>(round + 1) * 100;
    if (round < 4) continue;
    writer.stop();
    EXPECT_EQ(writer.figures().dropped, lost);
  }
  EXPECT_GE(writer.figures().write_errors, 1u);
  EXPECT_EQ(told("access_log_write_failed"), 1u);
  EXPECT_THAT(own_log(), HasSubstr("No space left on device"));
}

TEST_F(LogWriterTest, needs_no_thread_as_long_as_it_is_off) {
  LogWriter writer;
  writer.use(LogFile());
  writer.join();
  writer.stop();
  EXPECT_EQ(writer.figures().lines, 0u);
}

}  // namespace
}  // namespace weir
