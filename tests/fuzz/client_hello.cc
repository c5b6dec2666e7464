// The ClientHello reader: whole and in pieces give the same, and so do the protocols that first
// bytes tell.
#include "io/client_hello.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "io/first_bytes.h"
#include "require.h"

namespace {

using namespace weir;

struct Read {
  Read(std::string_view bytes, std::size_t piece) {
    while (!bytes.empty() && result && !*result) {
      result = reader.feed(bytes.substr(0, piece));
      bytes.remove_prefix(std::min(piece, bytes.size()));
    }
  }
  ClientHelloReader reader;
  Result<bool> result = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::size_t piece = std::size_t{data[0]} % 32 + 1;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Read whole(text, text.size());
  Read pieces(text, piece);
  require(whole.result.has_value() == pieces.result.has_value(), "fails alike");
  if (!whole.result) {
    require(whole.result.error().detail == pieces.result.error().detail, "for one reason");
  } else {
    require(*whole.result == *pieces.result, "completes alike");
    const ClientHello& hello = whole.reader.hello();
    require(hello.server_name == pieces.reader.hello().server_name, "the same name");
    require(hello.alpn == pieces.reader.hello().alpn, "the same protocols");
    require(hello.server_name.size() <= 255, "a name is bounded");
    require(std::ranges::none_of(hello.server_name, [](char c) { return c <= ' ' || c >= 127; }),
            "a name can be printed");
  }
  auto protocol = tell_protocol(text);
  require(protocol || text.size() < 17, "17 bytes tell");
  for (std::size_t i = 0; i < std::min<std::size_t>(text.size(), 32); ++i) {
    auto part = tell_protocol(text.substr(0, i));
    require(!part || part == protocol, "more bytes change nothing");
  }
  return 0;
}
