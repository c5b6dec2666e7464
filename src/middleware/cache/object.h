// Object: one response of a cache, while it comes in and as long as it is kept.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/list.h"
#include "io/signal.h"
#include "middleware/cache/budget.h"
#include "middleware/cache/eviction.h"
#include "middleware/cache/head.h"
#include "middleware/cache/selector.h"

namespace weir::cache {

struct DiskEntry;
struct FillRequest;

/// How far a response has come. What waits for its head goes by this.
enum class Phase : std::uint8_t {
  pending,   // asked for; nothing is known
  open,      // the head is there, the body comes in
  complete,  // all of it is there
  lent,      // only for the client for which it was asked; the others go on by themselves
  failed,    // there is no response, or it ended early
  refused,   // it is of no use for anybody: all go on by themselves
  pass       // no response: for a while nobody is to wait for another
};

/// A block of a body, shared between workers, with its share of the budget.
class Chunk final : public SliceOwner {
 public:
  /// `charge` may be none. The slice is the whole block, of `capacity` bytes.
  static Slice make(std::size_t capacity, Charge charge);
  /// What a block of `capacity` bytes takes of a budget.
  static std::uint64_t cost(std::size_t capacity);
  /// What may be written to, of a block that `make` gave.
  static char* bytes(const Slice& chunk);

 private:
  explicit Chunk(Charge charge)
      : SliceOwner(&Chunk::release, Shared::yes), charge_(std::move(charge)) {}
  static void release(SliceOwner* self);

  Charge charge_;
};

/// Where a reader is.
struct Cursor {
  std::uint64_t piece = 0;   // counted from the first that there ever was
  std::uint64_t offset = 0;  // in that piece
};

/// The rest of what is known with the head.
struct ObjectFacts {
  StoredHead head;
  Verdict verdict;
  Selector selector;
  std::string tags;  // of Surrogate-Key and Cache-Tag, each between spaces
  TimePoint born;    // the head had come
  std::optional<std::uint64_t> length;
  Charge charge;  // for all of this
};

/// Written by one fill, read by clients of any worker. What `facts` gives does not change once the
/// phase is open; a complete body does not change at all, and is read without a lock. The mutex
/// guards the rest; it is held for a few instructions, and nothing else is locked inside of it.
class Object final : public std::enable_shared_from_this<Object> {
 public:
  class Follower;
  enum class Role : std::uint8_t { reader, writer };

  /// `extras`: what the configuration adds to the key. `charge`: for all but the body.
  Object(std::string extras, Charge charge);
  ~Object();

  Phase phase() const { return phase_.load(std::memory_order_acquire); }
  const std::string& extras() const { return extras_; }
  /// From phase open on.
  const ObjectFacts& facts() const { return facts_; }
  /// Seconds since it was made at the origin (RFC 9111, 4.2.3).
  std::int64_t age(TimePoint now) const;
  /// Of the whole body, if it is known yet. From phase open on.
  std::optional<std::uint64_t> length() const;
  /// Bytes of it that are there.
  std::uint64_t size() const;
  const Error& error() const { return error_; }

  /// Bytes of the budget that go with it.
  std::uint64_t cost() const;
  /// Makes it a word that nobody is to wait; before anybody else sees it.
  void set_pass() { phase_.store(Phase::pass, std::memory_order_relaxed); }

  // --- the fill's side: `from` is its loop -------------------------------------------------------

  void open(ObjectFacts facts, Loop& from);
  /// Open and complete at once: the body of `stale` under a new head.
  void renew(const Object& stale, ObjectFacts facts, Loop& from);
  /// A block for what follows; the one before is full.
  void add(Slice chunk);
  /// Free bytes of the last block.
  std::size_t room() const { return room_; }
  char* tail() const { return tail_; }
  /// So many bytes were written to the tail.
  void commit(std::size_t bytes, Loop& from);
  /// Puts the last block into a smaller one, of exactly its size.
  void fit(Slice chunk);
  std::size_t last_size() const { return last_size_; }
  /// Nothing is kept any more once all have read it; nobody may begin.
  void stop_keeping();
  bool kept() const { return kept_.load(std::memory_order_relaxed); }
  /// Bytes that wait for the slowest reader; above `window`, the fill is told by its `follower`
  /// when there are fewer.
  bool crowded(std::uint64_t window, Follower& follower);
  /// How many read or wait, the fill itself left out.
  std::size_t readers() const;
  /// complete, lent, failed or refused.
  void end(Phase phase, Loop& from, const Error& error = {});

  // --- the readers' side -------------------------------------------------------------------------

  /// True if the head is not there yet: `follower` is told when that changes.
  bool waits_for_head(Follower& follower);
  /// At most `most` bytes, an empty slice at the end, or nothing: `follower`, if there is one, is
  /// told when there is more.
  std::optional<Result<Slice>> take(Cursor& at, std::uint64_t most, Follower* follower);

  // --- what the index keeps of it, under the lock of its shard -----------------------------------

  Place place;
  bool purged = false;                   // softly: it is stale
  bool doomed = false;                   // of a fill: not to be stored
  bool joinable = true;                  // of a fill: others may wait for it
  TimePoint retry_at{};                  // the origin failed: it is not to be asked before
  TimePoint pass_until{};                // of phase pass
  std::unique_ptr<FillRequest> request;  // of a fill: what was asked
  std::shared_ptr<DiskEntry> disk;       // its file, if it has one; set before it is stored

 private:
  struct Piece {
    Slice memory;
    std::size_t size = 0;
  };
  struct Group;

  void join(Follower& follower);
  void leave(Follower& follower);
  void wake(Loop& from, Role whom);
  void deliver(Group& group, Role whom);
  void drop_read();
  std::optional<Result<Slice>> next(Cursor& at, std::uint64_t most) const;

  const std::string extras_;
  Charge charge_;
  ObjectFacts facts_;
  std::atomic<Phase> phase_{Phase::pending};
  std::atomic<bool> kept_{true};
  Error error_;

  // Of the fill alone.
  char* tail_ = nullptr;
  std::size_t room_ = 0;
  std::size_t last_size_ = 0;

  mutable std::mutex mutex_;
  std::deque<Piece> pieces_;
  std::uint64_t first_piece_ = 0;  // the number of the first that is left
  std::uint64_t bytes_ = 0;        // of those that are left
  std::vector<std::unique_ptr<Group>> groups_;
  std::uint64_t window_ = 0;
};

/// RFC 5861, 4: it is better than an error, now that the origin has failed.
inline bool usable_after_failure(const Object& object, TimePoint now) {
  const Verdict& verdict = object.facts().verdict;
  return verdict.stale_if_error > 0 &&
         verdict.may_be_stale(object.age(now), verdict.stale_if_error);
}

/// One who is told of changes, on a loop of its own. Until it goes, nothing is dropped that lies
/// before its cursor.
class Object::Follower final : public Link {
 public:
  Follower(std::shared_ptr<Object> object, Loop& loop, Role role = Role::reader);
  ~Follower();

  Object& object() { return *object_; }
  auto changed(StopToken stop) { return signal_.wait(stop); }

 private:
  friend class Object;
  std::shared_ptr<Object> object_;
  Loop& loop_;
  Signal signal_;
  Role role_;
  // Under the object's mutex.
  bool waiting_ = false;
  std::uint64_t piece_ = 0;
};

}  // namespace weir::cache
