#include <algorithm>

#include <fmt/format.h>

#include "server/admin_config.h"

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
  std::string reach =
      fmt::format("other machines can reach the admin listener at {}", address->text());
  std::string local = fmt::format("write 127.0.0.1:{}", address->port);
  bool certificates = tls && tls->client_auth && tls->client_auth->mode == ClientAuthMode::require;
  if (certificates) return;
  if (token_file->empty()) {
    return found.error("address", config::Code::exposed_admin,
                       reach + ", and nothing says who may use it",
                       local +
                           ", or give it a \"token_file\", or a \"tls\" whose "
                           "\"client_auth\" requires certificates");
  }
  if (tls) return;
  found.warning("address", config::Code::exposed_admin, reach + ", and its token travels in clear",
                local + ", or give it a \"tls\"");
}

}  // namespace weir
