#include "http/headers.h"

#include <algorithm>
#include <cstring>

namespace weir {

Headers Headers::clone(Arena& arena) const {
  Headers copy(arena);
  for (const Header& h : *this) {
    // Canonical names are static text: they need no copy.
    bool is_static = h.name().data() == header_name(h.id()).data();
    copy.add(is_static ? h.name() : arena.copy(h.name()), arena.copy(h.value()), h.id());
  }
  return copy;
}

std::size_t Headers::remove(std::string_view name) {
  HeaderId id = header_id(name);
  if (!present_.has(id)) return 0;
  return remove_if([&](const Header& h) { return h.is(id, name); });
}

const Header* Headers::find(std::string_view name) const {
  HeaderId id = header_id(name);
  if (id != HeaderId::unknown) return find(id);
  if (!present_.has(HeaderId::unknown)) return nullptr;
  for (const Header& h : *this) {
    if (h.id() == HeaderId::unknown && iequals(h.name(), name)) return &h;
  }
  return nullptr;
}

const Header* Headers::find_present(HeaderId id) const {
  const Header* h = data_;
  while (h->id() != id) ++h;
  return h;
}

std::size_t Headers::count(HeaderId id) const {
  std::size_t n = 0;
  for_each(id, [&n](std::string_view) { ++n; });
  return n;
}

std::size_t Headers::wire_size() const {
  std::size_t bytes = 0;
  for (const Header& h : *this) bytes += h.name().size() + h.value().size() + 4;
  return bytes;
}

void Headers::replace(std::string_view name, std::string_view value, HeaderId id) {
  if (!present_.has(id)) return add(name, value, id);
  Header* first = data_;
  Header* last = data_ + size_;
  while (first != last && !first->is(id, name)) ++first;
  if (first == last) return add(name, value, id);
  *first = Header(name, value, id);
  Header* end = std::remove_if(first + 1, last, [&](const Header& h) { return h.is(id, name); });
  size_ = static_cast<std::uint32_t>(end - data_);
}

// The old array stays in the arena until the exchange ends: at most as much again as the new.
void Headers::grow() {
  std::uint32_t capacity = capacity_ == 0 ? 16 : capacity_ * 2;
  auto* data =
      reinterpret_cast<Header*>(arena_->allocate(capacity * sizeof(Header), alignof(Header)));
  if (size_ != 0) std::memcpy(static_cast<void*>(data), data_, size_ * sizeof(Header));
  data_ = data;
  capacity_ = capacity;
}

}  // namespace weir
