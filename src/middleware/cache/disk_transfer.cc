#include "middleware/cache/disk_transfer.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

#include "middleware/cache/fill.h"

namespace weir::cache {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;
// Of the blocks of memory into which a file is read.
constexpr std::uint64_t kLoadChunk = 4 * kDiskBlock;

void write_all(DiskWriter& writer, Object& object) {
  std::string block;
  block.reserve(kDiskBlock);
  Cursor cursor;
  while (true) {
    auto piece = object.take(cursor, kDiskBlock - block.size(), nullptr);
    bool over = !piece || !*piece || (*piece)->empty();
    if (!over) block += (*piece)->view();
    if ((over && !block.empty()) || block.size() == kDiskBlock) {
      if (!writer.put(block)) return;
      block.clear();
    }
    if (over) break;
  }
  writer.finish();
}

/// Memory for a body, charged, or nothing.
std::optional<std::vector<Slice>> memory_for(Store& store, std::uint64_t length) {
  std::vector<Slice> chunks;
  while (length > 0) {
    std::uint64_t size = std::min(length, kLoadChunk);
    std::optional<Charge> charge = store.charge(Chunk::cost(size));
    if (!charge) return std::nullopt;
    chunks.push_back(Chunk::make(size, std::move(*charge)));
    length -= size;
  }
  return chunks;
}

Result<DiskRecord> read_all(Disk& disk, const DiskEntryRef& entry,
                            const std::vector<Slice>& chunks) {
  Result<std::shared_ptr<DiskFile>> file = DiskFile::open(disk, entry);
  if (!file) return fail(file.error());
  std::uint64_t whole = 0;
  for (std::uint64_t block = 0; block < (*file)->blocks(); ++block) {
    const Slice& chunk = chunks[block * kDiskBlock / kLoadChunk];
    Result<std::uint64_t> sum =
        (*file)->read(block, Chunk::bytes(chunk) + block * kDiskBlock % kLoadChunk);
    if (!sum) return fail(sum.error());
    whole = fold(whole, *sum);
  }
  if (whole != (*file)->record().whole) return fail((*file)->refuse());
  return (*file)->record();
}

void adopt(Loop& loop, Store& store, Disk& disk, const DiskEntryRef& entry,
           const DiskRecord& record, std::vector<Slice> chunks) {
  ObjectFacts facts = facts_of(record, loop);
  std::optional<Charge> own = store.charge(Store::kObjectCost + record.url.size());
  std::optional<Charge> head =
      store.charge(facts.head.size() + facts.selector.size() + facts.tags.capacity());
  if (!own || !head) return;
  facts.charge = std::move(*head);
  auto object = std::make_shared<Object>(record.extras, std::move(*own));
  object->open(std::move(facts), loop);
  for (Slice& chunk : chunks) {
    std::size_t size = chunk.size();
    object->add(std::move(chunk));
    object->commit(size, loop);
  }
  object->end(Phase::complete, loop);
  object->disk = entry;
  if (store.adopt(record.url, object, disk)) disk.read();
}

}  // namespace

DiskRecord disk_record(std::string_view url, const Object& object, std::uint64_t length,
                       Loop& loop) {
  const ObjectFacts& facts = object.facts();
  auto resident = std::chrono::duration_cast<std::chrono::seconds>(loop.now() - facts.born).count();
  DiskRecord record;
  record.length = length;
  record.born = std::max<std::int64_t>(loop.wall_now() / kNanoseconds - resident, 0);
  record.verdict = facts.verdict;
  record.selector = facts.selector;
  record.url = url;
  record.extras = object.extras();
  record.tags = facts.tags;
  record.head = facts.head;
  return record;
}

ObjectFacts facts_of(const DiskRecord& record, Loop& loop) {
  ObjectFacts facts;
  facts.head = record.head;
  facts.verdict = record.verdict;
  facts.selector = record.selector;
  facts.tags = record.tags;
  facts.length = record.length;
  std::int64_t resident = loop.wall_now() / kNanoseconds - record.born;
  if (resident < 0) {
    resident = 0;
    facts.verdict.lifetime = 0;
  }
  facts.born = loop.now() - std::chrono::seconds(resident);
  return facts;
}

Task<void> sweep(Loop& loop, std::shared_ptr<Disk> disk, StopToken stop) {
  bool opens = disk->wants_open(loop.now());
  if (!opens && !disk->has_trash()) co_return;
  auto work = [from = disk.get(), opens] {
    if (opens) from->open_again();
    from->sweep();
    return true;
  };
  (void)co_await disk->writing().run(loop, work, stop);
}

Task<void> write_behind(Loop& loop, std::shared_ptr<Disk> disk, ObjectRef object,
                        DiskRecord record) {
  auto writer = std::make_shared<DiskWriter>(*disk, object->disk, std::move(record));
  auto work = [writer, object] {
    write_all(*writer, *object);
    return true;
  };
  writer.reset();
  object.reset();
  Result<bool> written = co_await disk->writing().run(loop, std::move(work), {});
  if (!written) disk->skipped();
}

// --- into memory ---------------------------------------------------------------------------------

namespace {

// Ends `gate` when there is nothing to wait for any more.
Task<void> load(Loop& loop, std::shared_ptr<Store> store, std::shared_ptr<Disk> disk,
                DiskEntryRef entry, ObjectRef gate) {
  std::optional<std::vector<Slice>> chunks = memory_for(*store, entry->facts.length);
  if (chunks) {
    auto work = [from = disk.get(), entry, chunks = *chunks] {
      return read_all(*from, entry, chunks);
    };
    Result<Result<DiskRecord>> read = co_await disk->reading().run(loop, std::move(work), {});
    if (read && *read) adopt(loop, *store, *disk, entry, **read, std::move(*chunks));
    co_await sweep(loop, disk, {});
  }
  disk->loaded(*entry);
  gate->end(Phase::refused, loop);
}

}  // namespace

Task<Status> bring_into_memory(Loop& loop, std::shared_ptr<Store> store, DiskEntryRef entry,
                               StopToken stop) {
  std::shared_ptr<Disk> disk = entry->owner.lock();
  if (!disk) co_return Status();
  bool begun = false;
  ObjectRef gate = disk->loading(*entry, begun);
  Object::Follower follower(gate, loop);
  // Whoever wants it first may leave first.
  if (begun) FillScope::of(loop).spawn(load(loop, std::move(store), std::move(disk), entry, gate));
  while (gate->waits_for_head(follower)) {
    Status waited = co_await follower.changed(stop);
    if (!waited) co_return waited;
  }
  co_return Status();
}

Task<Result<OpenFile>> open_file(Loop& loop, DiskEntryRef entry, StopToken stop) {
  std::shared_ptr<Disk> disk = entry->owner.lock();
  if (!disk) co_return fail(ErrorCode::io, Origin::weir, "the disk of the cache has gone");
  auto work = [from = disk.get(), entry] { return DiskFile::open(*from, entry); };
  auto opened = co_await disk->reading().run(loop, std::move(work), stop);
  if (!opened) co_return fail(opened.error());
  if (!*opened) co_return fail(opened->error());
  disk->read();
  OpenFile open;
  open.disk = std::move(disk);
  open.file = std::move(**opened);
  co_return open;
}

// --- past memory ---------------------------------------------------------------------------------

Spool::Spool(Loop& loop, std::shared_ptr<Disk> disk, DiskEntryRef entry, DiskRecord record)
    : loop_(loop),
      disk_(std::move(disk)),
      writer_(std::make_shared<DiskWriter>(*disk_, std::move(entry), std::move(record))) {}

Task<void> Spool::put(std::string_view bytes, StopToken stop) {
  while (!failed_ && !bytes.empty()) {
    if (block_.empty()) block_ = Chunk::make(kDiskBlock, Charge());
    std::size_t size = std::min<std::size_t>(bytes.size(), kDiskBlock - size_);
    std::memcpy(Chunk::bytes(block_) + size_, bytes.data(), size);
    bytes.remove_prefix(size);
    size_ += size;
    if (size_ == kDiskBlock) co_await flush(stop);
  }
}

// The block belongs to the thread from here on: when it is stopped, that one goes on.
Task<void> Spool::flush(StopToken stop) {
  std::size_t size = std::exchange(size_, 0);
  auto work = [writer = writer_, block = std::exchange(block_, Slice()), size] {
    return writer->put({block.data(), size});
  };
  Result<bool> put = co_await disk_->writing().run(loop_, std::move(work), stop);
  failed_ = !put || !*put;
}

Task<void> Spool::finish(StopToken stop) {
  if (size_ > 0) co_await flush(stop);
  if (failed_) co_return;
  auto work = [writer = std::exchange(writer_, nullptr)] { return writer->finish(); };
  (void)co_await disk_->writing().run(loop_, std::move(work), stop);
}

// Giving back the blocks of a large file takes a disk its time.
Task<void> Spool::close() {
  if (!writer_) co_return;
  auto work = [writer = std::exchange(writer_, nullptr)]() mutable {
    writer.reset();
    return true;
  };
  (void)co_await disk_->writing().run(loop_, std::move(work), {});
}

}  // namespace weir::cache
