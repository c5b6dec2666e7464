#include "middleware/cache/disk_record.h"

#include <utility>
#include <vector>

#include "core/hash.h"
#include "http/syntax.h"

namespace weir::cache {
namespace {

constexpr std::string_view kMagic = "WEIRDISK";
constexpr std::uint64_t kVersion = 1;
constexpr std::int64_t kLatest = std::int64_t{1} << 40;  // seconds since 1970

// Little-endian, whatever the machine is.
void put(std::string& text, std::uint64_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(number >> (8 * i));
}

std::uint64_t get(std::string_view text, int bytes) {
  std::uint64_t number = 0;
  for (int i = bytes; i-- > 0;) number = number << 8 | static_cast<unsigned char>(text[i]);
  return number;
}

void put(std::string& text, std::string_view part) {
  put(text, part.size(), 4);
  text += part;
}

/// Takes apart what `encode` put together. Once anything is missing, all that follows is nothing.
class Parts {
 public:
  explicit Parts(std::string_view text) : rest_(text) {}

  std::uint64_t number(int bytes = 8) {
    if (rest_.size() < static_cast<std::size_t>(bytes)) {
      broken_ = true;
      return 0;
    }
    std::uint64_t number = get(rest_, bytes);
    rest_.remove_prefix(static_cast<std::size_t>(bytes));
    return number;
  }
  std::string_view text() {
    std::uint64_t size = number(4);
    if (size > rest_.size()) {
      broken_ = true;
      return {};
    }
    std::string_view part = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return part;
  }
  std::int64_t seconds(std::int64_t most = kLongest) {
    auto seconds = static_cast<std::int64_t>(number());
    if (seconds < 0 || seconds > most) broken_ = true;
    return seconds;
  }
  void refuse() { broken_ = true; }
  bool ok() const { return !broken_; }
  bool over() const { return !broken_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool broken_ = false;
};

void put_fields(std::string& text, const DiskRecord& record) {
  std::string fields;
  std::uint64_t count = 0;
  record.selector.for_each([&](std::string_view name, std::string_view value) {
    put(fields, name);
    put(fields, value);
    ++count;
  });
  put(text, count, 4);
  text += std::exchange(fields, {});
  count = 0;
  record.head.for_each_field([&](std::string_view name, std::string_view value) {
    put(fields, name);
    put(fields, value);
    ++count;
  });
  put(text, count, 4);
  text += fields;
}

Selector get_selector(Parts& parts) {
  Selector selector;
  std::uint64_t count = parts.number(4);
  for (std::uint64_t i = 0; i < count && parts.ok(); ++i) {
    std::string_view name = parts.text();
    std::string_view value = parts.text();
    if (!is_token(name)) parts.refuse();
    selector.add(name, value);
  }
  return selector;
}

StoredHead get_head(Parts& parts, std::uint16_t status, std::int64_t born) {
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  std::uint64_t count = parts.number(4);
  for (std::uint64_t i = 0; i < count && parts.ok(); ++i) {
    std::string_view name = parts.text();
    std::string_view value = parts.text();
    if (!is_token(name) || !is_field_value(value)) parts.refuse();
    fields.emplace_back(name, value);
  }
  return StoredHead::restored(status, fields, born);
}

}  // namespace

std::string encode(const DiskRecord& record) {
  std::string text;
  for (std::uint64_t each : {record.id, record.length, record.whole}) put(text, each, 8);
  const Verdict& verdict = record.verdict;
  for (std::int64_t each : {record.born, verdict.lifetime, verdict.initial_age,
                            verdict.stale_while_revalidate, verdict.stale_if_error}) {
    put(text, static_cast<std::uint64_t>(each), 8);
  }
  put(text, verdict.revalidate_always ? 1 : 0, 1);
  put(text, record.head.status(), 2);
  for (const std::string* each : {&record.url, &record.extras, &record.tags}) {
    put(text, std::string_view(*each));
  }
  put_fields(text, record);
  std::string head(kMagic);
  put(head, kVersion, 4);
  put(head, kDiskPrefix + text.size(), 4);
  put(head, head_sum(text), 8);
  return head + text;
}

std::optional<std::size_t> disk_head_size(std::string_view prefix) {
  if (prefix.size() < kDiskPrefix || !prefix.starts_with(kMagic)) return std::nullopt;
  if (get(prefix.substr(8), 4) != kVersion) return std::nullopt;
  std::size_t size = get(prefix.substr(12), 4);
  if (size < kDiskPrefix || size > kMostDiskHead) return std::nullopt;
  return size;
}

std::optional<DiskRecord> decode(std::string_view head) {
  std::optional<std::size_t> size = disk_head_size(head);
  if (!size || *size != head.size()) return std::nullopt;
  std::string_view text = head.substr(kDiskPrefix);
  if (get(head.substr(16), 8) != head_sum(text)) return std::nullopt;
  Parts parts(text);
  DiskRecord record;
  record.id = parts.number();
  record.length = parts.number();
  record.whole = parts.number();
  record.born = parts.seconds(kLatest);
  Verdict& verdict = record.verdict;
  verdict.lifetime = parts.seconds();
  verdict.initial_age = parts.seconds();
  verdict.stale_while_revalidate = parts.seconds();
  verdict.stale_if_error = parts.seconds();
  verdict.revalidate_always = parts.number(1) != 0;
  auto status = static_cast<std::uint16_t>(parts.number(2));
  if (status < 200 || status > 599) parts.refuse();
  if (record.length > std::uint64_t{1} << 60) parts.refuse();
  record.url = parts.text();
  record.extras = parts.text();
  record.tags = parts.text();
  record.selector = get_selector(parts);
  record.head = get_head(parts, status, record.born);
  if (!parts.over()) return std::nullopt;
  return record;
}

std::uint64_t head_sum(std::string_view text) { return stable_hash(text, kVersion); }

std::uint64_t block_sum(std::uint64_t id, std::uint64_t index, std::string_view block) {
  return stable_hash(block, mix(id) ^ index);
}

std::uint64_t fold(std::uint64_t whole, std::uint64_t sum) { return mix(whole ^ sum) + sum; }

void put_sum(std::uint64_t sum, char* to) {
  for (unsigned i = 0; i < kDiskSum; ++i) to[i] = static_cast<char>(sum >> (8 * i));
}

std::uint64_t get_sum(const char* from) { return get({from, kDiskSum}, kDiskSum); }

}  // namespace weir::cache
