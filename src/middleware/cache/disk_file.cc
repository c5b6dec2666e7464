#include "middleware/cache/disk_file.h"

#include <algorithm>
#include <array>
#include <cerrno>

namespace weir::cache {
namespace {

// Read at first of a file: most heads fit.
constexpr std::size_t kFirstRead = 4096;

}  // namespace

std::optional<DiskRecord> read_disk_head(int fd, std::uint64_t& body_at) {
  std::string head(kFirstRead, '\0');
  std::int64_t got = read_at(fd, head.data(), head.size(), 0);
  if (got < 0) return std::nullopt;
  head.resize(static_cast<std::size_t>(got));
  std::optional<std::size_t> size = disk_head_size(head);
  if (!size) return std::nullopt;
  std::size_t have = std::min(head.size(), *size);
  head.resize(*size);
  if (have < *size) {
    got = read_at(fd, head.data() + have, *size - have, have);
    if (got != static_cast<std::int64_t>(*size - have)) return std::nullopt;
  }
  body_at = *size;
  return decode(head);
}

// --- writing -------------------------------------------------------------------------------------

DiskWriter::DiskWriter(Disk& disk, DiskEntryRef entry, DiskRecord record)
    : disk_(disk), entry_(std::move(entry)), record_(std::move(record)) {
  record_.id = entry_->facts.id;
}

DiskWriter::~DiskWriter() {
  if (committed_) return;
  if (file_.ok()) disk_.directory().discard(record_.id);
  disk_.abandon(*entry_);
}

// What has to go for it goes first.
bool DiskWriter::start() {
  disk_.sweep();
  body_at_ = encode(record_).size();
  file_ = OwnedFd(disk_.directory().create(record_.id));
  return file_.ok() || fail("create");
}

bool DiskWriter::fail(const char* what) {
  if (!std::exchange(failed_, true)) disk_.failed(what);
  return false;
}

bool DiskWriter::put(std::string_view block) {
  if (failed_ || (!file_.ok() && !start())) return false;
  std::uint64_t sum = block_sum(record_.id, blocks_, block);
  record_.whole = fold(record_.whole, sum);
  std::array<char, kDiskSum> text;
  put_sum(sum, text.data());
  std::uint64_t at = body_at_ + disk_block_at(blocks_++);
  written_ += block.size();
  bool written = write_at(file_.get(), block.data(), block.size(), at) &&
                 write_at(file_.get(), text.data(), text.size(), at + block.size());
  return written || fail("write");
}

// The head comes last: a file without one is none, whatever its name.
bool DiskWriter::finish() {
  if (failed_ || (!file_.ok() && !start())) return false;
  if (written_ != record_.length) return false;
  std::string head = encode(record_);
  if (!write_at(file_.get(), head.data(), head.size(), 0)) return fail("write");
  if (!disk_.directory().publish(record_.id)) return fail("rename");
  committed_ = disk_.commit(*entry_);
  if (committed_) return true;
  disk_.directory().remove(record_.id);
  return false;
}

// --- reading -------------------------------------------------------------------------------------

Result<std::shared_ptr<DiskFile>> DiskFile::open(Disk& disk, DiskEntryRef entry) {
  std::shared_ptr<DiskFile> file(new DiskFile(disk, entry));
  file->file_ = OwnedFd(disk.directory().open(entry->facts.id));
  if (!file->file_.ok()) {
    // It may have gone since it was found; else somebody took it away.
    if (disk.has(*entry)) disk.failed("open");
    disk.remove(*entry);
    return weir::fail(ErrorCode::io, Origin::weir, "a file of the cache is not there");
  }
  std::optional<DiskRecord> record = read_disk_head(file->file_.get(), file->body_at_);
  bool same = record && record->id == entry->facts.id && record->url == entry->facts.url &&
              record->length == entry->facts.length;
  if (!same) return std::unexpected(file->refuse());
  file->record_ = std::move(*record);
  return file;
}

std::size_t DiskFile::size_of(std::uint64_t block) const {
  return std::min(kDiskBlock, record_.length - block * kDiskBlock);
}

Result<std::uint64_t> DiskFile::read(std::uint64_t block, char* into) {
  std::size_t size = size_of(block);
  std::uint64_t at = body_at_ + disk_block_at(block);
  std::array<char, kDiskSum> text;
  std::int64_t got = read_at(file_.get(), into, size, at);
  std::int64_t summed = got < 0 ? -1 : read_at(file_.get(), text.data(), text.size(), at + size);
  if (summed < 0) {
    disk_.failed("read");
    disk_.remove(*entry_);
    return weir::fail(ErrorCode::io, Origin::weir, "a file of the cache cannot be read");
  }
  if (got != static_cast<std::int64_t>(size) || summed != kDiskSum) {
    return std::unexpected(refuse());
  }
  std::uint64_t sum = block_sum(record_.id, block, {into, size});
  if (sum != get_sum(text.data())) return std::unexpected(refuse());
  return sum;
}

Error DiskFile::refuse() {
  disk_.broken(*entry_);
  return Error(ErrorCode::truncated, Origin::weir, "a file of the cache is broken");
}

}  // namespace weir::cache
