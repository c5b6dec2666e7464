// What a file of the disk cache holds: all that is known of a response, then its body in blocks,
// each with a checksum. No I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "middleware/cache/head.h"
#include "middleware/cache/selector.h"

namespace weir::cache {

/// What the index keeps of a file.
struct DiskFacts {
  std::uint64_t id = 0;      // names the file; what is newer has a higher one
  std::uint64_t length = 0;  // of the body
  std::int64_t born = 0;     // seconds since 1970: its head had come
  Verdict verdict;
  Selector selector;
  std::string url;
  std::string extras;
  std::string tags;

  /// Seconds since 1970 at which it is stale.
  std::int64_t fresh_until() const { return born + verdict.lifetime - verdict.initial_age; }
};

struct DiskRecord : DiskFacts {
  StoredHead head;
  std::uint64_t whole = 0;  // `fold` over the checksums of all blocks, from 0 on
};

/// Bytes of a body between two checksums.
constexpr std::uint64_t kDiskBlock = 65536;
constexpr std::uint64_t kDiskSum = 8;
/// Of a head: magic, version, size, checksum. What follows is as long as the size says.
constexpr std::size_t kDiskPrefix = 24;
constexpr std::size_t kMostDiskHead = 1048576;

/// The head of a file, prefix included. As long whatever `whole` is.
std::string encode(const DiskRecord& record);
/// How long the head is, prefix included; nothing if it is not one of ours.
std::optional<std::size_t> disk_head_size(std::string_view prefix);
/// Nothing unless every byte is as it was written and says something that may be served.
std::optional<DiskRecord> decode(std::string_view head);

/// Of all of a head behind its prefix.
std::uint64_t head_sum(std::string_view text);

/// Bytes that a body takes with its checksums.
constexpr std::uint64_t disk_body_size(std::uint64_t length) {
  return length + (length + kDiskBlock - 1) / kDiskBlock * kDiskSum;
}
/// Where a block begins, behind the head.
constexpr std::uint64_t disk_block_at(std::uint64_t index) {
  return index * (kDiskBlock + kDiskSum);
}
/// A block verifies only where it was written, and in the file that it was written for.
std::uint64_t block_sum(std::uint64_t id, std::uint64_t index, std::string_view block);
std::uint64_t fold(std::uint64_t whole, std::uint64_t sum);
void put_sum(std::uint64_t sum, char* to);
std::uint64_t get_sum(const char* from);

}  // namespace weir::cache
