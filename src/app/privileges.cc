#include "app/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include <fmt/format.h>

namespace weir {
namespace {

// Each proxied connection has a descriptor on both sides. Beside them: the loops, the log, files.
constexpr std::size_t kReserve = 64;
constexpr std::size_t kForWorker = 8;

std::unexpected<std::string> refused(std::string_view step) {
  return std::unexpected(fmt::format("{}: {}", step, std::strerror(errno)));
}

// There is no function for it in the C library.
bool keep_only_net_admin() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3]{};
  sets[0].effective = sets[0].permitted = 1u << CAP_NET_ADMIN;
  return ::syscall(SYS_capset, &header, sets) == 0;
}

}  // namespace

std::optional<Account> find_account(const std::string& name) {
  std::vector<char> text(16 * 1024);
  passwd entry{};
  passwd* found = nullptr;
  int result = ::getpwnam_r(name.c_str(), &entry, text.data(), text.size(), &found);
  if (result != 0 || found == nullptr) return std::nullopt;
  return Account{name, entry.pw_uid, entry.pw_gid};
}

std::optional<Account> account_to_become(const ServerConfig& config,
                                         config::Diagnostics& diagnostics) {
  if (config.user->empty()) return std::nullopt;
  std::optional<Account> account = find_account(*config.user);
  if (!account) {
    diagnostics.error(config.user.position, config::Code::unknown_user,
                      fmt::format("the system knows no user \"{}\"", *config.user),
                      "create it, for example with `adduser --system --group`, or name another");
  }
  if (::geteuid() != 0) return std::nullopt;
  if (account) {
    account->net_admin = std::ranges::any_of(config.tcp, [](const TcpConfig& each) {
      return each.intercept == Intercept::tproxy || each.keep_source;
    });
  }
  return account;
}

std::expected<void, std::string> become(const Account& account) {
  if (account.net_admin && ::prctl(PR_SET_KEEPCAPS, 1) != 0) return refused("PR_SET_KEEPCAPS");
  if (::initgroups(account.name.c_str(), account.group) != 0) return refused("initgroups");
  if (::setresgid(account.group, account.group, account.group) != 0) return refused("setresgid");
  if (::setresuid(account.user, account.user, account.user) != 0) return refused("setresuid");
  if (account.net_admin && !keep_only_net_admin()) return refused("capset");
  if (account.user != 0 && ::setuid(0) == 0) return std::unexpected("root could be regained");
  return {};
}

void settle_connection_limit(ServerConfig& config, std::size_t descriptors, unsigned workers,
                             config::Diagnostics& diagnostics) {
  std::size_t listening =
      (config.listeners.size() + config.tcp.size() + config.udp.size() + 1) * workers;
  std::size_t reserve = kReserve + workers * kForWorker + listening;
  std::size_t free = descriptors > reserve ? descriptors - reserve : 1;
  // Not every client has a connection to an origin at the same time.
  if (!config.limits.max_connections) {
    config.limits.max_connections = static_cast<std::uint32_t>(free - free / 4);
    return;
  }
  std::size_t needed = std::size_t{*config.limits.max_connections} * 2 + reserve;
  if (needed <= descriptors) return;
  std::size_t fits = free / 2;
  diagnostics.warning(
      {}, config::Code::descriptor_limit,
      fmt::format("limits.max_connections is {}, which can need {} descriptors; the "
                  "system allows {}",
                  *config.limits.max_connections, needed, descriptors),
      fmt::format("raise the hard limit (LimitNOFILE, ulimit -Hn), or set "
                  "max_connections to {} or less",
                  fits));
}

}  // namespace weir
