#include "middleware/cache/head.h"

#include <array>
#include <cstring>

#include "http/date.h"

namespace weir::cache {

StoredHead StoredHead::of(std::uint16_t status, const Headers& from, const ResponseDirectives& said,
                          std::int64_t now) {
  StoredHead head;
  head.status_ = status;
  head.text_.reserve(from.wire_size());
  head.fields_.reserve(from.size() + 1);
  for (const Header& field : from) {
    if (is_stored(field, said)) head.add(field.name(), field.value(), field.id());
  }
  head.finish(now);
  return head;
}

StoredHead StoredHead::updated(const Headers& fields, const ResponseDirectives& said,
                               std::int64_t now) const {
  auto replaces = [&](const Header& field) {
    return updates_stored(field) && is_stored(field, said);
  };
  StoredHead head;
  head.status_ = status_;
  const char* text = text_.data();
  for (const Field& field : fields_) {
    std::string_view name = name_of(field, text);
    // A 304 without one came now.
    bool kept = field.id != HeaderId::date;
    for (const Header& other : fields)
      kept = kept && !(other.is(field.id, name) && replaces(other));
    if (kept) head.add(name, value_of(field, text), field.id);
  }
  for (const Header& field : fields) {
    if (replaces(field)) head.add(field.name(), field.value(), field.id());
  }
  head.finish(now);
  return head;
}

StoredHead StoredHead::restored(
    std::uint16_t status, std::span<const std::pair<std::string_view, std::string_view>> fields,
    std::int64_t now) {
  StoredHead head;
  head.status_ = status;
  for (const auto& [name, value] : fields) head.add(name, value, header_id(name));
  head.finish(now);
  return head;
}

void StoredHead::add(std::string_view name, std::string_view value, HeaderId id) {
  Field field{0, 0, 0, static_cast<std::uint32_t>(value.size()), id};
  if (id == HeaderId::unknown) {
    field.name = static_cast<std::uint32_t>(text_.size());
    field.name_size = static_cast<std::uint32_t>(name.size());
    text_ += name;
  }
  field.value = static_cast<std::uint32_t>(text_.size());
  text_ += value;
  fields_.push_back(field);
}

void StoredHead::finish(std::int64_t now) {
  if (get(HeaderId::date).empty()) {
    std::array<char, kHttpDateSize> date;
    write_http_date(now, date.data());
    add({}, {date.data(), date.size()}, HeaderId::date);
  }
  if (!modified().empty()) modified_ = parse_http_date(modified(), now);
}

void StoredHead::copy_to(Headers& headers, Arena& arena) const {
  char* text = arena.allocate(text_.size());
  std::memcpy(text, text_.data(), text_.size());
  for (const Field& field : fields_) {
    headers.add(name_of(field, text), value_of(field, text), field.id);
  }
}

std::string_view StoredHead::get(HeaderId id) const {
  for (const Field& field : fields_) {
    if (field.id == id) return value_of(field, text_.data());
  }
  return {};
}

std::string_view StoredHead::get(std::string_view name) const {
  std::string_view found;
  bool any = false;
  for_each(name, [&](std::string_view value) {
    if (!any) found = value;
    any = true;
  });
  return found;
}

}  // namespace weir::cache
