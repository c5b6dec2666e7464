#include "middleware/cache/object.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "middleware/cache/fill_request.h"

namespace weir::cache {

std::uint64_t Chunk::cost(std::size_t capacity) { return sizeof(Chunk) + capacity; }

Slice Chunk::make(std::size_t capacity, Charge charge) {
  // Not recycled: it is freed by whichever worker reads it last.
  auto* chunk = new (::operator new(sizeof(Chunk) + capacity)) Chunk(std::move(charge));
  return Slice(chunk, reinterpret_cast<const char*>(chunk + 1), capacity);
}

char* Chunk::bytes(const Slice& chunk) {
  return reinterpret_cast<char*>(static_cast<Chunk*>(chunk.owner()) + 1);
}

void Chunk::release(SliceOwner* self) {
  auto* chunk = static_cast<Chunk*>(self);
  chunk->~Chunk();
  ::operator delete(chunk);
}

/// The followers of one loop.
struct Object::Group {
  explicit Group(Loop& of) : loop(of) {}
  Loop& loop;
  Link members;
  bool posted = false;  // the loop has been told
};

Object::Object(std::string extras, Charge charge)
    : extras_(std::move(extras)), charge_(std::move(charge)) {
  place.object = this;
}

Object::~Object() = default;

std::int64_t Object::age(TimePoint now) const {
  // Clocks of two loops may differ by a turn.
  auto resident = std::chrono::duration_cast<std::chrono::seconds>(now - facts_.born).count();
  return facts_.verdict.initial_age + std::max<std::int64_t>(resident, 0);
}

std::optional<std::uint64_t> Object::length() const {
  if (phase() == Phase::complete && kept()) return bytes_;
  return facts_.length;
}

std::uint64_t Object::size() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

std::uint64_t Object::cost() const {
  std::lock_guard lock(mutex_);
  std::uint64_t bytes = charge_.bytes() + facts_.charge.bytes();
  for (const Piece& piece : pieces_) bytes += Chunk::cost(piece.memory.size());
  return bytes;
}

// --- the fill's side -----------------------------------------------------------------------------

void Object::open(ObjectFacts facts, Loop& from) {
  std::lock_guard lock(mutex_);
  facts_ = std::move(facts);
  phase_.store(Phase::open, std::memory_order_release);
  wake(from, Role::reader);
}

void Object::renew(const Object& stale, ObjectFacts facts, Loop& from) {
  std::deque<Piece> pieces = stale.pieces_;  // complete: it does not change
  std::lock_guard lock(mutex_);
  facts_ = std::move(facts);
  pieces_ = std::move(pieces);
  bytes_ = stale.bytes_;
  phase_.store(Phase::complete, std::memory_order_release);
  wake(from, Role::reader);
}

void Object::add(Slice chunk) {
  tail_ = Chunk::bytes(chunk);
  room_ = chunk.size();
  last_size_ = 0;
  std::lock_guard lock(mutex_);
  pieces_.push_back({std::move(chunk), 0});
}

void Object::commit(std::size_t bytes, Loop& from) {
  tail_ += bytes;
  room_ -= bytes;
  last_size_ += bytes;
  std::lock_guard lock(mutex_);
  pieces_.back().size += bytes;
  bytes_ += bytes;
  wake(from, Role::reader);
}

void Object::fit(Slice chunk) {
  std::memcpy(Chunk::bytes(chunk), tail_ - last_size_, last_size_);
  room_ = 0;
  std::lock_guard lock(mutex_);
  std::swap(pieces_.back().memory, chunk);
}

void Object::stop_keeping() {
  std::lock_guard lock(mutex_);
  kept_.store(false, std::memory_order_relaxed);
  drop_read();
}

bool Object::crowded(std::uint64_t window, Follower& follower) {
  std::lock_guard lock(mutex_);
  window_ = window;
  if (!kept()) drop_read();  // nobody may be there who does
  follower.waiting_ = bytes_ > window;
  return follower.waiting_;
}

std::size_t Object::readers() const {
  std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& group : groups_) {
    const Link& members = group->members;
    for (Link* link = members.next(); link != &members; link = link->next()) {
      if (static_cast<Follower*>(link)->role_ == Role::reader) ++count;
    }
  }
  return count;
}

void Object::end(Phase phase, Loop& from, const Error& error) {
  std::lock_guard lock(mutex_);
  error_ = error;
  phase_.store(phase, std::memory_order_release);
  wake(from, Role::reader);
}

// --- the readers' side ---------------------------------------------------------------------------

bool Object::waits_for_head(Follower& follower) {
  std::lock_guard lock(mutex_);
  follower.waiting_ = phase_.load(std::memory_order_relaxed) == Phase::pending;
  return follower.waiting_;
}

std::optional<Result<Slice>> Object::take(Cursor& at, std::uint64_t most, Follower* follower) {
  if (phase() == Phase::complete && kept()) return next(at, most);
  std::lock_guard lock(mutex_);
  std::optional<Result<Slice>> taken = next(at, most);
  if (follower == nullptr) return taken;
  follower->waiting_ = !taken;
  follower->piece_ = at.piece;
  if (!kept()) {
    drop_read();
    if (bytes_ <= window_ / 2) wake(follower->loop_, Role::writer);
  }
  return taken;
}

std::optional<Result<Slice>> Object::next(Cursor& at, std::uint64_t most) const {
  while (at.piece < first_piece_ + pieces_.size()) {
    const Piece& piece = pieces_[at.piece - first_piece_];
    if (at.offset < piece.size) {
      std::size_t size = std::min<std::uint64_t>(piece.size - at.offset, most);
      Slice slice = piece.memory.part({piece.memory.data() + at.offset, size});
      at.offset += size;
      return slice;
    }
    // The last one may still grow.
    if (at.piece + 1 == first_piece_ + pieces_.size()) break;
    ++at.piece;
    at.offset = 0;
  }
  switch (phase_.load(std::memory_order_relaxed)) {
    case Phase::complete: return Slice();
    case Phase::failed: return fail(error_);
    default: return std::nullopt;
  }
}

// What all readers have behind them, of a body that is not kept.
void Object::drop_read() {
  std::uint64_t slowest = first_piece_ + pieces_.size();
  for (const auto& group : groups_) {
    for (Link* link = group->members.next(); link != &group->members; link = link->next()) {
      auto* follower = static_cast<Follower*>(link);
      if (follower->role_ == Role::reader) slowest = std::min(slowest, follower->piece_);
    }
  }
  while (pieces_.size() > 1 && first_piece_ < slowest) {
    bytes_ -= pieces_.front().size;
    pieces_.pop_front();
    ++first_piece_;
  }
}

void Object::join(Follower& follower) {
  std::lock_guard lock(mutex_);
  auto found = std::ranges::find_if(
      groups_, [&](const auto& group) { return &group->loop == &follower.loop_; });
  if (found == groups_.end()) {
    groups_.push_back(std::make_unique<Group>(follower.loop_));
    found = std::prev(groups_.end());
  }
  (*found)->members.append(follower);
}

void Object::leave(Follower& follower) {
  std::lock_guard lock(mutex_);
  follower.unlink();
  if (kept()) return;
  drop_read();
  wake(follower.loop_, Role::writer);
}

// Each loop is told once, however many of its clients wait. A loop is posted to only while a
// follower of it is a member, so it is still there.
void Object::wake(Loop& from, Role whom) {
  for (const auto& group : groups_) {
    if (&group->loop == &from) {
      deliver(*group, whom);
      continue;
    }
    bool waiting = false;
    for (Link* link = group->members.next(); link != &group->members; link = link->next()) {
      auto* follower = static_cast<Follower*>(link);
      waiting = waiting || (follower->waiting_ && follower->role_ == whom);
    }
    if (!waiting || group->posted) continue;
    group->posted = true;
    group->loop.post([self = shared_from_this(), group = group.get()] {
      std::lock_guard lock(self->mutex_);
      group->posted = false;
      self->deliver(*group, Role::reader);
      self->deliver(*group, Role::writer);
    });
  }
}

void Object::deliver(Group& group, Role whom) {
  for (Link* link = group.members.next(); link != &group.members; link = link->next()) {
    auto* follower = static_cast<Follower*>(link);
    if (follower->role_ != whom) continue;
    if (std::exchange(follower->waiting_, false)) follower->signal_.raise();
  }
}

Object::Follower::Follower(std::shared_ptr<Object> object, Loop& loop, Role role)
    : object_(std::move(object)), loop_(loop), signal_(loop), role_(role) {
  object_->join(*this);
}

Object::Follower::~Follower() { object_->leave(*this); }

}  // namespace weir::cache
