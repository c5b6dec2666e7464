// SimNetwork: the simulated kernel: addresses, connections, datagrams, and what goes wrong.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "io/loop.h"
#include "io/sim/socket.h"
#include "io/sim/world.h"

namespace weir {

/// Socket numbers are never reused in one world, so the use of a number after its close is
/// found: it is an error (`io`), not another connection.
class SimNetwork final : public Network {
 public:
  explicit SimNetwork(SimWorld& world) : world_(world) {}

  Result<int> bind(const Address& address, const BindOptions& options) override;
  Result<Address> bound_address(int socket) override;
  void close(int socket) override;

  // What tests do to the world, by address of a service. The last word on an address counts.
  void refuse(const Address& address) { rules_[address] = Rule::refuse; }
  void black_hole(const Address& address) { rules_[address] = Rule::black_hole; }
  void unreachable(const Address& address) { rules_[address] = Rule::unreachable; }
  void heal(const Address& address) { rules_.erase(address); }
  /// Connections from `client` to `wanted` come to who listens at `listener`. With `keep` the
  /// accepted socket has the address that was wanted (TPROXY), else it knows it (a redirection).
  void intercept(const IpAddress& client, const Address& wanted, const Address& listener,
                 bool keep) {
    interceptions_[wanted] = {client, listener, keep};
  }
  /// While true, accept and connect fail with `no_descriptors`.
  void exhaust_descriptors(bool exhausted) { exhausted_ = exhausted; }

  // What tests do to one connection; either end's number (see sim_socket in sim/stream.h).
  /// Both ends get a reset, as from a middlebox. Bytes that were on their way are lost.
  void reset(int socket);
  /// What is sent to this socket does not arrive before `time` has passed.
  void stall(int socket, Duration time);
  /// Nothing arrives any more, either way: the other host lost power.
  void silence(int socket);
  /// The accepted ends of the open connections to `address`, oldest first.
  std::vector<int> accepted_at(const Address& address) const;

  /// Answers datagrams that connected sockets send to `address`: each query gives any number of
  /// replies.
  using Service = std::function<std::vector<std::string>(std::string_view query)>;
  void serve_datagrams(const Address& address, Service service);

  std::string check_clean() const;

  // The system calls of streams and listeners.
  Result<int> open(SimLoop& loop, const Address& to, const ConnectOptions& options);
  /// The number of a connection accepted, or -1 if none waits.
  Result<int> accept(int listening);
  SimConnection* connection(int socket) const;
  SimDatagrams* datagrams(int socket) const;
  SimListening* listening(int socket) const;
  /// Bytes taken; 0 if the window is full.
  Result<std::size_t> send(SimConnection& from, std::string_view bytes);
  /// Bytes given; 0 if there are none yet. The end is the error `end_of_stream`.
  Result<std::size_t> receive(SimConnection& to, char* out, std::size_t size);
  void send_end(SimConnection& from);
  /// `source` and `target` are those of a bound socket's datagram; else none.
  void send_datagram(SimDatagrams& from, std::string bytes, Address source = {},
                     Address target = {});

  std::uint64_t watch(int socket, SimLoop& loop, SimSource& source);
  void forget(int socket, std::uint64_t watch);
  /// Tells every watcher of the socket, after `delay` and the loop's own delay.
  void raise(SimSocket& socket, std::uint32_t events, Duration delay = {});

  // For the world.
  bool expects(const SimEvent& event) const;
  void handle(const SimEvent& event);

 private:
  enum class Rule : std::uint8_t { refuse, black_hole, unreachable };
  struct Packet {
    int from;  // the socket that sent it, or whose datagram it answers
    Address source;
    Address target;
    std::string bytes;
  };
  struct Interception {
    IpAddress client;
    Address listener;
    bool keep;
  };

  template <class T>
  T& add(SimSocket::Kind kind, Address local);
  SimSocket* find(int socket) const;
  void erase(int socket) { sockets_[static_cast<std::size_t>(socket - kFirst)].reset(); }
  const Interception* intercepting(const SimConnection& client) const;
  Duration delay();
  int current_index() const;  // of the loop whose turn it is; -1 for none
  std::size_t shortened(std::size_t size);
  Address source_address(const SimLoop& loop, const Address& to);
  std::vector<SimListening*> listening_at(const Address& address) const;

  void on_notify(SimSocket& socket, std::uint64_t watch);
  void on_syn(SimConnection& client);
  void on_failed(SimConnection& client, ErrorCode why);
  void on_arrival(SimConnection& to);
  void on_fault(SimConnection& socket);
  void on_packet(std::uint64_t number);

  void request(SimConnection& client);
  void establish(SimConnection& client, SimListening& at);
  void draw_trouble(SimConnection& client);
  void begin_trouble(SimConnection& socket);
  void put(SimConnection& to, SimSegment::Kind kind, std::size_t size, bool overtake = false);
  void schedule_arrival(SimConnection& to);
  std::uint32_t take_reset(SimConnection& to);
  void close_listening(SimListening& socket);
  void close_connection(SimConnection& socket);
  void carry(Packet packet);
  SimDatagrams* receiver_of(const Packet& packet) const;
  bool taken(const Address& address, const BindOptions& options) const;

  static constexpr int kFirst = 1000;  // far from any descriptor, so that a mix-up is seen
  SimWorld& world_;
  std::vector<std::unique_ptr<SimSocket>> sockets_;  // by number; null once closed
  std::vector<SimListening*> listening_;             // in the order of bind
  std::map<Address, Rule> rules_;
  std::map<Address, Interception> interceptions_;  // by where the client wanted to go
  std::map<Address, Service> services_;
  std::multimap<Address, int> datagram_names_;  // of open datagram sockets
  std::map<std::uint64_t, Packet> packets_;
  std::uint64_t packets_made_ = 0;
  std::uint64_t watches_made_ = 0;
  std::uint16_t next_port_ = 10'000;
  bool exhausted_ = false;
};

}  // namespace weir
