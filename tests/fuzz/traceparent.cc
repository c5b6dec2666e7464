// traceparent and tracestate: any text is read or refused; what is read is written as it was, and
// a list that is passed on is accepted again as it is.
#include "http/traceparent.h"

#include <cstdint>
#include <string>

#include "http/syntax.h"
#include "input.h"
#include "require.h"

namespace {

using namespace weir;

void check_parent(std::string_view text) {
  auto parent = parse_traceparent(text);
  if (!parent) return;
  char written[kTraceParentSize];
  write_traceparent(*parent, written);
  std::string_view again(written, sizeof written);
  require(again.substr(2, 51) == text.substr(2, 51), "the ids are written as they were read");
  require(parse_traceparent(again) == parent, "what is written is read as the same");
  require((parent->trace.high | parent->trace.low) != 0 && parent->span != 0, "no id is zero");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_parent({reinterpret_cast<const char*>(data), size});
  Input input(data, size);
  Arena arena;
  Headers headers(arena);
  while (!input.empty()) {
    std::string value = input.bytes(input.byte());
    if (is_field_value(value)) headers.add("tracestate", arena.copy(value));
  }
  auto state = read_tracestate(headers);
  if (!state) return 0;
  require(is_field_value(*state) && !state->empty(), "a list is the value of a field");
  Headers one(arena);
  one.add("tracestate", *state);
  require(read_tracestate(one) == state, "a list is accepted again");
  return 0;
}
