// Request methods: the registered ones by number, the rest as `other` with their text kept.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir {

enum class Method : std::uint8_t {
  get,
  head,
  post,
  put,
  delete_,
  connect,
  options,
  trace,
  patch,
  other
};

/// Case-sensitive (RFC 9110, 9.1); `other` for every other token.
Method parse_method(std::string_view token);

/// "GET" ...; empty for `other`.
std::string_view method_name(Method method);

/// RFC 9110, 9.2.1: no harm is expected from it.
constexpr bool is_safe(Method method) {
  return method == Method::get || method == Method::head || method == Method::options ||
         method == Method::trace;
}

/// RFC 9110, 9.2.2: may be sent again after a failure without a word from the user.
constexpr bool is_idempotent(Method method) {
  return is_safe(method) || method == Method::put || method == Method::delete_;
}

}  // namespace weir
