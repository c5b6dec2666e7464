// How a simulated origin answers one request, as the seed wills.
#pragma once

#include "ledger.h"
#include "wire.h"

namespace weir::sim {

/// How one request is answered.
struct Manner {
  enum class Break : std::uint8_t { none, reset, close, silence };
  Content::Kind framing = Content::Kind::length;
  Duration delay{};
  unsigned interim = 0;
  bool early = false;  // the answer comes before the request has been read
  bool close = false;
  bool agree = true;   // to an upgrade
  bool extra = false;  // a second answer behind the first, which is nobody's
  Pace pace;
  Break broken = Break::none;  // after pace.limit bytes of the answer
};

Manner draw(Random& random, const Ledger& ledger, const Story& story);

}  // namespace weir::sim
