// What the system says about name resolution: resolv.conf and the hosts file (resolv.conf(5),
// hosts(5)). Both are read as the C library reads them: what is not understood is skipped.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "io/address.h"
#include "io/timer.h"

namespace weir::dns {

/// The servers and how they are asked.
struct ServerConfig {
  static constexpr std::size_t kMaxServers = 8;
  static constexpr std::size_t kMaxSearch = 16;

  /// Port 53; 127.0.0.1 if the file names none. Link-local addresses with a zone are skipped.
  std::vector<Address> servers;
  std::vector<std::string> search;  // in lower case, without final dots
  unsigned ndots = 1;               // 0 to 15: names with fewer dots are tried in `search` first
  Duration timeout = std::chrono::seconds(2);  // of one attempt; 1 s to 30 s in the file
  unsigned attempts = 2;                       // 1 to 5 rounds over the servers
  bool rotate = false;                         // start each query at another server
  bool use_tcp = false;                        // option use-vc: never UDP
};

ServerConfig parse_resolv_conf(std::string_view text);

/// Names that the machine knows by itself.
class Hosts {
 public:
  static constexpr std::size_t kMaxAddresses = 64;  // of one name; more are skipped

  static Hosts parse(std::string_view text);

  /// Null if the name (in lower case, no final dot) is not in the file.
  const std::vector<IpAddress>* find(std::string_view name) const;
  std::size_t size() const { return names_.size(); }

 private:
  std::map<std::string, std::vector<IpAddress>, std::less<>> names_;
};

struct Settings {
  ServerConfig servers;
  Hosts hosts;
};

/// Of each file the first MiB is read, up to the end of a line; a file that cannot be read
/// counts as empty. Blocks: for the start of the process and for reloads.
Settings load_settings(const std::string& resolv_conf = "/etc/resolv.conf",
                       const std::string& hosts = "/etc/hosts");

}  // namespace weir::dns
