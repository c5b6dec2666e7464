#include "tunnel/udp_listener.h"

#include <cstring>
#include <utility>

#include "core/hash.h"
#include "io/quic_header.h"

namespace weir {

/// Shared by all listeners of a worker.
struct UdpListener::Batches {
  DatagramBatch received;
  DatagramBatch replies;
  UdpListener* owner = nullptr;  // whose replies they are

  static Batches& of(Loop& loop) {
    static const SlotKey key;
    return loop.slots().get<Batches>(key, [] { return std::make_unique<Batches>(); });
  }
};

// With a seed that nobody outside knows, so that nobody can choose addresses that collide.
std::size_t UdpListener::Hash::operator()(const UdpFlow& flow) const {
  char bytes[36] = {};
  std::memcpy(bytes, flow.client.ip().bytes.data(), 16);
  std::memcpy(bytes + 16, flow.local.bytes.data(), 16);
  std::uint16_t port = flow.client.port();
  std::memcpy(bytes + 32, &port, sizeof port);
  bytes[34] = static_cast<char>(flow.client.ip().v4);
  return stable_hash({bytes, sizeof bytes}, seed);
}

bool UdpListener::same(const UdpFlow& a, const UdpFlow& b) {
  return a.client.port() == b.client.port() && a.client.ip() == b.client.ip() && a.local == b.local;
}

UdpListener::UdpListener(Loop& loop, UdpHost& host)
    : loop_(loop),
      host_(host),
      batches_(Batches::of(loop)),
      sessions_(0, Hash{loop.random().next()}),
      late_(*this) {
  late_.when_done([](Operation& operation) {
    Late& late = static_cast<Late&>(operation);
    late.queued = false;
    late.listener.run_late();
  });
}

UdpListener::~UdpListener() {
  end_all(Error(ErrorCode::shutting_down, Origin::weir, "the listener is gone"));
  run_late();
}

Status UdpListener::open(int socket) {
  auto opened = loop_.receive_datagrams(socket, *this);
  if (!opened) return fail(opened.error());
  socket_ = std::move(*opened);
  return {};
}

// --- from clients

void UdpListener::on_readable() {
  DatagramBatch& batch = batches_.received;
  batch.clear();
  if (!socket_->receive(batch, DatagramBatch::kCapacity)) return;
  std::span<const Datagram> rest = batch.all();
  while (!rest.empty()) {
    // What one client sent in a row goes on together.
    UdpFlow flow{rest.front().peer, rest.front().local};
    std::size_t run = 1;
    while (run < rest.size() && same(flow, {rest[run].peer, rest[run].local})) ++run;
    take(rest.first(run));
    rest = rest.subspan(run);
  }
}

void UdpListener::take(std::span<const Datagram> datagrams) {
  UdpCounters& counters = host_.udp_counters();
  counters.received.add(datagrams.size());
  for (const Datagram& each : datagrams) counters.received_bytes.add(each.size);
  UdpFlow flow{datagrams.front().peer, datagrams.front().local};
  auto found = sessions_.find(flow);
  UdpSession* session = found == sessions_.end() ? begin(flow, datagrams) : *found;
  if (session != nullptr) session->forward(datagrams);
}

UdpSession* UdpListener::begin(const UdpFlow& flow, std::span<const Datagram> datagrams) {
  UdpCounters& counters = host_.udp_counters();
  std::shared_ptr<const UdpPlan> plan = host_.udp_plan();
  std::shared_ptr<Endpoint> known;
  if (plan->quic && !know_quic(datagrams.front(), known)) {
    counters.drop(UdpDrop::not_quic, datagrams.size());
    return nullptr;
  }
  if (std::optional<UdpDrop> refused = admit(flow.client.ip())) {
    counters.drop(*refused, datagrams.size());
    return nullptr;
  }
  host_.udp_began();
  auto session = std::make_unique<UdpSession>(*this, flow, std::move(plan));
  Status opened = session->open(std::move(known));
  sessions_.insert(session.get());
  young_.append(*session);
  if (opened) return session.release();
  counters.drop(UdpDrop::no_endpoint, datagrams.size());
  end(*session.release(), opened.error());
  return nullptr;
}

// Where a connection is that is known by its ID goes on there. One that is not, may be older than
// this process: where endpoints are chosen by clients' addresses, it goes to its own all the same.
bool UdpListener::know_quic(const Datagram& datagram, std::shared_ptr<Endpoint>& endpoint) {
  std::optional<QuicHeader> header = read_quic_header(datagram.view());
  if (!header) return false;
  QuicPaths& paths = host_.quic_paths();
  endpoint =
      header->long_form ? paths.find(header->destination) : paths.find_prefix(header->destination);
  return true;
}

std::optional<UdpDrop> UdpListener::admit(const IpAddress& client) {
  std::optional<UdpDrop> refused = host_.admit(client);
  if (refused != UdpDrop::sessions_full || !young_.linked()) return refused;
  end(static_cast<UdpSession&>(*young_.next()),
      Error(ErrorCode::limit, Origin::weir, "it gave way to a newer session"));
  return host_.admit(client);
}

// --- to clients

void UdpListener::answer(UdpSession& session) {
  if (batches_.owner != this) {
    if (batches_.owner != nullptr) batches_.owner->flush();
    batches_.owner = this;
  }
  DatagramBatch& replies = batches_.replies;
  if (replies.room() == 0) flush();
  session.receive(replies);
  if (replies.size() > 0) later();
  if (session.over()) end(session, {});
}

void UdpListener::flush() {
  DatagramBatch& replies = batches_.replies;
  UdpCounters& counters = host_.udp_counters();
  std::span<const Datagram> rest = replies.all();
  while (!rest.empty()) {
    Result<std::size_t> sent = socket_->send(rest);
    std::size_t done = sent.value_or(1);
    if (sent) {
      counters.sent.add(done);
      for (const Datagram& each : rest.first(done)) counters.sent_bytes.add(each.size);
    } else {
      if (sent.error().code == ErrorCode::queue_full) done = rest.size();
      counters.drop(UdpDrop::client, done);
    }
    rest = rest.subspan(done);
  }
  replies.clear();
}

// --- ends

void UdpListener::end(UdpSession& session, const Error& why) {
  sessions_.erase(&session);
  dying_.append(session);
  session.stop();
  TunnelRecord record = session.record();
  record.error = why;
  host_.udp_counters().count_end(why.code);
  host_.udp_ended(record);
  later();
}

void UdpListener::end_all(const Error& why) {
  for (Link* list : {&young_, &settled_}) {
    while (list->linked()) end(static_cast<UdpSession&>(*list->next()), why);
  }
}

void UdpListener::bury(std::unique_ptr<DatagramSocket> socket) {
  buried_.push_back(std::move(socket));
  later();
}

void UdpListener::later() {
  if (std::exchange(late_.queued, true)) return;
  loop_.complete_soon(late_);
}

void UdpListener::run_late() {
  if (batches_.owner == this) {
    flush();
    batches_.owner = nullptr;
  }
  while (dying_.linked()) delete static_cast<UdpSession*>(dying_.next());
  buried_.clear();
}

}  // namespace weir
