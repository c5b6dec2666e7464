// Cache-Control, CDN-Cache-Control, Vary and the rest that decides about storing: any text is read
// or refused, and what is decided keeps to the rules.
#include <cstdint>

#include "input.h"
#include "middleware/cache/head.h"
#include "middleware/cache/policy.h"
#include "middleware/cache/selector.h"
#include "require.h"

namespace {

using namespace weir;
using namespace weir::cache;

constexpr const char* kFields[] = {
    "Cache-Control", "CDN-Cache-Control", "Expires", "Date",          "Age",    "Vary", "ETag",
    "Last-Modified", "Set-Cookie",        "Pragma",  "Authorization", "Cookie", "X-Any"};

void fill(Input& input, Arena& arena, Headers& headers) {
  int count = input.byte() % 8;
  for (int i = 0; i < count; ++i) {
    const char* name = kFields[input.byte() % std::size(kFields)];
    std::string value = input.bytes(input.byte());
    if (is_field_value(value)) headers.add(name, trim_ows(arena.copy(value)));
  }
}

bool in_range(std::int64_t seconds) { return seconds >= 0 && seconds <= kLongest; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  Arena arena;
  Headers request(arena), response(arena);
  auto status = static_cast<std::uint16_t>(100 + input.byte() * 2);
  Policy policy{
      .stale_while_revalidate = 5, .stale_if_error = 5, .strip_cookies = input.byte() % 2 == 0};
  fill(input, arena, request);
  fill(input, arena, response);
  constexpr std::int64_t kNow = 1'700'000'000;
  Verdict verdict = judge({request, status, response, kNow, kNow}, policy);
  ResponseDirectives said = read_directives(response).directives;
  if (verdict.stored()) {
    require(in_range(verdict.lifetime) && in_range(verdict.initial_age),
            "times are in their range");
    require(!said.private_ && !said.broken, "what is private is not stored");
    require(!said.no_store || said.must_understand, "what must not be stored is not");
    require(status >= 200 && status != 206 && status != 304, "only whole final responses");
    StoredHead head = StoredHead::of(status, response, said, kNow);
    require(head.get("Set-Cookie").empty(), "no cookie is stored");
    Selector selector(response, request);
    require(selector.matches(request), "a response is an answer to its own request");
    require(selector.same(request, request), "a request is like itself");
    StoredHead updated = head.updated(response, said, kNow);
    require(updated.etag() == head.etag(), "the same fields change nothing");
  }
  (void)satisfies(read_request_directives(request), verdict, 10);
  return 0;
}
