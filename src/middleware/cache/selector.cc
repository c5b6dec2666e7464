#include "middleware/cache/selector.h"

#include "http/content_coding.h"
#include "http/syntax.h"

namespace weir::cache {
namespace {

bool is_accept_encoding(std::string_view name) {
  constexpr std::string_view kName = "Accept-Encoding";
  return name.size() == kName.size() && iequals(name, kName);
}

// Browsers write the same wishes in many ways (RFC 9111, 4.1: what means the same is the same). The
// origin is asked with the normal form too, so that it cannot tell apart what is not told apart
// here.
std::string value_of(const Headers& headers, std::string_view name) {
  if (is_accept_encoding(name) && headers.has(HeaderId::accept_encoding)) {
    return std::string(AcceptedCodings(headers).normal_form().view()) + ".";
  }
  std::string all;
  bool first = true;
  headers.for_each(name, [&](std::string_view value) {
    if (!first) all += ", ";
    first = false;
    all += trim_ows(value);
  });
  // Absent and empty are told apart.
  return headers.has(name) ? all + "." : all;
}

// The same without allocating, for the usual case of one line that is written as it was.
bool has_value(const Headers& headers, std::string_view name, std::string_view value) {
  const Header* found = headers.find(name);
  if (found == nullptr) return value.empty();
  if (found->id() == HeaderId::accept_encoding) {
    auto form = AcceptedCodings(headers).normal_form();
    return value.size() == form.view().size() + 1 && value.starts_with(form.view());
  }
  if (value.size() == found->value().size() + 1 && value.starts_with(found->value())) {
    std::size_t lines = 0;
    headers.for_each(name, [&](std::string_view) { ++lines; });
    if (lines == 1) return true;
  }
  return value_of(headers, name) == value;
}

}  // namespace

Selector::Selector(const Headers& response, const Headers& request) {
  response.for_each(HeaderId::vary, [&](std::string_view value) {
    for_each_token(value, [&](std::string_view name) {
      fields_.push_back({std::string(name), value_of(request, name)});
    });
  });
}

bool Selector::matches(const Headers& request) const {
  for (const Field& field : fields_) {
    if (!has_value(request, field.name, field.value)) return false;
  }
  return true;
}

bool Selector::same(const Headers& one, const Headers& other) const {
  for (const Field& field : fields_) {
    if (value_of(one, field.name) != value_of(other, field.name)) return false;
  }
  return true;
}

std::uint64_t Selector::size() const {
  std::uint64_t bytes = fields_.capacity() * sizeof(Field);
  for (const Field& field : fields_) bytes += field.name.capacity() + field.value.capacity();
  return bytes;
}

}  // namespace weir::cache
