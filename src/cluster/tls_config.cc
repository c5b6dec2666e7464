#include "cluster/tls_config.h"

namespace weir {

void UpstreamTlsConfig::check(const config::Found& found) const {
  if (cert->empty() == key->empty()) return;
  found.error(cert->empty() ? "key" : "cert", config::Code::contradiction,
              "a certificate and its key are given together", "add the other one, or remove both");
}

}  // namespace weir
