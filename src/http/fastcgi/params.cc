#include "http/fastcgi/params.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "http/fastcgi/records.h"
#include "http/syntax.h"

namespace weir::fastcgi {
namespace {

constexpr std::size_t kShortLength = 127;

std::size_t length_bytes(std::size_t length) { return length > kShortLength ? 4 : 1; }

std::size_t pair_bytes(const Params::Pair& pair) {
  return length_bytes(pair.name.size()) + length_bytes(pair.value.size()) + pair.name.size() +
         pair.value.size();
}

/// Writes into memory that is known to suffice.
class Writer {
 public:
  explicit Writer(char* out) : next_(out) {}
  char* at() const { return next_; }
  void text(std::string_view text) {
    if (!text.empty()) std::memcpy(next_, text.data(), text.size());
    next_ += text.size();
  }
  template <std::size_t size>
  void bytes(const std::array<char, size>& bytes) {
    text({bytes.data(), size});
  }
  void length(std::size_t length) {
    if (length > kShortLength) {
      *next_++ = static_cast<char>(0x80 | length >> 24);
      *next_++ = static_cast<char>(length >> 16);
      *next_++ = static_cast<char>(length >> 8);
    }
    *next_++ = static_cast<char>(length);
  }
  void pair(const Params::Pair& pair) {
    length(pair.name.size());
    length(pair.value.size());
    text(pair.name);
    text(pair.value);
  }

 private:
  char* next_;
};

bool travels(const Header& header) {
  if (header.id() == HeaderId::content_length || header.id() == HeaderId::content_type) {
    return false;
  }
  std::string_view name = header.name();
  for (char c : name) {
    bool good = is_digit(c) || c == '-' || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
    if (!good) return false;
  }
  return !iequals(name, "Proxy");
}

bool name_less(std::string_view a, std::string_view b) {
  return std::ranges::lexicographical_compare(a, b, {}, ascii_lower, ascii_lower);
}

std::string_view variable(Arena& arena, std::string_view name) {
  constexpr std::string_view kPrefix = "HTTP_";
  char* out = arena.allocate(kPrefix.size() + name.size());
  std::memcpy(out, kPrefix.data(), kPrefix.size());
  for (std::size_t i = 0; i < name.size(); ++i) {
    char c = name[i];
    if (c == '-') c = '_';
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    out[kPrefix.size() + i] = c;
  }
  return {out, kPrefix.size() + name.size()};
}

// The values of `fields`, which have one name.
std::string_view joined(Arena& arena, std::span<const Header* const> fields) {
  if (fields.size() == 1) return fields.front()->value();
  std::string_view between = fields.front()->id() == HeaderId::cookie ? "; " : ", ";
  std::size_t size = between.size() * (fields.size() - 1);
  for (const Header* each : fields) size += each->value().size();
  char* out = arena.allocate(size);
  Writer writer(out);
  for (const Header* each : fields) {
    if (each != fields.front()) writer.text(between);
    writer.text(each->value());
  }
  return {out, size};
}

}  // namespace

void Params::add(std::string_view name, std::string_view value) {
  if (size_ == capacity_) {
    capacity_ = capacity_ == 0 ? 48 : 2 * capacity_;
    Pair* grown = arena_->make_array<Pair>(capacity_);
    std::copy_n(pairs_, size_, grown);
    pairs_ = grown;
  }
  pairs_[size_++] = {name, value};
}

bool Params::has(std::string_view name) const {
  return std::any_of(begin(), end(), [&](const Pair& pair) { return pair.name == name; });
}

// Sorted, since comparing each with each is too much work for what a client chooses to send.
void add_header_params(Params& params, const Headers& headers) {
  Arena& arena = params.arena();
  Params others = params;  // a name that is there already is not added
  const Header** fields = arena.make_array<const Header*>(headers.size());
  std::size_t count = 0;
  for (const Header& each : headers) {
    if (travels(each)) fields[count++] = &each;
  }
  std::sort(fields, fields + count, [](const Header* a, const Header* b) {
    if (!iequals(a->name(), b->name())) return name_less(a->name(), b->name());
    return a < b;  // in their order
  });
  for (std::size_t i = 0; i < count;) {
    std::size_t end = i + 1;
    while (end < count && iequals(fields[end]->name(), fields[i]->name())) ++end;
    std::string_view name = variable(arena, fields[i]->name());
    if (!others.has(name)) params.add(name, joined(arena, {fields + i, end - i}));
    i = end;
  }
}

Result<std::string_view> write_request_head(const Params& params, bool keep) {
  std::size_t content = 0;
  for (const Params::Pair& pair : params) {
    std::size_t size = pair_bytes(pair);
    if (size > kMaxContent) {
      return fail(ErrorCode::head_too_large, Origin::client, "more than a FastCGI record holds");
    }
    content += size;
  }
  // Of two records that follow each other, at least one is half full.
  std::size_t records = 2 * (content / kMaxContent) + 3;
  std::size_t room = 2 * kHeaderBytes + content + records * kHeaderBytes;
  char* begin = params.arena().allocate(room);
  Writer writer(begin);
  writer.bytes(begin_request(keep));
  for (const Params::Pair* pair = params.begin(); pair != params.end();) {
    char* header = writer.at();
    writer.bytes(record_header(RecordType::params, 0));
    std::size_t size = 0;
    for (; pair != params.end() && size + pair_bytes(*pair) <= kMaxContent; ++pair) {
      size += pair_bytes(*pair);
      writer.pair(*pair);
    }
    std::array<char, kHeaderBytes> known = record_header(RecordType::params, size);
    std::ranges::copy(known, header);
  }
  writer.bytes(record_header(RecordType::params, 0));
  return std::string_view(begin, static_cast<std::size_t>(writer.at() - begin));
}

}  // namespace weir::fastcgi
