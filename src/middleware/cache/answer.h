// What a client gets of an object: all of it, parts, a 304, as RFC 9110 (13 and 14) and RFC 9111
// (4.3.2) have it.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "http/exchange.h"
#include "middleware/cache/disk_body.h"
#include "middleware/cache/store.h"

namespace weir::cache {

class SlicedObject;

/// How an object is given to one client.
struct Serving {
  Object::Follower* follower = nullptr;  // null: it is complete; else it outlives the body
  std::string_view cache_status;         // of Cache-Status; lives as long as the exchange
  bool first_hand = false;               // it was asked for by this client: the origin's own Age
  const Headers* withheld = nullptr;     // fields that are for this client alone
  std::shared_ptr<Disk> disk = nullptr;  // of the file
  std::shared_ptr<DiskFile> file = nullptr;  // has the body, of which memory has nothing
  SlicedObject* sliced = nullptr;            // the object is a slice of this
};

/// The object's phase is open or complete.
Response answer(Exchange& exchange, const ObjectRef& object, const Serving& serving);

/// Whether a client wants a part that will not be there soon: it better asks by itself.
bool wants_far_part(const Exchange& exchange, const Object& object);

/// Adds to Cache-Status (RFC 9211), behind what the origin's side said.
void add_cache_status(Headers& headers, Arena& arena, std::string_view status);

/// A text and, behind it, `size` bytes of the object from `first` on; both may be empty.
struct ObjectPart {
  static constexpr std::uint64_t kRest = std::numeric_limits<std::uint64_t>::max();
  std::string_view text;
  std::uint64_t first = 0;
  std::uint64_t size = kRest;
};

/// Slices of the memory of the object itself: nothing is copied.
class ObjectBody final : public Body {
 public:
  /// `parts` and their texts live as long as the body.
  ObjectBody(ObjectRef object, Object::Follower* follower, StopToken stop,
             std::span<const ObjectPart> parts);

  Task<Result<Slice>> read() override;
  std::optional<Slice> try_read() override;
  std::optional<std::uint64_t> length() const override { return length_; }

 private:
  std::optional<Result<Slice>> next();
  std::optional<Result<Slice>> next_of_part();

  ObjectRef object_;
  Object::Follower* follower_;
  StopToken stop_;
  std::span<const ObjectPart> parts_;
  std::optional<std::uint64_t> length_;
  Cursor cursor_;
  std::uint64_t position_ = 0;  // of the cursor, in the body
  std::uint64_t done_ = 0;      // bytes of the first part that were given
  bool text_given_ = false;
};

}  // namespace weir::cache
