#include "manner.h"

namespace weir::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

Manner draw(Random& random, const Ledger& ledger, const Story& story) {
  Manner manner;
  std::uint64_t kind = random.below(10);
  manner.framing = kind < 5   ? Content::Kind::length
                   : kind < 9 ? Content::Kind::chunked
                              : Content::Kind::until_close;
  if (random.chance(100)) manner.delay = milliseconds(random.below(900));
  if (random.chance(100)) manner.interim = 1 + static_cast<unsigned>(random.below(3));
  manner.close = random.chance(100);
  manner.pace.pieces = 1 + random.below(4);
  if (random.chance(200)) manner.pace.pause = milliseconds(20);
  // Where bytes may be late the proxy cannot tell them from the answer to its next request.
  bool together = ledger.steady && story.response_size < 3000 && !story.upgrade;
  if (together && !manner.close && manner.framing != Content::Kind::until_close) {
    manner.extra = random.chance(100);
    if (manner.extra) manner.pace = Pace();
  }
  if (ledger.calm) return manner;
  manner.early = random.chance(150) && story.request_size > 0;
  manner.agree = random.chance(800);
  if (random.chance(40)) manner.delay = seconds(random.below(12));
  if (!random.chance(120)) return manner;
  manner.broken = static_cast<Manner::Break>(1 + random.below(3));
  manner.pace.limit = random.chance(400) ? 0 : random.below(250 + story.response_size);
  return manner;
}

}  // namespace weir::sim
