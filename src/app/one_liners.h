// Without a file: what the options of `weir proxy` and `weir serve` mean as a configuration.
#pragma once

#include <string>
#include <vector>

namespace weir {

struct ProxyOptions {
  std::string from = ":8080";   // an address, or a port alone
  std::vector<std::string> to;  // addresses; a port alone means this machine, `http://` is dropped
};

struct ServeOptions {
  std::string root;              // a directory
  std::string listen = ":8080";  // an address, or a port alone
  bool listing = false;
  bool single_page = false;  // index.html answers where there is no file
};

/// The file that one could have written instead. Addresses are checked when it is read.
std::string proxy_config(const ProxyOptions& options);
/// The same; the directory is that of the working directory now.
std::string serve_config(const ServeOptions& options);

}  // namespace weir
