#include "tunnel/udp_session.h"

#include <utility>

#include "io/quic_header.h"
#include "tunnel/endpoint_search.h"
#include "tunnel/udp_listener.h"

namespace weir {
namespace {

// Those that come in one go; more have to wait for other sessions.
constexpr std::size_t kRepliesAtOnce = 8;

bool says_nobody_is_there(const Error& error) {
  return error.code == ErrorCode::refused || error.code == ErrorCode::unreachable;
}

}  // namespace

UdpSession::UdpSession(UdpListener& listener, const UdpFlow& flow,
                       std::shared_ptr<const UdpPlan> plan)
    : idle_([](Timer& timer) { static_cast<Idle&>(timer).session->silent(); }),
      listener_(listener),
      flow_(flow),
      plan_(std::move(plan)),
      began_(listener.loop().now()) {
  idle_.session = this;
}

// Who knows an ID that an endpoint gave is its client, whose address has changed. Whether that
// address is its own is for the endpoint to find out, which holds back until then (RFC 9000, 9.3).
Status UdpSession::open(std::shared_ptr<Endpoint> known) {
  EndpointSearch search(listener_.loop(), *plan_->upstream, flow_.client.ip());
  search.avoid(refused_by_);
  if (known) {
    proven_ = true;
    search.prefer(std::move(known));
  }
  Result<EndpointLease> lease = search.next(attempts_ > 0);
  if (!lease) return fail(lease.error());
  const Endpoint& endpoint = lease->endpoint();
  auto socket = listener_.loop().connect_datagrams(endpoint.address, *this);
  if (!socket) {  // this machine may have no way into that family of addresses
    if (auto other = endpoint.other()) socket = listener_.loop().connect_datagrams(*other, *this);
  }
  if (!socket) {
    if (says_nobody_is_there(socket.error())) {
      lease->tell(*plan_->upstream, false, {}, listener_.loop().now());
    }
    return fail(socket.error());
  }
  ++attempts_;
  lease_ = std::move(*lease);
  socket_ = std::move(*socket);
  opened_ = listener_.loop().now();
  answered_ = false;
  return {};
}

void UdpSession::forward(std::span<const Datagram> datagrams) {
  touch();
  if (!settled_ && sent_ > 0) {
    settled_ = true;
    listener_.settle(*this);
  }
  for (const Datagram& each : datagrams) received_ += each.size;
  datagrams_ += static_cast<std::uint32_t>(datagrams.size());
  if (quic_ && !proven_) look_for_proof(datagrams);
  std::uint32_t tries = plan_->upstream->attempts;
  while (!datagrams.empty()) {
    bool ready = socket_ || (tries-- > 0 && open());
    if (!ready) return listener_.counters().drop(UdpDrop::no_endpoint, datagrams.size());
    datagrams = datagrams.subspan(send(datagrams));
  }
}

// How many of them are done with.
std::size_t UdpSession::send(std::span<const Datagram> datagrams) {
  Result<std::size_t> sent = socket_->send(datagrams);
  if (sent) return *sent;
  if (says_nobody_is_there(sent.error())) {
    leave_endpoint();
    return 0;
  }
  listener_.counters().drop(UdpDrop::endpoint, 1);
  return 1;
}

void UdpSession::on_readable() {
  if (!ended_) listener_.answer(*this);
}

void UdpSession::receive(DatagramBatch& batch) {
  std::size_t first = batch.size();
  Result<std::size_t> got = socket_->receive(batch, kRepliesAtOnce);
  if (!got) {
    if (says_nobody_is_there(got.error())) leave_endpoint();
    return;
  }
  if (*got == 0) return;
  touch();
  if (!std::exchange(answered_, true)) answered();
  batch.filter(first, [this](Datagram& reply) { return pass(reply); });
}

// An endpoint has answered. That one does not is no reason to think ill of it: whoever sends what
// no server answers could else take endpoints away from all others.
void UdpSession::answered() {
  TimePoint now = listener_.loop().now();
  lease_.tell(*plan_->upstream, true, now - opened_, now);
}

bool UdpSession::pass(Datagram& reply) {
  ++replies_;
  if (plan_->quic) learn(reply);
  if (!may_get(reply.size)) {
    listener_.counters().drop(UdpDrop::amplification, 1);
    return false;
  }
  sent_ += reply.size;
  reply.peer = flow_.client;
  reply.local = flow_.local;
  return true;
}

bool UdpSession::may_get(std::size_t bytes) {
  if (plan_->amplification == 0 || proven_) return true;
  return sent_ + bytes <= received_ * plan_->amplification;
}

// Only who was sent the ID that the endpoint chose knows it (RFC 9000, 8.1).
void UdpSession::look_for_proof(std::span<const Datagram> datagrams) {
  constexpr std::size_t kHardToGuess = 8;
  std::string_view id = quic_->id();
  if (id.size() < kHardToGuess) return;
  for (const Datagram& each : datagrams) {
    std::optional<QuicHeader> header = read_quic_header(each.view());
    if (!header || !header->destination.starts_with(id)) continue;
    if (header->long_form && header->destination != id) continue;
    proven_ = true;
    return;
  }
}

// Endpoints name their IDs in long headers only; the last one counts: after Retry it is another
// one.
void UdpSession::learn(const Datagram& reply) {
  std::optional<QuicHeader> header = read_quic_header(reply.view());
  if (!header || !header->long_form || header->source.empty()) return;
  if (header->source.size() > QuicHeader::kMostIdBytes) return;
  if (quic_ && quic_->id() == header->source) return;
  quic_ = std::make_unique<QuicPaths::Hold>(listener_.quic_paths(), header->source,
                                            lease_.endpoint().self());
}

// By ICMP, which names the socket that it is about: no client can bring it about.
void UdpSession::leave_endpoint() {
  TimePoint now = listener_.loop().now();
  lease_.tell(*plan_->upstream, false, now - opened_, now);
  refused_by_ = &lease_.endpoint();
  lease_ = EndpointLease();
  quic_.reset();
  listener_.bury(std::move(socket_));
}

bool UdpSession::over() const {
  return plan_->replies > 0 && replies_ >= std::uint64_t{plan_->replies} * datagrams_;
}

void UdpSession::touch() {
  Loop& loop = listener_.loop();
  loop.timers().arm(idle_, loop.now() + plan_->idle_timeout);
}

// Silence is how most sessions end. It says something only where replies are counted.
void UdpSession::silent() {
  Error why;
  if (!lease_) {
    why = Error(ErrorCode::refused, Origin::upstream, "nobody listens at the endpoint");
  } else if (plan_->replies > 0 && !over()) {
    why = Error(ErrorCode::response_timeout, Origin::upstream, "fewer replies than expected");
  }
  listener_.end(*this, why);
}

TunnelRecord UdpSession::record() const {
  TunnelRecord record;
  record.protocol = "udp";
  record.client = flow_.client;
  record.upstream = plan_->upstream->cluster->name();
  if (lease_) record.endpoint = lease_.endpoint().text;
  record.duration = listener_.loop().now() - began_;
  record.received = received_;
  record.sent = sent_;
  record.attempts = attempts_;
  return record;
}

}  // namespace weir
