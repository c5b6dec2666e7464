// The files of the disk cache: whatever one holds, what is read from it is what was written, or
// nothing; and what a file says that somebody wrote by hand may be served.
#include <cstdint>

#include "http/syntax.h"
#include "input.h"
#include "middleware/cache/disk_record.h"
#include "require.h"

namespace {

using namespace weir;
using namespace weir::cache;

bool legal(const DiskRecord& record) {
  bool good = record.head.status() >= 200 && record.head.status() <= 599;
  record.head.for_each_field([&](std::string_view name, std::string_view value) {
    good = good && is_token(name) && is_field_value(value);
  });
  return good && record.verdict.lifetime >= 0 && record.verdict.initial_age >= 0 &&
         record.born >= 0;
}

DiskRecord drawn(Input& input) {
  DiskRecord record;
  record.id = input.byte() + 1;
  record.length = input.byte() * 1000u;
  record.born = input.byte() * std::int64_t{10'000'000};
  record.verdict.lifetime = input.byte();
  record.verdict.revalidate_always = input.byte() % 2 == 0;
  record.url = "http://a.test/" + input.bytes(input.byte() % 64);
  record.extras = input.bytes(input.byte() % 16);
  record.tags = input.bytes(input.byte() % 16);
  record.selector.add("Accept", input.bytes(input.byte() % 16));
  std::string value = input.bytes(input.byte() % 64);
  if (!is_field_value(value)) value = "x";
  std::pair<std::string_view, std::string_view> fields[] = {{"ETag", "\"v\""}, {"X-Any", value}};
  record.head = StoredHead::restored(200, fields, record.born);
  return record;
}

void sign(std::string& head) {
  // What follows is an attacker who can count: the checksum keeps nobody out who means harm.
  std::string_view text = std::string_view(head).substr(kDiskPrefix);
  put_sum(head_sum(text), head.data() + 16);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string raw(reinterpret_cast<const char*>(data), size);
  if (auto record = decode(raw)) require(legal(*record), "what is read may be served");
  std::optional<std::size_t> told = disk_head_size(raw);
  if (told && *told <= raw.size()) {
    raw.resize(*told);
    sign(raw);
    if (auto record = decode(raw)) {
      require(legal(*record), "what is signed by somebody may be served");
      require(encode(*record).size() <= kMostDiskHead, "its size is bounded");
    }
  }

  Input input(data, size);
  DiskRecord record = drawn(input);
  std::string head = encode(record);
  std::optional<DiskRecord> again = decode(head);
  require(again.has_value(), "what was written is read");
  require(encode(*again) == head, "and is the same");
  require(disk_head_size(head) == head.size(), "the size is in front");
  while (!input.empty()) {
    std::string broken = head;
    std::size_t at = (input.byte() * 256u + input.byte()) % broken.size();
    broken[at] = static_cast<char>(broken[at] ^ (1 + input.byte() % 255));
    require(!decode(broken), "no byte may change");
    require(!decode(std::string_view(head).substr(0, at)), "nothing may be missing");
  }
  std::string block(raw.substr(0, kDiskBlock));
  std::uint64_t sum = block_sum(record.id, 3, block);
  require(sum != block_sum(record.id, 4, block), "a block belongs in its place");
  require(sum != block_sum(record.id + 1, 3, block), "and in its file");
  return 0;
}
