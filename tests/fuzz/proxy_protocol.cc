// PROXY protocol headers: whole and in pieces give the same, nothing is read beyond the bytes, and
// what was understood can be written and read again.
#include "io/proxy_protocol.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "require.h"

namespace {

using namespace weir;

/// In a block of exactly their size.
Result<std::size_t> parse(std::string_view bytes, ProxyHeader& header,
                          std::unique_ptr<char[]>& kept) {
  kept = std::make_unique_for_overwrite<char[]>(bytes.size());
  if (!bytes.empty()) std::memcpy(kept.get(), bytes.data(), bytes.size());
  return parse_proxy_header({kept.get(), bytes.size()}, header);
}

void write_again(const ProxyHeader& header) {
  for (auto version : {ProxyProtocolVersion::v1, ProxyProtocolVersion::v2}) {
    ProxyTlv tlv{ProxyTlv::alpn, header.tlv(ProxyTlv::alpn).value_or("")};
    std::string bytes = write_proxy_header(version, header.source, header.destination, {&tlv, 1});
    ProxyHeader again;
    require(parse_proxy_header(bytes, again) == bytes.size(), "what is written reads back");
    require(again.own || (again.source == header.source && again.destination == header.destination),
            "the addresses are the same");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::unique_ptr<char[]> bytes;
  ProxyHeader whole;
  Result<std::size_t> length = parse(text, whole, bytes);
  std::size_t end = length && *length > 0 ? *length : size;
  require(end <= size && end <= std::max(size, kMaxProxyHeader), "a header ends in its bytes");
  std::unique_ptr<char[]> part_bytes;
  for (std::size_t cut = 0; cut < end; ++cut) {
    ProxyHeader part;
    Result<std::size_t> so_far = parse(text.substr(0, cut), part, part_bytes);
    require(so_far ? *so_far == 0 : !length, "a part is incomplete, or wrong like the whole");
  }
  if (!length || *length == 0) return 0;
  require(!whole.own || whole.source == Address(), "an address is told or not");
  ProxyHeader same;
  require(parse(text.substr(0, end), same, part_bytes) == end, "what follows does not matter");
  if (!whole.own) write_again(whole);
  return 0;
}
