// The connections of the simulated network: how they begin, carry bytes, break and end.
#include <algorithm>
#include <cstring>
#include <utility>

#include "io/sim/loop.h"
#include "io/sim/network.h"

namespace weir {
namespace {

// Linux's defaults: six more requests after the first, and 15 minutes for unanswered bytes.
constexpr unsigned kMaxRequests = 7;
constexpr Duration kFirstRetry = std::chrono::seconds(1);
constexpr Duration kAnswerTimeout = std::chrono::seconds(127);
constexpr Duration kGiveUp = std::chrono::seconds(924);
// Trouble that comes by time comes within this.
constexpr Duration kTroubleWithin = std::chrono::seconds(3);

}  // namespace

Duration SimNetwork::delay() {
  return world_.drawn(world_.faults().delay_min, world_.faults().delay_max);
}

// Sometimes fewer: one byte, a few, or any number.
std::size_t SimNetwork::shortened(std::size_t size) {
  if (size < 2 || !world_.chance(world_.faults().partial)) return size;
  Random& random = world_.random();
  switch (random.below(3)) {
    case 0: return 1;
    case 1: return 1 + random.below(std::min<std::size_t>(size, 16));
    default: return 1 + random.below(size);
  }
}

void SimNetwork::request(SimConnection& client) {
  ++client.attempts;
  auto rule = rules_.find(client.peer);
  bool ruled = rule != rules_.end();
  if (ruled && rule->second == Rule::unreachable) {
    world_.schedule(world_.now() + delay(), SimEventKind::failed, client.number,
                    static_cast<std::uint64_t>(ErrorCode::unreachable));
  } else if ((ruled && rule->second == Rule::black_hole) ||
             world_.chance(world_.faults().black_hole)) {
    world_.schedule(world_.now() + kAnswerTimeout, SimEventKind::failed, client.number,
                    static_cast<std::uint64_t>(ErrorCode::timeout));
  } else {
    world_.schedule(world_.now() + delay(), SimEventKind::syn, client.number, client.attempts);
  }
}

const SimNetwork::Interception* SimNetwork::intercepting(const SimConnection& client) const {
  auto found = interceptions_.find(client.peer);
  if (found == interceptions_.end() || found->second.client != client.local.ip()) return nullptr;
  return &found->second;
}

void SimNetwork::on_syn(SimConnection& client) {
  auto rule = rules_.find(client.peer);
  bool refused = (rule != rules_.end() && rule->second == Rule::refuse) ||
                 world_.chance(world_.faults().refuse);
  const Interception* interception = intercepting(client);
  std::vector<SimListening*> at = listening_at(interception ? interception->listener : client.peer);
  if (refused || at.empty()) {
    world_.schedule(world_.now() + delay(), SimEventKind::failed, client.number,
                    static_cast<std::uint64_t>(ErrorCode::refused));
    return;
  }
  SimListening& chosen = *at[world_.random().below(at.size())];
  if (chosen.queue.size() < chosen.backlog) return establish(client, chosen);
  if (client.attempts == kMaxRequests) return on_failed(client, ErrorCode::timeout);
  // A full queue drops the request; the client asks again, later and later.
  Duration wait = kFirstRetry * (1 << (client.attempts - 1));
  ++client.attempts;
  world_.schedule(world_.now() + wait, SimEventKind::syn, client.number, client.attempts);
}

void SimNetwork::on_failed(SimConnection& client, ErrorCode why) {
  client.error = why;
  client.connecting = false;
  raise(client, SimEvents::kAll);
}

void SimNetwork::establish(SimConnection& client, SimListening& at) {
  const Interception* rule = intercepting(client);
  bool redirected = rule != nullptr && !rule->keep;
  auto& server =
      add<SimConnection>(SimSocket::Kind::connection, redirected ? rule->listener : client.peer);
  if (redirected) server.redirected_from = client.peer;
  server.peer = client.local;
  server.link = client.link;
  server.other = &client;
  client.other = &server;
  const SimFaults& faults = world_.faults();
  std::size_t spread = faults.window_max - std::min(faults.window_min, faults.window_max) + 1;
  client.window = faults.window_min + world_.random().below(spread);
  server.window = faults.window_min + world_.random().below(spread);
  client.last_arrival = world_.now() + delay();  // nothing overtakes the answer
  world_.schedule(client.last_arrival, SimEventKind::established, client.number, 0);
  draw_trouble(client);
  at.queue.push_back(server.number);
  raise(at, SimEvents::kReadable);
}

void SimNetwork::draw_trouble(SimConnection& client) {
  const SimFaults& faults = world_.faults();
  SimLink& link = *client.link;
  if (world_.chance(faults.reset)) {
    link.trouble = SimTrouble::reset;
  } else if (world_.chance(faults.stall)) {
    link.trouble = SimTrouble::stall;
  } else if (world_.chance(faults.die)) {
    link.trouble = SimTrouble::die;
  } else {
    return;
  }
  Random& random = world_.random();
  if (random.chance(800)) {
    link.segments_left =
        static_cast<std::int64_t>(random.below(std::uint64_t{1} << random.below(9)));
  } else {
    world_.schedule(world_.now() + world_.drawn({}, kTroubleWithin), SimEventKind::fault,
                    client.number, 0);
  }
}

void SimNetwork::begin_trouble(SimConnection& socket) {
  const SimFaults& faults = world_.faults();
  switch (std::exchange(socket.link->trouble, SimTrouble::none)) {
    case SimTrouble::none: return;
    case SimTrouble::reset: return reset(socket.number);
    case SimTrouble::stall:
      return stall(world_.random().chance(500) ? socket.number : socket.other->number,
                   world_.drawn(faults.stall_min, faults.stall_max));
    case SimTrouble::die: return silence(socket.number);
  }
}

void SimNetwork::reset(int socket) {
  auto* one = static_cast<SimConnection*>(find(socket));
  if (one == nullptr || one->other == nullptr) return;
  put(*one, SimSegment::Kind::reset, 0, true);
  put(*one->other, SimSegment::Kind::reset, 0, true);
}

void SimNetwork::stall(int socket, Duration time) {
  auto* to = static_cast<SimConnection*>(find(socket));
  if (to == nullptr) return;
  to->held_until = std::max(to->held_until, world_.now() + time);
  for (SimSegment& each : to->flight) each.arrival = std::max(each.arrival, to->held_until);
  to->last_arrival = std::max(to->last_arrival, to->held_until);
  schedule_arrival(*to);
}

void SimNetwork::silence(int socket) {
  auto* one = static_cast<SimConnection*>(find(socket));
  if (one == nullptr || one->link->silent) return;
  one->link->silent = true;
  for (SimConnection* end : {one, one->other}) {
    if (end == nullptr) continue;
    bool unanswered = !end->flight.empty();
    end->flight.clear();  // the bytes stay: they fill the window for ever
    if (unanswered && end->other != nullptr) {
      world_.schedule(world_.now() + kGiveUp, SimEventKind::give_up, end->other->number, 0);
    }
  }
}

void SimNetwork::schedule_arrival(SimConnection& to) {
  if (to.flight.empty()) return;
  world_.schedule(to.flight.back().arrival, SimEventKind::arrival, to.number, to.flight.size());
}

void SimNetwork::put(SimConnection& to, SimSegment::Kind kind, std::size_t size, bool overtake) {
  if (to.link->silent) {
    if (to.other != nullptr && kind == SimSegment::Kind::bytes) {
      world_.schedule(world_.now() + kGiveUp, SimEventKind::give_up, to.other->number, 0);
    }
    return;
  }
  TimePoint arrival = world_.now() + delay();
  if (overtake) {
    to.flight.clear();
    to.bytes.resize(to.head + to.arrived);
    if (to.connecting) arrival = std::max(arrival, to.last_arrival);
  } else {
    arrival = std::max({arrival, to.last_arrival, to.held_until});
  }
  to.last_arrival = arrival;
  to.flight.push_back({kind, arrival, size});
  schedule_arrival(to);
}

Result<std::size_t> SimNetwork::send(SimConnection& from, std::string_view bytes) {
  if (from.error != ErrorCode::none || from.end_sent) {
    ErrorCode why = from.error != ErrorCode::none ? from.error : ErrorCode::reset;
    return fail(why, Origin::weir, "send", Retry::if_unsent);
  }
  SimConnection& to = *from.other;
  std::size_t size = std::min(bytes.size(), to.window - std::min(to.window, to.unread()));
  if (size == 0) {
    from.wants_write = true;
    return std::size_t{0};
  }
  size = shortened(size);
  to.bytes.append(bytes.substr(0, size));
  put(to, SimSegment::Kind::bytes, size);
  world_.note(SimEventKind::sent, current_index(), from.number, size);
  world_.note_bytes(bytes.substr(0, size));
  SimLink& link = *from.link;
  if (link.segments_left >= 0 && link.segments_left-- == 0) begin_trouble(from);
  return size;
}

void SimNetwork::send_end(SimConnection& from) {
  if (std::exchange(from.end_sent, true) || from.other == nullptr) return;
  put(*from.other, SimSegment::Kind::end, 0);
}

// Returns the events that it raises.
std::uint32_t SimNetwork::take_reset(SimConnection& to) {
  to.flight.clear();
  to.error = ErrorCode::reset;
  // Linux still gives out what had arrived, other systems forget it.
  if (world_.random().chance(500)) to.arrived = 0;
  to.bytes.resize(to.head + to.arrived);
  return SimEvents::kAll;
}

void SimNetwork::on_arrival(SimConnection& to) {
  if (to.error != ErrorCode::none) {  // what was sent before the other end knew
    to.flight.clear();
    to.bytes.resize(to.head + to.arrived);
    return;
  }
  std::uint32_t events = 0;
  while (!to.flight.empty() && to.flight.front().arrival <= world_.now()) {
    SimSegment segment = to.flight.front();
    to.flight.pop_front();
    if (segment.kind == SimSegment::Kind::reset) {
      events |= take_reset(to);
    } else if (to.closed) {
      if (segment.kind == SimSegment::Kind::end) continue;
      // Bytes for a socket that its program has closed are answered with a reset.
      to.flight.clear();
      if (to.other != nullptr) put(*to.other, SimSegment::Kind::reset, 0, true);
    } else if (segment.kind == SimSegment::Kind::end) {
      to.end_arrived = true;
      events |= SimEvents::kReadable | SimEvents::kHangup;
    } else {
      to.arrived += segment.size;
      events |= SimEvents::kReadable;
    }
  }
  if (events != 0) raise(to, events);
}

Result<std::size_t> SimNetwork::receive(SimConnection& to, char* out, std::size_t size) {
  if (to.arrived > 0) {
    std::size_t count = shortened(std::min(size, to.arrived));
    std::memcpy(out, to.bytes.data() + to.head, count);
    to.head += count;
    to.arrived -= count;
    if (to.head >= to.bytes.size() / 2) {
      to.bytes.erase(0, to.head);
      to.head = 0;
    }
    SimConnection* sender = to.other;
    if (sender != nullptr && !to.link->silent && std::exchange(sender->wants_write, false)) {
      raise(*sender, SimEvents::kWritable, delay());
    }
    return count;
  }
  if (to.error != ErrorCode::none) return fail(to.error, Origin::weir, "recv");
  if (to.end_arrived) return fail(ErrorCode::end_of_stream, Origin::weir);
  return std::size_t{0};
}

void SimNetwork::close_connection(SimConnection& socket) {
  if (std::exchange(socket.closed, true)) return;
  SimConnection* other = socket.other;
  if (other == nullptr) return erase(socket.number);
  if (socket.error == ErrorCode::none) {
    if (socket.reset_on_close || socket.arrived > 0) {
      put(*other, SimSegment::Kind::reset, 0, world_.random().chance(500));
    } else {
      send_end(socket);
    }
  }
  if (!other->closed) return;
  int both[] = {socket.number, other->number};
  for (int number : both) erase(number);
}

}  // namespace weir
