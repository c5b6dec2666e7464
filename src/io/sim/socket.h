// The simulated kernel's sockets: what each knows, without behaviour.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "io/address.h"
#include "io/timer.h"

namespace weir {

class SimLoop;

/// What happened to a socket, as a loop is told of it.
struct SimEvents {
  static constexpr std::uint32_t kReadable = 1;
  static constexpr std::uint32_t kWritable = 2;
  static constexpr std::uint32_t kHangup = 4;
  static constexpr std::uint32_t kAll = 7;
};

/// Whoever is told: a stream or a listener.
class SimSource {
 public:
  virtual void on_events(std::uint32_t events) = 0;

 protected:
  ~SimSource() = default;
};

/// One loop's interest in one socket; like an edge-triggered registration, it gathers what
/// happens until the loop has been told.
struct SimWatch {
  SimLoop* loop;
  SimSource* source;
  std::uint64_t number;  // never reused, so that a late notice cannot reach a successor
  std::uint32_t pending = 0;
  bool scheduled = false;
};

struct SimSocket {
  enum class Kind : std::uint8_t { listening, connection, datagram };
  SimSocket(Kind k, int n, Address where) : kind(k), number(n), local(std::move(where)) {}
  virtual ~SimSocket() = default;

  Kind kind;
  int number;
  Address local;
  std::vector<SimWatch> watches;
};

struct SimListening : SimSocket {
  using SimSocket::SimSocket;
  std::deque<int> queue;  // established, not yet accepted
  std::size_t backlog = 0;
  bool reuse_port = false;
};

struct SimDatagrams : SimSocket {
  static constexpr std::size_t kInbox = 1000;  // what comes when so many wait is lost
  struct Message {
    Address source;
    Address target;
    std::string bytes;
  };
  using SimSocket::SimSocket;
  bool bound() const { return peer.family() == Address::Family::none; }

  Address peer;  // of a connected one
  std::deque<Message> inbox;
  bool refused = false;  // nobody serves the peer's address; told once
  bool reuse_port = false;
};

/// Something that travels: bytes, the end, or a reset.
struct SimSegment {
  enum class Kind : std::uint8_t { bytes, end, reset };
  Kind kind;
  TimePoint arrival;
  std::size_t size;
};

/// The trouble that was drawn for a connection.
enum class SimTrouble : std::uint8_t { none, reset, stall, die };

/// What both ends of a connection share.
struct SimLink {
  SimTrouble trouble = SimTrouble::none;
  std::int64_t segments_left = -1;  // until the trouble begins; negative: it comes by time
  bool silent = false;              // nothing arrives any more
};

/// One end of a connection, with the direction that leads to it.
struct SimConnection : SimSocket {
  using SimSocket::SimSocket;
  std::size_t unread() const { return bytes.size() - head; }

  Address peer;
  Address redirected_from = {};  // by a rule of the network
  SimConnection* other = nullptr;
  std::shared_ptr<SimLink> link;
  bool connecting = false;
  unsigned attempts = 0;  // connection requests sent

  std::string bytes;  // from `head` on: `arrived` bytes to read, then those in flight
  std::size_t head = 0;
  std::size_t arrived = 0;
  std::size_t window = 0;
  std::deque<SimSegment> flight;
  TimePoint last_arrival{};
  TimePoint held_until{};

  ErrorCode error = ErrorCode::none;
  bool end_arrived = false;
  bool end_sent = false;
  bool closed = false;  // by its program
  bool reset_on_close = false;
  bool wants_write = false;
};

}  // namespace weir
