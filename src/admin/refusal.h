// Refusal: why the admin API says no, as its clients get it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

struct Refusal {
  std::uint16_t status;
  std::string_view code;  // static text, stable
  std::string message;    // a sentence
};

}  // namespace weir
