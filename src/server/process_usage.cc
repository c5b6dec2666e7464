#include "server/process_usage.h"

#include <dirent.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>

namespace weir {
namespace {

constexpr const char* kDescriptors = "/proc/self/fd";

// A file that holds a number or "max"; 0: there is none.
std::uint64_t read_bound(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return 0;
  unsigned long long bound = 0;
  if (std::fscanf(file, "%llu", &bound) != 1) bound = 0;
  std::fclose(file);
  return bound;
}

// Of version 2: the line "0::/path".
std::string control_group() {
  std::FILE* file = std::fopen("/proc/self/cgroup", "re");
  if (file == nullptr) return {};
  std::string group;
  char line[4096];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    std::string_view text(line);
    if (!text.starts_with("0::/")) continue;
    group = text.substr(3, text.find('\n') - 3);
  }
  std::fclose(file);
  return group;
}

// Since Linux 6.2 the size of the directory is the number of its entries.
std::uint64_t open_files() {
  struct stat info;
  if (::stat(kDescriptors, &info) == 0 && info.st_size > 0) {
    return static_cast<std::uint64_t>(info.st_size);
  }
  DIR* directory = ::opendir(kDescriptors);
  if (directory == nullptr) return 0;
  std::uint64_t count = 0;
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return count > 3 ? count - 3 : 0;  // ".", ".." and the directory itself
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

std::uint64_t read_resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long long size = 0, resident = 0;
  if (std::fscanf(file, "%llu %llu", &size, &resident) != 2) resident = 0;
  std::fclose(file);
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t read_memory_limit() {
  std::uint64_t least = 0;
  std::string group = control_group();
  while (true) {
    std::uint64_t bound = read_bound("/sys/fs/cgroup" + group + "/memory.max");
    if (bound > 0 && (least == 0 || bound < least)) least = bound;
    std::size_t slash = group.rfind('/');
    if (slash == std::string::npos) return least;
    group.resize(slash);
  }
}

void release_free_memory() { ::malloc_trim(0); }

ProcessUsage read_process_usage() {
  ProcessUsage usage;
  rusage used;
  if (::getrusage(RUSAGE_SELF, &used) == 0) {
    usage.cpu_seconds = seconds(used.ru_utime) + seconds(used.ru_stime);
  }
  usage.resident_bytes = read_resident_bytes();
  usage.open_files = open_files();
  return usage;
}

}  // namespace weir
