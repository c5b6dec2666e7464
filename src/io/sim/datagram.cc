#include "io/sim/datagram.h"

#include <utility>

#include "io/sim/network.h"

namespace weir {

void SimNetwork::serve_datagrams(const Address& address, Service service) {
  services_[address] = std::move(service);
}

void SimNetwork::send_datagram(SimDatagrams& from, std::string bytes) {
  world_.note(SimEventKind::sent, current_index(), from.number, bytes.size());
  world_.note_bytes(bytes);
  carry({from.number, false, std::move(bytes)});
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

void SimNetwork::on_packet(std::uint64_t number) {
  Packet packet = std::move(packets_.extract(number).mapped());
  world_.note(SimEventKind::datagram, -1, packet.from, packet.bytes.size());
  SimDatagrams* client = datagrams(packet.from);
  if (client == nullptr) return;
  if (packet.answer) {
    client->inbox.push_back(std::move(packet.bytes));
    return raise(*client, SimEvents::kReadable);
  }
  auto rule = rules_.find(client->peer);
  if (rule != rules_.end() && rule->second != Rule::refuse) return;
  auto service = services_.find(client->peer);
  if (service == services_.end() || rule != rules_.end()) {
    client->refused = true;
    return raise(*client, SimEvents::kReadable);
  }
  Service serve = service->second;  // it may replace itself
  for (std::string& reply : serve(packet.bytes)) carry({packet.from, true, std::move(reply)});
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
    while (!from.inbox.empty() && from.inbox.front().empty()) from.inbox.pop_front();
    if (from.inbox.empty()) return false;
    std::string_view bytes = from.inbox.front();
    result = copy_slice(bytes.substr(0, BufferPool::kBlockBytes));
    from.inbox.pop_front();
    return true;
  }

  SimLoop& loop_;
  int socket_;
  std::uint64_t watch_;
  ReadOperation* pending_read_ = nullptr;
};

}  // namespace

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
