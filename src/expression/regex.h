// How regular expressions inside expressions are compiled.
#pragma once

#include <re2/re2.h>

#include <cstdint>

namespace weir::expression {

inline re2::RE2::Options regex_options() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_never_capture(true);
  options.set_max_mem(std::int64_t{1} << 20);
  options.set_dot_nl(true);
  return options;
}

}  // namespace weir::expression
