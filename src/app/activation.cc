#include "app/activation.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>

#include <fmt/format.h>

namespace weir {
namespace {

constexpr int kMost = 1024;  // sockets

std::optional<int> number(const char* text) {
  int value = 0;
  std::string_view digits = text != nullptr ? text : "";
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return {};
  return value;
}

// As many names as sockets, or none at all.
std::string_view take_name(std::string_view& names) {
  std::string_view name = names.substr(0, names.find(':'));
  names.remove_prefix(std::min(names.size(), name.size() + 1));
  return name;
}

}  // namespace

ActivatedNetwork::~ActivatedNetwork() {
  for (const Adopted& each : adopted_) ::close(each.socket);
}

std::vector<std::string> ActivatedNetwork::adopt(
    const std::function<const char*(const char*)>& environment, pid_t self, int first) {
  std::vector<std::string> refused;
  if (number(environment("LISTEN_PID")) != self) return refused;
  int count = std::min(number(environment("LISTEN_FDS")).value_or(0), kMost);
  const char* given = environment("LISTEN_FDNAMES");
  std::string_view names = given != nullptr ? given : "";
  for (int i = 0; i < count; ++i) {
    std::string_view name = take_name(names);
    if (adopt_one(first + i)) continue;
    ::close(first + i);
    refused.push_back(name.empty() ? fmt::format("number {}", i + 1) : std::string(name));
  }
  return refused;
}

bool ActivatedNetwork::adopt_one(int socket) {
  int listens = 0;
  socklen_t size = sizeof listens;
  if (::getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0) return false;
  Result<Address> address = bound_address(socket);
  int flags = ::fcntl(socket, F_GETFL);
  if (listens == 0 || flags < 0 || !address || address->family() == Address::Family::none) {
    return false;
  }
  ::fcntl(socket, F_SETFL, flags | O_NONBLOCK);
  ::fcntl(socket, F_SETFD, FD_CLOEXEC);
  adopted_.push_back({*address, socket, false});
  return true;
}

std::vector<Address> ActivatedNetwork::unwanted() const {
  std::vector<Address> all;
  for (const Adopted& each : adopted_) {
    if (!each.wanted) all.push_back(each.address);
  }
  return all;
}

Result<int> ActivatedNetwork::bind(const Address& address, const BindOptions& options) {
  auto found = std::ranges::find(adopted_, address, &Adopted::address);
  if (options.datagram || found == adopted_.end()) return KernelNetwork::bind(address, options);
  found->wanted = true;
  int socket = ::fcntl(found->socket, F_DUPFD_CLOEXEC, 0);
  if (socket < 0) return fail(Error(from_errno(errno), Origin::weir, "dup"));
  return socket;
}

}  // namespace weir
