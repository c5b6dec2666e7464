#include "config/codes.h"

#include <fmt/format.h>

namespace weir::config {
namespace {

constexpr CodeInfo kCodes[] = {
#define WEIR_CONFIG_CODE(name, number, title, cause, remedy) {Code::name, title, cause, remedy},
    WEIR_CONFIG_CODES(WEIR_CONFIG_CODE)
#undef WEIR_CONFIG_CODE
};

constexpr bool ascending() {
  for (std::size_t i = 1; i < std::size(kCodes); ++i) {
    if (kCodes[i - 1].code >= kCodes[i].code) return false;
  }
  return true;
}
static_assert(ascending(), "codes are listed in order, each once");

}  // namespace

std::span<const CodeInfo> code_table() { return kCodes; }

const CodeInfo& code_info(Code code) {
  for (const CodeInfo& info : kCodes) {
    if (info.code == code) return info;
  }
  return kCodes[0];
}

std::string to_string(Code code) { return fmt::format("W{}", static_cast<unsigned>(code)); }

}  // namespace weir::config
