// The parsers of all instruction sets agree on every input.
#include <cstddef>
#include <cstdint>
#include <string>

#include "http/h1/testing.h"
#include "require.h"

namespace {

using namespace weir;
using h1::Isa;
using h1::testing::ExactBytes;
using h1::testing::Parsed;

std::string listing(const Headers& headers) {
  std::string text;
  for (const Header& h : headers) {
    text.append(h.name()).append(": ").append(h.value()).append("\n");
  }
  return text;
}

template <class Head>
std::string told(std::string_view text, const h1::Limits& limits, Isa isa) {
  Parsed<Head> parsed(text, limits, h1::engine(isa));
  if (!parsed.length) {
    return std::string(name(parsed.length.error().code)) +
           std::string(parsed.length.error().detail);
  }
  if (*parsed.length == 0) return "incomplete";
  return std::to_string(*parsed.length) + listing(parsed.headers);
}

std::string told_of_fields(std::string_view text, const h1::Limits& limits, Isa isa) {
  Arena arena;
  Headers headers(arena);
  ExactBytes bytes(text);
  auto length = h1::engine(isa).fields(bytes.view(), limits, Origin::client, headers);
  if (!length) return std::string(length.error().detail);
  return std::to_string(*length) + (*length != 0 ? listing(headers) : "");
}

std::string told_of_end(std::string_view text, std::size_t seen, Isa isa) {
  ExactBytes bytes(text);
  auto found = h1::engine(isa).complete(bytes.view(), seen, Origin::client);
  return found ? std::to_string(*found) : std::string(found.error().detail);
}

void compare(std::string_view text, const h1::Limits& limits, std::size_t seen, Isa isa) {
  require(
      told<h1::RequestHead>(text, limits, isa) == told<h1::RequestHead>(text, limits, Isa::scalar),
      "requests parse alike");
  require(told<h1::ResponseHead>(text, limits, isa) ==
              told<h1::ResponseHead>(text, limits, Isa::scalar),
          "responses parse alike");
  require(told_of_fields(text, limits, isa) == told_of_fields(text, limits, Isa::scalar),
          "trailers parse alike");
  require(told_of_end(text, seen, isa) == told_of_end(text, seen, Isa::scalar), "ends alike");
  ExactBytes bytes(text);
  const h1::Engine& a = h1::engine(isa);
  const h1::Engine& b = h1::engine(Isa::scalar);
  require(a.token_prefix(bytes.view()) == b.token_prefix(bytes.view()), "same tokens");
  require(a.value_prefix(bytes.view()) == b.value_prefix(bytes.view()), "same values");
  require(a.target_prefix(bytes.view()) == b.target_prefix(bytes.view()), "same targets");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  h1::Limits limits;
  if (data[0] % 2 == 0) {
    limits = {.line = data[0] % 64u, .head_bytes = data[1] * 4u, .header_count = 4};
  }
  std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  std::size_t seen = text.empty() ? 0 : data[1] % text.size();
  for (Isa isa : {Isa::sse42, Isa::avx2}) {
    if (h1::is_available(isa)) compare(text, limits, seen, isa);
  }
  return 0;
}
