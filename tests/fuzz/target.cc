// Request targets: any bytes are parsed or refused; what is accepted is normal, and parsing what
// would be forwarded gives the same again.
#include "http/target.h"

#include <cstdint>
#include <string>

#include "require.h"

namespace {

void check_path(std::string_view path, weir::TargetOptions options) {
  std::string bounded = std::string(path) + "/";
  require(bounded.find("/../") == std::string::npos, "no .. segment is left");
  require(bounded.find("/./") == std::string::npos, "no . segment is left");
  require(path.find_first_of("\\?#") == std::string_view::npos, "a path is only a path");
  require(path.find("%00") == std::string_view::npos, "no NUL");
  if (options.double_slash != weir::DoubleSlash::keep) {
    require(path.find("//") == std::string_view::npos, "no empty segment");
  }
  if (options.encoded_slash == weir::EncodedSlash::refuse) {
    require(path.find("%2F") == std::string_view::npos, "no encoded slash");
    require(path.find("%5C") == std::string_view::npos, "no encoded backslash");
  }
}

void check_forwarded(const weir::Target& target, weir::Arena& arena, weir::TargetOptions options) {
  for (char c : target.path_query)
    require(c > 0x20 && c < 0x7f, "only visible characters are forwarded");
  require(target.path_query.substr(0, target.path.size()) == target.path,
          "what was matched is what is forwarded");
  auto again = weir::parse_target(target.path_query, weir::TargetRule::options, arena, options);
  require(again.has_value(), "what is forwarded is accepted again");
  require(again->path == target.path && again->query == target.query,
          "normalising twice changes nothing");
  require(again->has_query() == target.has_query(), "an empty query stays one");
  require(again->path_query == target.path_query, "forwarding twice changes nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  weir::TargetOptions options{.double_slash = static_cast<weir::DoubleSlash>(data[0] % 3),
                              .encoded_slash = static_cast<weir::EncodedSlash>(data[0] / 3 % 2)};
  auto rule = static_cast<weir::TargetRule>(data[1] % 3);
  std::string_view text(reinterpret_cast<const char*>(data + 2), size - 2);
  weir::Arena arena;
  auto target = weir::parse_target(text, rule, arena, options);
  if (!target) {
    require(!target.error().detail.empty(), "a refusal says why");
    return 0;
  }
  if (target->form != weir::TargetForm::authority) check_forwarded(*target, arena, options);
  if (target->form == weir::TargetForm::origin || target->form == weir::TargetForm::absolute) {
    check_path(target->path, options);
  }
  if (!target->authority.text.empty()) {
    auto again = weir::parse_authority(target->authority.text, arena);
    require(again.has_value() && again->text == target->authority.text &&
                again->host == target->authority.host && again->port == target->authority.port,
            "an authority is canonical");
  }
  return 0;
}
