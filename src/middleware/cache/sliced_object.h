// SlicedObject: something large of which the cache keeps slices, as one client gets it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/exchange.h"
#include "middleware/cache/answer.h"
#include "middleware/cache/fill.h"
#include "middleware/cache/store.h"

namespace weir::cache {

/// What tells this version of a representation from all others: its strong entity tag or, if it has
/// no tag at all, a Last-Modified that lies a second before its Date (RFC 9110, 8.8.2.2). Else
/// empty. `wall`: nanoseconds since 1970.
std::string_view strong_validator(const Headers& headers, std::int64_t wall);
std::string strong_validator(const StoredHead& head, std::int64_t wall);

/// The first byte that a request asks for, as far as that is known without the length.
std::uint64_t first_position(const Request& request);

/// What is asked for; all of it lives as long as the exchange.
struct SliceSource {
  Next next;
  const FillRules& rules;
  const std::shared_ptr<Store>& store;
  std::string_view url;
  std::string_view extras;
  RequestDirectives wants;
  std::uint64_t size = 0;  // bytes of a slice
};

/// One slice at a time is looked at: from memory, from what another client waits for, or asked for.
/// All are of the version of the first one; where the origin has another by now, reading fails, and
/// the slices that there are go. Owned by the exchange.
class SlicedObject {
 public:
  enum class Got : std::uint8_t {
    slice,    // `found`, with its object
    whole,    // what came, or comes to nothing, is of the whole address: `found.fill`
    pass,     // nobody waits for another here
    missing,  // it is not there, and not to be asked for
  };

  SlicedObject(Exchange& exchange, const SliceSource& source)
      : exchange_(exchange), source_(source), loop_(exchange.loop()) {}

  /// The slice in which `position` lies. It decides which version is read.
  Task<Result<Got>> begin(std::uint64_t position);
  /// Those of the same version that come after. Fails if there is none.
  Task<Status> move_to(std::uint64_t position);

  /// Of the slice that was had last.
  const Found& found() const { return found_; }
  const ObjectRef& object() const { return object_; }
  /// Null if it is complete.
  Object::Follower* follower() { return follower_.get(); }
  /// Null if another asked for it.
  Fill* fill() { return lead_ ? &lead_->fill() : nullptr; }
  std::uint64_t first() const { return first_; }
  std::uint64_t size() const { return size_; }

  /// Of the whole, once there was a slice.
  std::uint64_t length() const { return length_; }
  /// Lives as long as the exchange, as do `parts`. Asked for once.
  Body* body(std::span<const ObjectPart> parts);

 private:
  enum class Step : std::uint8_t { slice, whole, pass, missing, again, changed };

  Task<Result<Step>> shared();
  Task<Result<Step>> alone();
  Task<Result<Step>> follow();
  Step judge_head();
  Step stored(const ObjectRef& object);
  Found look();
  std::shared_ptr<Fill> ask(const ObjectRef& object, const ObjectRef& stale);
  bool is_of_version(const Object& object) const;
  void leave();
  Error changed();

  Exchange& exchange_;
  SliceSource source_;
  Loop& loop_;
  std::string key_;
  std::string version_;  // empty until there was a slice
  std::uint64_t length_ = 0;
  std::uint64_t first_ = 0;
  std::uint64_t size_ = 0;
  int loads_ = 0;
  Found found_;
  ObjectRef object_;
  std::unique_ptr<Object::Follower> follower_;
  std::unique_ptr<Lead> lead_;
};

/// Parts of it, slice after slice; what the cache has of a slice is not copied.
class SlicedBody final : public Body {
 public:
  /// `parts` and their texts live as long.
  SlicedBody(SlicedObject& object, StopToken stop, std::span<const ObjectPart> parts);

  Task<Result<Slice>> read() override;
  std::optional<Slice> try_read() override;
  std::optional<std::uint64_t> length() const override { return length_; }

 private:
  std::optional<Result<Slice>> next();
  std::optional<Result<Slice>> next_of_slice(std::uint64_t wanted, std::uint64_t most);
  std::uint64_t size_of(const ObjectPart& part) const;
  bool in_slice(std::uint64_t position) const;

  SlicedObject& object_;
  StopToken stop_;
  std::span<const ObjectPart> parts_;
  std::uint64_t length_ = 0;
  Cursor cursor_;
  std::uint64_t position_ = 0;  // of the cursor, in the slice
  std::uint64_t done_ = 0;      // bytes of the first part that were given
  bool text_given_ = false;
};

}  // namespace weir::cache
