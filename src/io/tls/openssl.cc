#include "io/tls/openssl.h"

#include <openssl/err.h>

#include <cstdint>

#include "io/tls/provider.h"

namespace weir {

void start_openssl() {
  static const bool started = [] {
    constexpr std::uint64_t kWhat = OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_SSL_STRINGS |
                                    OPENSSL_INIT_LOAD_CRYPTO_STRINGS;
    bool well = OPENSSL_init_ssl(kWhat, nullptr) == 1;
    load_tls_provider();
    ERR_clear_error();
    return well;
  }();
  (void)started;
}

std::string_view take_openssl_error() {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  ERR_clear_error();
  return reason != nullptr ? reason : "unknown";
}

std::string take_openssl_error_text() {
  const char* data = nullptr;
  int flags = 0;
  unsigned long code = ERR_peek_error_all(nullptr, nullptr, nullptr, &data, &flags);
  const char* reason = ERR_reason_error_string(code);
  std::string text = reason != nullptr ? reason : "unknown";
  if (data != nullptr && (flags & ERR_TXT_STRING) != 0 && *data != '\0') {
    text.append(" (").append(data).append(")");
  }
  ERR_clear_error();
  return text;
}

}  // namespace weir
