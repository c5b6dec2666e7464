#include "io/sim/network.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "io/sim/loop.h"

namespace weir {
namespace {

bool any_v4(const Address& address) {
  return address.family() == Address::Family::ipv4 && address.ip().bytes == IpAddress{}.bytes;
}

Address wildcard(bool v4, std::uint16_t port) {
  IpAddress any;
  any.v4 = v4;
  return Address(any, port);
}

}  // namespace

template <class T>
T& SimNetwork::add(SimSocket::Kind kind, Address local) {
  int number = kFirst + static_cast<int>(sockets_.size());
  auto socket = std::make_unique<T>(kind, number, std::move(local));
  T& added = *socket;
  sockets_.push_back(std::move(socket));
  return added;
}

int SimNetwork::current_index() const {
  return world_.current() != nullptr ? static_cast<int>(world_.current()->index()) : -1;
}

SimSocket* SimNetwork::find(int socket) const {
  auto index = static_cast<std::size_t>(socket - kFirst);
  return socket >= kFirst && index < sockets_.size() ? sockets_[index].get() : nullptr;
}

SimConnection* SimNetwork::connection(int socket) const {
  SimSocket* found = find(socket);
  if (found == nullptr || found->kind != SimSocket::Kind::connection) return nullptr;
  auto* connection = static_cast<SimConnection*>(found);
  return connection->closed ? nullptr : connection;
}

SimDatagrams* SimNetwork::datagrams(int socket) const {
  SimSocket* found = find(socket);
  if (found == nullptr || found->kind != SimSocket::Kind::datagram) return nullptr;
  return static_cast<SimDatagrams*>(found);
}

SimListening* SimNetwork::listening(int socket) const {
  SimSocket* found = find(socket);
  if (found == nullptr || found->kind != SimSocket::Kind::listening) return nullptr;
  return static_cast<SimListening*>(found);
}

bool SimNetwork::taken(const Address& address, const BindOptions& options) const {
  bool shares = options.reuse_port && address.family() != Address::Family::unix_path;
  if (options.datagram) {
    auto [first, last] = datagram_names_.equal_range(address);
    return std::any_of(first, last, [&](const auto& each) {
      const SimDatagrams& other = *datagrams(each.second);
      return other.bound() && !(other.reuse_port && shares);
    });
  }
  return std::ranges::any_of(listening_, [&](const SimListening* each) {
    return each->local == address && !(each->reuse_port && shares);
  });
}

Result<int> SimNetwork::bind(const Address& address, const BindOptions& options) {
  bool is_unix = address.family() == Address::Family::unix_path;
  Address where = address;
  if (!is_unix && address.port() == 0) where = address.with_port(next_port_++);
  if (taken(where, options)) return fail(ErrorCode::address_in_use, Origin::weir, "bind");
  if (options.datagram) {
    auto& socket = add<SimDatagrams>(SimSocket::Kind::datagram, where);
    socket.reuse_port = options.reuse_port;
    datagram_names_.emplace(std::move(where), socket.number);
    return socket.number;
  }
  auto& socket = add<SimListening>(SimSocket::Kind::listening, std::move(where));
  socket.backlog = static_cast<std::size_t>(std::max(options.backlog, 1));
  socket.reuse_port = options.reuse_port;
  listening_.push_back(&socket);
  return socket.number;
}

Result<Address> SimNetwork::bound_address(int socket) {
  SimSocket* found = find(socket);
  if (found == nullptr) return fail(ErrorCode::io, Origin::weir, "not a socket");
  return found->local;
}

void SimNetwork::close(int socket) {
  SimSocket* found = find(socket);
  if (found == nullptr) return;
  found->watches.clear();
  switch (found->kind) {
    case SimSocket::Kind::listening: close_listening(static_cast<SimListening&>(*found)); break;
    case SimSocket::Kind::connection: close_connection(static_cast<SimConnection&>(*found)); break;
    case SimSocket::Kind::datagram: {
      auto [first, last] = datagram_names_.equal_range(found->local);
      datagram_names_.erase(
          std::find_if(first, last, [socket](const auto& each) { return each.second == socket; }));
      erase(socket);
      break;
    }
  }
}

// As the kernel does: what waits in the queue of a closed listening socket is reset.
void SimNetwork::close_listening(SimListening& socket) {
  for (int waiting : socket.queue) {
    if (SimConnection* connection = this->connection(waiting)) {
      connection->reset_on_close = true;
      close(waiting);
    }
  }
  std::erase(listening_, &socket);
  erase(socket.number);
}

std::vector<SimListening*> SimNetwork::listening_at(const Address& address) const {
  std::vector<Address> names{address};
  if (address.family() == Address::Family::ipv4) names.push_back(wildcard(true, address.port()));
  if (address.family() != Address::Family::unix_path) {
    names.push_back(wildcard(false, address.port()));
  }
  std::vector<SimListening*> found;
  for (const Address& name : names) {
    for (SimListening* each : listening_) {
      if (each->local == name) found.push_back(each);
    }
    if (!found.empty()) break;  // the most specific name takes all
  }
  return found;
}

Address SimNetwork::source_address(const SimLoop& loop, const Address& to) {
  if (to.family() == Address::Family::unix_path) return Address::unix_socket("");
  IpAddress host = loop.host();
  if (to.family() == Address::Family::ipv6 && host.v4) {
    host.v4 = false;  // fd00::<the IPv4 address>, or ::1 for the loopback address
    if (host.bytes[12] == 127) {
      host = *IpAddress::parse("::1");
    } else {
      host.bytes[0] = 0xfd;
    }
  }
  if (next_port_ < 10'000) next_port_ = 10'000;  // wrapped round
  return Address(host, next_port_++);
}

Result<int> SimNetwork::open(SimLoop& loop, const Address& to, const ConnectOptions& options) {
  if (exhausted_) return fail(ErrorCode::no_descriptors, Origin::weir, "socket", Retry::if_unsent);
  if (options.datagram) {
    auto& socket = add<SimDatagrams>(SimSocket::Kind::datagram, source_address(loop, to));
    socket.peer = to;
    datagram_names_.emplace(socket.local, socket.number);
    return socket.number;
  }
  Address source = source_address(loop, to);
  if (options.source) source = Address(*options.source, source.port());
  auto& client = add<SimConnection>(SimSocket::Kind::connection, source);
  client.peer = to;
  if (any_v4(to) || to.any()) {  // connecting to "any" reaches this host
    client.peer = Address(*IpAddress::parse(any_v4(to) ? "127.0.0.1" : "::1"), to.port());
  }
  client.link = std::make_shared<SimLink>();
  client.connecting = true;
  request(client);
  return client.number;
}

Result<int> SimNetwork::accept(int socket) {
  SimListening* from = listening(socket);
  if (from == nullptr) return fail(ErrorCode::io, Origin::weir, "accept");
  if (from->queue.empty()) return -1;
  if (exhausted_) return fail(ErrorCode::no_descriptors, Origin::weir, "accept");
  int number = from->queue.front();
  from->queue.pop_front();
  return number;
}

std::vector<int> SimNetwork::accepted_at(const Address& address) const {
  std::vector<int> found;
  for (const auto& each : sockets_) {
    if (!each || each->kind != SimSocket::Kind::connection || each->local != address) continue;
    if (!static_cast<SimConnection&>(*each).closed) found.push_back(each->number);
  }
  return found;
}

std::uint64_t SimNetwork::watch(int socket, SimLoop& loop, SimSource& source) {
  SimSocket& watched = *find(socket);
  watched.watches.push_back({&loop, &source, ++watches_made_});
  return watches_made_;
}

void SimNetwork::forget(int socket, std::uint64_t watch) {
  if (SimSocket* found = find(socket)) {
    std::erase_if(found->watches, [watch](const SimWatch& each) { return each.number == watch; });
  }
}

void SimNetwork::raise(SimSocket& socket, std::uint32_t events, Duration delay) {
  for (SimWatch& each : socket.watches) {
    each.pending |= events;
    if (std::exchange(each.scheduled, true)) continue;
    Duration lag = world_.drawn(Duration::zero(), world_.faults().dispatch_max);
    world_.schedule(world_.now() + delay + lag, SimEventKind::notify, socket.number, each.number);
  }
}

void SimNetwork::on_notify(SimSocket& socket, std::uint64_t watch) {
  auto found = std::find_if(socket.watches.begin(), socket.watches.end(),
                            [watch](const SimWatch& each) { return each.number == watch; });
  found->scheduled = false;
  std::uint32_t events = std::exchange(found->pending, 0);
  SimLoop& loop = *found->loop;
  world_.note(SimEventKind::notify, static_cast<int>(loop.index()), socket.number, events);
  loop.dispatch(*found->source, events);  // may close the socket
}

bool SimNetwork::expects(const SimEvent& event) const {
  if (event.kind == SimEventKind::datagram) return packets_.contains(event.detail);
  const SimSocket* socket = find(event.socket);
  if (socket == nullptr) return false;
  if (event.kind == SimEventKind::notify) {
    return std::any_of(socket->watches.begin(), socket->watches.end(),
                       [&](const SimWatch& each) { return each.number == event.detail; });
  }
  const auto& connection = static_cast<const SimConnection&>(*socket);
  switch (event.kind) {
    case SimEventKind::syn:
    case SimEventKind::established:
    case SimEventKind::failed: return !connection.closed && connection.connecting;
    case SimEventKind::arrival:
      return !connection.flight.empty() && connection.flight.front().arrival <= event.time;
    case SimEventKind::fault: return connection.link->trouble != SimTrouble::none;
    case SimEventKind::give_up: return !connection.closed && connection.error == ErrorCode::none;
    default: return true;
  }
}

void SimNetwork::handle(const SimEvent& event) {
  if (event.kind == SimEventKind::datagram) return on_packet(event.detail);
  SimSocket& socket = *find(event.socket);
  if (event.kind == SimEventKind::notify) return on_notify(socket, event.detail);
  world_.note(event.kind, -1, event.socket, event.detail);
  auto& connection = static_cast<SimConnection&>(socket);
  switch (event.kind) {
    case SimEventKind::syn: return on_syn(connection);
    case SimEventKind::established:
      connection.connecting = false;
      return raise(connection, SimEvents::kWritable);
    case SimEventKind::failed: return on_failed(connection, static_cast<ErrorCode>(event.detail));
    case SimEventKind::arrival: return on_arrival(connection);
    case SimEventKind::fault: return begin_trouble(connection);
    case SimEventKind::give_up: return on_failed(connection, ErrorCode::timeout);
    default: return;
  }
}

std::string SimNetwork::check_clean() const {
  std::string left;
  for (const auto& each : sockets_) {
    if (!each) continue;
    bool listening = each->kind == SimSocket::Kind::listening;
    if (each->kind == SimSocket::Kind::connection && static_cast<SimConnection&>(*each).closed) {
      continue;
    }
    left += fmt::format("socket {} at {}: {}{}\n", each->number, each->local.text(),
                        listening ? "listening" : "open", each->watches.empty() ? "" : ", in use");
  }
  return left;
}

}  // namespace weir
