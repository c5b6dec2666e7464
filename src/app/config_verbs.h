// `weir config get`, `set`, ... and `weir endpoint`: the admin API over the control socket.
#pragma once

#include <expected>
#include <string>

#include "admin/api.h"
#include "app/control_message.h"

namespace weir {

struct ConfigVerb {
  std::string path;   // /upstreams/api; the first "/" may be missing
  std::string value;  // JSON, or a text that is none and stands for itself; "-": standard input
  std::string version;
  std::string from;
  std::string upstream;  // of `weir endpoint`, as what follows
  std::string endpoint;
  std::string state;
  bool dry_run = false;
  bool brief = false;  // without what is the default anyway
};

/// `verb` is "config get", "endpoint" and so on. The error says what is wrong with the value.
std::expected<ControlRequest, std::string> to_request(const std::string& verb,
                                                      const ConfigVerb& what);

/// The two ends in the process.
ApiRequest to_api(const ControlRequest& request);
ControlAnswer to_control(const ApiAnswer& answer);

}  // namespace weir
