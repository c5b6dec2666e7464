#include "server/tls_config.h"

#include <fmt/format.h>

namespace weir {

void HstsConfig::check(const config::Found& found) const {
  if (!preload || (include_subdomains && max_age >= std::chrono::days(365))) return;
  found.error("preload", config::Code::contradiction,
              "the lists of browsers take only hosts with a year and all subdomains",
              "add include_subdomains: true, and a max_age of 365d or more");
}

void ListenerTlsConfig::check(const config::Found& found) const {
  if (early_data && !ticket_keys->empty()) {
    found.error("early_data", config::Code::contradiction,
                "what other machines that share ticket_keys have taken cannot be known here",
                "leave out one of the two");
  }
  if (early_data && client_auth) {
    found.error("early_data", config::Code::contradiction,
                "a client's certificate is for whole handshakes only",
                "leave out early_data or client_auth");
  }
}

std::string header_value(const HstsConfig& config) {
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(config.max_age).count();
  return fmt::format("max-age={}{}{}", seconds,
                     config.include_subdomains ? "; includeSubDomains" : "",
                     config.preload ? "; preload" : "");
}

}  // namespace weir
