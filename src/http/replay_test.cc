#include "http/replay.h"

#include <gtest/gtest.h>

#include "http/body.h"

namespace weir {
namespace {

TEST(Replay, does_no_harm_to_what_is_safe_and_has_neither_content_nor_a_tunnel) {
  Arena arena;
  for (Method method : {Method::get, Method::head, Method::options}) {
    Request request(arena);
    request.method = method;
    EXPECT_TRUE(harmless_twice(request));
    MemoryBody body(Slice::unowned("x"));
    request.body = &body;
    EXPECT_FALSE(harmless_twice(request));
    request.body = nullptr;
    request.upgrade = "websocket";
    EXPECT_FALSE(harmless_twice(request));
  }
  for (Method method : {Method::post, Method::put, Method::delete_, Method::patch, Method::connect,
                        Method::other}) {
    Request request(arena);
    request.method = method;
    EXPECT_FALSE(harmless_twice(request)) << method_name(method);
  }
}

}  // namespace
}  // namespace weir
