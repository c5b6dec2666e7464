// The fields of one message: views in the order of arrival, findable by number or by name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "core/arena.h"
#include "http/header_id.h"
#include "http/syntax.h"

namespace weir {

/// One field line, 24 bytes. Owns nothing: the text lives in a read buffer, an arena, or for
/// ever. Names are shorter than 16 MiB, values shorter than 4 GiB (parsers see to it).
class Header {
 public:
  Header(std::string_view name, std::string_view value, HeaderId id)
      : name_(name.data()),
        value_(value.data()),
        value_size_(static_cast<std::uint32_t>(value.size())),
        name_size_(static_cast<std::uint32_t>(name.size()) & 0xffffff),
        id_(static_cast<std::uint32_t>(id)) {}

  std::string_view name() const { return {name_, name_size_}; }
  std::string_view value() const { return {value_, value_size_}; }
  HeaderId id() const { return static_cast<HeaderId>(id_); }
  /// `id` is header_id(name): spares the comparison of texts for fields we know.
  bool is(HeaderId id, std::string_view name_text) const {
    if (id != this->id()) return false;
    return id != HeaderId::unknown || iequals(name(), name_text);
  }

 private:
  const char* name_;
  const char* value_;
  std::uint32_t value_size_;
  std::uint32_t name_size_ : 24;
  std::uint32_t id_ : 8;
};
static_assert(sizeof(Header) == 24);

/// The fields of a head or of a trailer section. The array lives in the arena, which outlives
/// it; names and values are views that must outlive it too (`headers.arena().copy(text)` makes
/// such a view). How many fields and bytes are welcome is decided by the parser that fills it.
/// Whoever adds text that did not come through a parser checks is_token / is_field_value; the
/// writer checks again and refuses the message.
class Headers {
 public:
  explicit Headers(Arena& arena) : arena_(&arena) {}
  Headers(Headers&& other) noexcept { take(other); }
  Headers& operator=(Headers&& other) noexcept {
    if (this != &other) take(other);
    return *this;
  }
  Headers(const Headers&) = delete;
  Headers& operator=(const Headers&) = delete;

  /// A deep copy: array and text live in `arena`.
  Headers clone(Arena& arena) const;

  void add(HeaderId id, std::string_view value) { add(header_name(id), value, id); }
  void add(std::string_view name, std::string_view value) { add(name, value, header_id(name)); }
  /// For callers who know that id == header_id(name).
  void add(std::string_view name, std::string_view value, HeaderId id) {
    if (size_ == capacity_) [[unlikely]]
      grow();
    new (data_ + size_) Header(name, value, id);
    ++size_;
    present_.insert(id);
  }

  /// One field of this name with this value: in the place of the first one, or at the end.
  void set(HeaderId id, std::string_view value) {
    if (!present_.has(id)) return add(header_name(id), value, id);
    replace(header_name(id), value, id);
  }
  void set(std::string_view name, std::string_view value) { replace(name, value, header_id(name)); }

  /// Removes every field of this name, keeps the order of the rest; returns how many went.
  std::size_t remove(HeaderId id) {
    if (!present_.has(id)) return 0;
    return remove_if([id](const Header& h) { return h.id() == id; });
  }
  std::size_t remove(std::string_view name);
  template <class Predicate>
  std::size_t remove_if(Predicate&& leaves);
  void clear() {
    size_ = 0;
    present_ = {};
  }

  /// The first field of this name, or null. A known field that is absent costs one test.
  const Header* find(HeaderId id) const { return present_.has(id) ? find_present(id) : nullptr; }
  const Header* find(std::string_view name) const;
  /// The first value of this name, or an empty text.
  std::string_view get(HeaderId id) const {
    const Header* found = find(id);
    return found ? found->value() : std::string_view{};
  }
  std::string_view get(std::string_view name) const {
    const Header* found = find(name);
    return found ? found->value() : std::string_view{};
  }
  bool has(HeaderId id) const { return present_.has(id); }
  bool has(std::string_view name) const { return find(name) != nullptr; }
  bool has_any(HeaderSet ids) const { return present_.intersects(ids); }
  std::size_t count(HeaderId id) const;

  /// fn(value) for each field of this name, in order.
  template <class F>
  void for_each(HeaderId id, F&& fn) const {
    if (!present_.has(id)) return;
    for (const Header& h : *this) {
      if (h.id() == id) fn(h.value());
    }
  }
  template <class F>
  void for_each(std::string_view name, F&& fn) const {
    HeaderId id = header_id(name);
    if (!present_.has(id)) return;
    for (const Header& h : *this) {
      if (h.is(id, name)) fn(h.value());
    }
  }

  const Header* begin() const { return data_; }
  const Header* end() const { return data_ + size_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Header& operator[](std::size_t index) const { return data_[index]; }

  /// Bytes of all field lines in HTTP/1.1, ": " and CRLF included.
  std::size_t wire_size() const;
  Arena& arena() const { return *arena_; }

 private:
  const Header* find_present(HeaderId id) const;
  void replace(std::string_view name, std::string_view value, HeaderId id);
  void grow();
  void take(Headers& other) {
    arena_ = other.arena_;
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    present_ = std::exchange(other.present_, {});
  }

  Arena* arena_;
  Header* data_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
  HeaderSet present_;
};

template <class Predicate>
std::size_t Headers::remove_if(Predicate&& leaves) {
  HeaderSet left;
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < size_; ++i) {
    if (leaves(std::as_const(data_[i]))) continue;
    left.insert(data_[i].id());
    if (kept != i) data_[kept] = data_[i];
    ++kept;
  }
  std::size_t removed = size_ - kept;
  size_ = kept;
  present_ = left;
  return removed;
}

}  // namespace weir
