#include "middleware/cache_config.h"

#include <charconv>

#include <fmt/format.h>

namespace weir {

std::optional<config::Problem> check_status(std::string_view text) {
  unsigned status = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
  bool number = error == std::errc() && end == text.data() + text.size() && text.size() == 3;
  if (number && status >= 200 && status <= 599) return std::nullopt;
  return config::Problem{config::Code::bad_text, fmt::format("\"{}\" is no status code", text),
                         "write it like 404: 10s"};
}

}  // namespace weir
