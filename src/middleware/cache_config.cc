#include "middleware/cache_config.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "config/parse.h"

namespace weir {

std::optional<config::Problem> check_status(std::string_view text) {
  unsigned status = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
  bool number = error == std::errc() && end == text.data() + text.size() && text.size() == 3;
  if (number && status >= 200 && status <= 599) return std::nullopt;
  return config::Problem{config::Code::bad_text, fmt::format("\"{}\" is no status code", text),
                         "write it like 404: 10s"};
}

void CacheConfig::check(const config::Found& found) const {
  if (!slice || *slice <= std::min(max_object, max_size)) return;
  found.error("slice", config::Code::contradiction,
              "a slice is larger than what the cache keeps of one body",
              "make \"slice\" smaller, or \"max_object\" and \"max_size\" larger");
}

}  // namespace weir
