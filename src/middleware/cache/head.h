// StoredHead: status and fields of a response, in one piece, as a cache keeps them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.h"
#include "http/preconditions.h"
#include "middleware/cache/policy.h"

namespace weir::cache {

/// Immutable once it is made. The text is one block: giving it to a client is one copy into the
/// arena of its exchange, whose log may look at it after everything else has gone.
class StoredHead {
 public:
  StoredHead() = default;

  /// What may be stored of a response. One without a Date gets one: `now`, seconds since 1970.
  static StoredHead of(std::uint16_t status, const Headers& from, const ResponseDirectives& said,
                       std::int64_t now);
  /// This head after a 304 with `fields` (RFC 9111, 3.2).
  StoredHead updated(const Headers& fields, const ResponseDirectives& said, std::int64_t now) const;

  /// One whose fields were written down; `now` as above.
  static StoredHead restored(std::uint16_t status,
                             std::span<const std::pair<std::string_view, std::string_view>> fields,
                             std::int64_t now);

  std::uint16_t status() const { return status_; }
  /// Adds all fields; their text is copied into `arena`.
  void copy_to(Headers& headers, Arena& arena) const;
  /// The first field of this name, or nothing.
  std::string_view get(std::string_view name) const;

  std::string_view etag() const { return get(HeaderId::etag); }
  Validators validators() const { return {etag(), modified_}; }
  /// The text of Last-Modified.
  std::string_view modified() const { return get(HeaderId::last_modified); }
  /// Bytes on the heap.
  std::uint64_t size() const { return text_.capacity() + fields_.capacity() * sizeof(Field); }

  template <class F>
  void for_each_field(F&& fn) const {
    for (const Field& field : fields_) {
      fn(name_of(field, text_.data()), value_of(field, text_.data()));
    }
  }
  template <class F>
  void for_each(std::string_view name, F&& fn) const {
    HeaderId id = header_id(name);
    for (const Field& field : fields_) {
      if (field.id != id) continue;
      if (id != HeaderId::unknown || iequals(name_of(field, text_.data()), name)) {
        fn(value_of(field, text_.data()));
      }
    }
  }

 private:
  struct Field {
    std::uint32_t name;  // where its name begins in the text; a known one has none there
    std::uint32_t name_size;
    std::uint32_t value;
    std::uint32_t value_size;
    HeaderId id;
  };

  static std::string_view name_of(const Field& field, const char* text) {
    if (field.id != HeaderId::unknown) return header_name(field.id);
    return {text + field.name, field.name_size};
  }
  static std::string_view value_of(const Field& field, const char* text) {
    return {text + field.value, field.value_size};
  }
  std::string_view get(HeaderId id) const;
  void add(std::string_view name, std::string_view value, HeaderId id);
  void finish(std::int64_t now);

  std::uint16_t status_ = 0;
  std::string text_;
  std::vector<Field> fields_;
  std::optional<std::int64_t> modified_;
};

}  // namespace weir::cache
