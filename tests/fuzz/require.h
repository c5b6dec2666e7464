// What a fuzz target claims: a violation ends the run with a trace.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

inline void require(bool holds, std::string_view claim) {
  if (holds) return;
  std::fprintf(stderr, "violated: %.*s\n", static_cast<int>(claim.size()), claim.data());
  std::abort();
}
