#include <algorithm>

#include <fmt/format.h>

#include "server/config.h"

namespace weir {
namespace {

bool is_local(const config::Address& address) {
  using Kind = config::Address::Kind;
  if (address.kind == Kind::unix_socket) return true;
  if (address.kind == Kind::ipv4) return address.ip[0] == 127;
  bool zeros = std::all_of(address.ip.begin(), address.ip.end() - 1, [](auto b) { return b == 0; });
  return address.kind == Kind::ipv6 && zeros && address.ip.back() == 1;
}

}  // namespace

void AdminConfig::check(const config::Found& found) const {
  if (is_local(*address)) return;
  found.warning("address", config::Code::exposed_admin,
                fmt::format("other machines can reach the admin listener at {}", address->text()),
                fmt::format("write 127.0.0.1:{} unless a firewall keeps them away", address->port));
}

}  // namespace weir
