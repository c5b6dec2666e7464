// What an upstream says about TLS.
#pragma once

#include <string>

#include "config/parse.h"
#include "config/schema.h"
#include "config/values.h"

namespace weir {

struct UpstreamTlsConfig {
  bool verify = true;
  config::Located<std::string> ca;
  std::string name;
  config::Located<std::string> cert;
  config::Located<std::string> key;

  // A certificate and its key come together.
  void check(const config::Found& found) const;

  static constexpr auto schema = config::object(
      "upstream tls", "TLS with the endpoints. `tls: {}` takes the defaults.",
      config::field<&UpstreamTlsConfig::verify>(
          "verify", "Refuse endpoints whose certificate does not verify or is for another name."),
      config::field<&UpstreamTlsConfig::ca>(
          "ca", "PEM file of the authorities to believe, in place of the system's.",
          config::file_path, config::example("internal-ca.pem")),
      config::field<&UpstreamTlsConfig::name>(
          "name",
          "The name that certificates must be for, and the server name that is asked for; "
          "by default the endpoint's."),
      config::field<&UpstreamTlsConfig::cert>(
          "cert", "PEM file of the certificate that is shown when the endpoint asks.",
          config::file_path),
      config::field<&UpstreamTlsConfig::key>("key", "PEM file of its key.", config::file_path));
};

}  // namespace weir
