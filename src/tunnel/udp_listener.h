// UdpListener: one bound socket of a UDP listener on one worker, with its sessions.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <absl/container/flat_hash_set.h>

#include "tunnel/udp_session.h"

namespace weir {

/// What sessions need from whoever runs them; outlives them.
class UdpHost {
 public:
  /// For sessions that begin now.
  virtual std::shared_ptr<const UdpPlan> udp_plan() const = 0;
  virtual UdpCounters& udp_counters() = 0;
  virtual QuicPaths& quic_paths() = 0;
  /// Nothing: the client has a place, until its session is told of.
  virtual std::optional<UdpDrop> admit(const IpAddress& client) = 0;
  virtual void udp_began() = 0;
  /// The session has ended.
  virtual void udp_ended(TunnelRecord& record) = 0;

 protected:
  ~UdpHost() = default;
};

/// Datagrams are received many at a time, and replies of all sessions sent together at the end of
/// the turn in which they came. When there is no place for one more session, the oldest of those
/// whose client never answered to what it was sent gives way; if there is none, the new client's
/// datagram is dropped. So a flood from forged addresses takes places from itself.
class UdpListener final : public DatagramReceiver {
 public:
  UdpListener(Loop& loop, UdpHost& host);
  /// Its sessions end.
  ~UdpListener();

  /// `socket` is bound, and stays open.
  Status open(int socket);
  void end_all(const Error& why);
  std::size_t sessions() const { return sessions_.size(); }

  // For sessions.
  Loop& loop() { return loop_; }
  UdpCounters& counters() { return host_.udp_counters(); }
  QuicPaths& quic_paths() { return host_.quic_paths(); }
  void answer(UdpSession& session);
  void settle(UdpSession& session) { settled_.append(session); }
  void end(UdpSession& session, const Error& why);
  /// A socket goes when nothing is under way on it any more: it may be who called.
  void bury(std::unique_ptr<DatagramSocket> socket);

 private:
  struct Late : Operation {
    explicit Late(UdpListener& of) : listener(of) {}
    UdpListener& listener;
    bool queued = false;
  };
  struct Hash {
    using is_transparent = void;
    std::uint64_t seed;
    std::size_t operator()(const UdpFlow& flow) const;
    std::size_t operator()(const UdpSession* session) const { return (*this)(session->flow()); }
  };
  struct Equal {
    using is_transparent = void;
    static const UdpFlow& of(const UdpFlow& flow) { return flow; }
    static const UdpFlow& of(const UdpSession* session) { return session->flow(); }
    bool operator()(const auto& a, const auto& b) const { return same(of(a), of(b)); }
  };
  struct Batches;

  static bool same(const UdpFlow& a, const UdpFlow& b);
  void on_readable() override;
  void take(std::span<const Datagram> datagrams);
  UdpSession* begin(const UdpFlow& flow, std::span<const Datagram> datagrams);
  bool know_quic(const Datagram& datagram, std::shared_ptr<Endpoint>& endpoint);
  std::optional<UdpDrop> admit(const IpAddress& client);
  void flush();
  void later();
  void run_late();

  Loop& loop_;
  UdpHost& host_;
  Batches& batches_;  // the worker's
  std::unique_ptr<DatagramSocket> socket_;
  absl::flat_hash_set<UdpSession*, Hash, Equal> sessions_;
  Link young_;  // sessions that are not settled, the oldest first
  Link settled_;
  Link dying_;  // to be destroyed at the end of the turn
  std::vector<std::unique_ptr<DatagramSocket>> buried_;
  Late late_;
};

}  // namespace weir
