// What the simulated network does to traffic, in chances per thousand and in ranges of time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "core/random.h"
#include "io/timer.h"

namespace weir {

/// The defaults are a healthy network: short delays, nothing lost. Chances are per thousand.
struct SimFaults {
  // One way, per segment or datagram; segments of one direction never overtake each other.
  Duration delay_min = std::chrono::microseconds(20);
  Duration delay_max = std::chrono::microseconds(200);
  // How long after an event, at most, the loop is told of it; also what a turn of a loop takes.
  Duration dispatch_max = std::chrono::microseconds(10);
  // Bytes that one direction of a connection holds (sent and not yet read); drawn per direction.
  std::size_t window_min = 16 * 1024;
  std::size_t window_max = 256 * 1024;

  std::uint32_t partial = 0;  // reads and writes that move less than they could, down to 1 byte
  std::uint32_t wait = 0;     // operations that wait for an event although they could complete

  std::uint32_t refuse = 0;      // connects that are refused
  std::uint32_t black_hole = 0;  // connects that are never answered

  // Connections that meet this once, after a random number of segments or a random time.
  std::uint32_t reset = 0;
  std::uint32_t stall = 0;  // nothing arrives in one direction for stall_min to stall_max
  std::uint32_t die = 0;    // the peer vanishes: nothing arrives any more, either way
  Duration stall_min = std::chrono::milliseconds(1);
  Duration stall_max = std::chrono::seconds(5);

  // Datagrams, each way.
  std::uint32_t loss = 0;
  std::uint32_t duplicate = 0;
  std::uint32_t reorder = 0;  // delayed by up to 20 times delay_max

  /// Weather drawn from a seed: every kind of trouble is off in some seeds and common in others.
  static SimFaults drawn(std::uint64_t seed);
};

}  // namespace weir
