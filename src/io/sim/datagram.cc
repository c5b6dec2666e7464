#include "io/sim/datagram.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "core/hash.h"
#include "io/datagram.h"
#include "io/sim/network.h"

namespace weir {
namespace {

Address every_address(bool v4, std::uint16_t port) {
  IpAddress any;
  any.v4 = v4;
  return Address(any, port);
}

bool is_any(const Address& address) { return address.ip().bytes == IpAddress{}.bytes; }

}  // namespace

void SimNetwork::serve_datagrams(const Address& address, Service service) {
  services_[address] = std::move(service);
}

void SimNetwork::send_datagram(SimDatagrams& from, std::string bytes, Address source,
                               Address target) {
  world_.note(SimEventKind::sent, current_index(), from.number, bytes.size());
  world_.note_bytes(bytes);
  bool bound = from.bound();
  carry({from.number, bound ? std::move(source) : from.local, bound ? std::move(target) : from.peer,
         std::move(bytes)});
}

void SimNetwork::carry(Packet packet) {
  const SimFaults& faults = world_.faults();
  if (world_.chance(faults.loss)) return;
  int copies = world_.chance(faults.duplicate) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    Duration time = delay();
    if (world_.chance(faults.reorder)) time += world_.drawn({}, 20 * faults.delay_max);
    packets_.emplace(++packets_made_, packet);
    world_.schedule(world_.now() + time, SimEventKind::datagram, packet.from, packets_made_);
  }
}

// A connected socket hears its peer alone; of those that share an address the source decides.
SimDatagrams* SimNetwork::receiver_of(const Packet& packet) const {
  const Address& to = packet.target;
  bool four = to.family() == Address::Family::ipv4;
  for (const Address& name :
       {to, every_address(four, to.port()), every_address(false, to.port())}) {
    std::vector<SimDatagrams*> sharing;
    auto [first, last] = datagram_names_.equal_range(name);
    for (auto each = first; each != last; ++each) {
      SimDatagrams* socket = datagrams(each->second);
      if (socket->peer == packet.source) return socket;
      if (socket->bound()) sharing.push_back(socket);
    }
    if (!sharing.empty()) return sharing[stable_hash(packet.source.text()) % sharing.size()];
  }
  return nullptr;
}

void SimNetwork::on_packet(std::uint64_t number) {
  Packet packet = std::move(packets_.extract(number).mapped());
  world_.note(SimEventKind::datagram, -1, packet.from, packet.bytes.size());
  auto rule = rules_.find(packet.target);
  if (rule != rules_.end() && rule->second != Rule::refuse) return;
  SimDatagrams* to = rule == rules_.end() ? receiver_of(packet) : nullptr;
  if (to != nullptr) {
    if (to->inbox.size() >= SimDatagrams::kInbox) return;
    to->inbox.push_back(
        {std::move(packet.source), std::move(packet.target), std::move(packet.bytes)});
    return raise(*to, SimEvents::kReadable);
  }
  auto service = services_.find(packet.target);
  if (service != services_.end() && rule == rules_.end()) {
    Service serve = service->second;  // it may replace itself
    for (std::string& reply : serve(packet.bytes)) {
      carry({packet.from, packet.target, packet.source, std::move(reply)});
    }
    return;
  }
  SimDatagrams* from = datagrams(packet.from);
  if (from == nullptr || from->peer != packet.target) return;
  from->refused = true;
  raise(*from, SimEvents::kReadable);
}

namespace {

/// A connected datagram socket: every read and every write is one datagram. Empty ones are
/// skipped, and what does not fit into a read is cut off, as by the kernel.
class SimDatagramStream final : public Stream, public SimSource {
 public:
  SimDatagramStream(SimLoop& loop, int socket)
      : loop_(loop), socket_(socket), watch_(loop.network().watch(socket, loop, *this)) {}
  ~SimDatagramStream() override {
    if (socket_ >= 0) loop_.network().close(socket_);
  }

  bool start_read(ReadOperation& operation) override {
    if (loop_.spend() && read_now(operation.result)) return true;
    if (!it().inbox.empty()) loop_.network().raise(it(), SimEvents::kReadable);
    pending_read_ = &operation;
    operation.pend(*this);
    return false;
  }

  bool start_write(WriteOperation& operation) override {
    std::string bytes;
    for (Slice& slice : operation.data) bytes += std::exchange(slice, Slice()).view();
    operation.data = {};
    if (std::exchange(it().refused, false)) {
      operation.result = fail(ErrorCode::refused, Origin::weir, "send");
    } else {
      loop_.network().send_datagram(it(), std::move(bytes));
    }
    return true;
  }

  std::optional<Result<Slice>> try_read(std::size_t) override {
    Result<Slice> result;
    if (read_now(result)) return result;
    return std::nullopt;
  }

  void shutdown_write() override {}
  void reset_on_close() override {}
  void watch_hangup(HangupWatch*) override {}
  bool idle_and_open() override { return it().inbox.empty() && !it().refused; }
  bool seen_open() const override { return true; }
  Address peer() const override { return it().peer; }
  Address local() const override { return it().local; }
  Loop& loop() const override { return loop_; }

  int detach() override {
    loop_.network().forget(socket_, watch_);
    return std::exchange(socket_, -1);
  }

  void cancel(Operation& operation, const Error& why) override {
    pending_read_ = nullptr;
    static_cast<ReadOperation&>(operation).result = fail(why);
    loop_.complete_soon(operation);
  }

  void on_events(std::uint32_t) override {
    if (pending_read_ == nullptr || !read_now(pending_read_->result)) return;
    std::exchange(pending_read_, nullptr)->complete();
  }

 private:
  SimDatagrams& it() const { return *loop_.network().datagrams(socket_); }

  bool read_now(Result<Slice>& result) {
    SimDatagrams& from = it();
    if (std::exchange(from.refused, false)) {
      result = fail(ErrorCode::refused, Origin::weir, "recv");
      return true;
    }
    while (!from.inbox.empty() && from.inbox.front().bytes.empty()) from.inbox.pop_front();
    if (from.inbox.empty()) return false;
    std::string_view bytes = from.inbox.front().bytes;
    result = copy_slice(bytes.substr(0, BufferPool::kBlockBytes));
    from.inbox.pop_front();
    return true;
  }

  SimLoop& loop_;
  int socket_;
  std::uint64_t watch_;
  ReadOperation* pending_read_ = nullptr;
};

/// Many datagrams at a time.
class SimDatagramSocket final : public DatagramSocket, public SimSource {
 public:
  SimDatagramSocket(SimLoop& loop, int socket, DatagramReceiver& receiver)
      : loop_(loop),
        socket_(socket),
        receiver_(receiver),
        watch_(loop.network().watch(socket, loop, *this)) {
    if (left()) loop_.network().raise(*it(), SimEvents::kReadable);
  }
  ~SimDatagramSocket() override {
    if (it() == nullptr) return;
    if (it()->bound()) {
      loop_.network().forget(socket_, watch_);
    } else {
      loop_.network().close(socket_);
    }
  }

  Result<std::size_t> receive(DatagramBatch& into, std::size_t most) override {
    SimDatagrams* from = it();
    if (from == nullptr) return fail(ErrorCode::io, Origin::weir, "recv");
    if (std::exchange(from->refused, false)) return fail(ErrorCode::refused, Origin::weir, "recv");
    std::size_t count = std::min({most, into.room(), from->inbox.size()});
    for (Datagram& each : into.free().first(count)) {
      const SimDatagrams::Message& message = from->inbox.front();
      each.size = std::min(message.bytes.size(), DatagramBatch::kMostBytes);
      std::memcpy(each.data, message.bytes.data(), each.size);
      each.peer = message.source;
      each.local = is_any(from->local) ? message.target.ip() : IpAddress{};
      from->inbox.pop_front();
    }
    into.take(count);
    return count;
  }

  Result<std::size_t> send(std::span<const Datagram> datagrams) override {
    SimDatagrams* from = it();
    if (from == nullptr) return fail(ErrorCode::io, Origin::weir, "send");
    if (std::exchange(from->refused, false)) return fail(ErrorCode::refused, Origin::weir, "send");
    std::size_t count = datagrams.size();
    if (loop_.world().chance(loop_.world().faults().partial)) count = 1;
    for (const Datagram& each : datagrams.first(count)) {
      bool told = each.local != IpAddress{};
      const IpAddress& own = is_any(from->local) ? loop_.host() : from->local.ip();
      Address source(told ? each.local : own, from->local.port());
      loop_.network().send_datagram(*from, std::string(each.view()), source, each.peer.address());
    }
    return count;
  }

  void on_events(std::uint32_t) override {
    receiver_.on_readable();
    if (left()) loop_.network().raise(*it(), SimEvents::kReadable);
  }

 private:
  SimDatagrams* it() const { return loop_.network().datagrams(socket_); }
  bool left() const { return it() != nullptr && (!it()->inbox.empty() || it()->refused); }

  SimLoop& loop_;
  int socket_;
  DatagramReceiver& receiver_;
  std::uint64_t watch_;
};

}  // namespace

Result<std::unique_ptr<DatagramSocket>> SimLoop::receive_datagrams(int socket,
                                                                   DatagramReceiver& receiver) {
  check_own_turn("receive_datagrams");
  if (network().datagrams(socket) == nullptr) return fail(ErrorCode::io, Origin::weir, "watch");
  return std::make_unique<SimDatagramSocket>(*this, socket, receiver);
}

Result<std::unique_ptr<DatagramSocket>> SimLoop::connect_datagrams(const Address& to,
                                                                   DatagramReceiver& receiver) {
  check_own_turn("connect_datagrams");
  Result<int> socket = network().open(*this, to, {.datagram = true});
  if (!socket) return fail(socket.error());
  return std::make_unique<SimDatagramSocket>(*this, *socket, receiver);
}

bool open_sim_datagram(SimLoop& loop, ConnectOperation& operation) {
  Result<int> socket = loop.network().open(loop, operation.address, operation.options);
  if (!socket) {
    operation.result = fail(socket.error());
  } else {
    operation.result = std::make_unique<SimDatagramStream>(loop, *socket);
  }
  return true;
}

}  // namespace weir
