// Proxies without a file: what the options of `weir proxy` mean as a configuration.
#pragma once

#include <string>
#include <vector>

namespace weir {

struct ProxyOptions {
  std::string from = ":8080";   // an address, or a port alone
  std::vector<std::string> to;  // addresses; a port alone means this machine, `http://` is dropped
};

/// The file that one could have written instead. Addresses are checked when it is read.
std::string proxy_config(const ProxyOptions& options);

}  // namespace weir
