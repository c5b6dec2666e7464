// Socket activation: listening sockets that the service manager has bound (sd_listen_fds(3)).
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "io/sockets.h"

namespace weir {

/// The kernel's sockets, and those that exist already. Whoever binds the address of one of these
/// has a descriptor of it, as often as he asks: all accept from one queue. It stays open as long as
/// this object, so that clients wait rather than being refused while no listener has it. Datagrams
/// are taken by sockets of our own alone: of one that workers share, each would get a part of a
/// session.
class ActivatedNetwork final : public KernelNetwork {
 public:
  ActivatedNetwork() = default;
  ActivatedNetwork(const ActivatedNetwork&) = delete;
  ActivatedNetwork& operator=(const ActivatedNetwork&) = delete;
  ~ActivatedNetwork() override;

  /// Takes the sockets that LISTEN_FDS counts, from `first` on, if LISTEN_PID is `self`. What is no
  /// listening stream socket is closed. Gives the names of these (LISTEN_FDNAMES).
  std::vector<std::string> adopt(const std::function<const char*(const char*)>& environment,
                                 pid_t self, int first = 3);
  /// The addresses that nobody has bound yet.
  std::vector<Address> unwanted() const;

  Result<int> bind(const Address& address, const BindOptions& options) override;

 private:
  struct Adopted {
    Address address;
    int socket;
    bool wanted;
  };
  bool adopt_one(int socket);

  std::vector<Adopted> adopted_;
};

}  // namespace weir
