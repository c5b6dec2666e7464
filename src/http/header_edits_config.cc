#include "http/header_edits_config.h"

#include <fmt/format.h>

#include "http/syntax.h"

namespace weir {
namespace {

// What frames a message is decided by the protocol engines alone.
constexpr std::string_view kFraming[] = {"connection", "content-length",    "keep-alive", "te",
                                         "trailer",    "transfer-encoding", "upgrade"};

}  // namespace

std::optional<config::Problem> check_header_name(std::string_view name) {
  if (!is_token(name)) {
    return config::Problem{config::Code::bad_text,
                           fmt::format("\"{}\" is not the name of a header", name),
                           "names have letters, digits and \"-\", without the colon"};
  }
  for (std::string_view framing : kFraming) {
    if (!iequals(name, framing)) continue;
    return config::Problem{config::Code::bad_text,
                           fmt::format("the header \"{}\" is part of the protocol's framing", name),
                           "it is written and removed as the message needs"};
  }
  return std::nullopt;
}

std::optional<config::Problem> check_header_value(std::string_view value) {
  if (is_field_value(value)) return std::nullopt;
  return config::Problem{config::Code::bad_text,
                         "a header value has no line breaks or control characters",
                         "write it on one line"};
}

}  // namespace weir
