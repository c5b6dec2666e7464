#include "io/sim/faults.h"

namespace weir {
namespace {

// Off in half of all seeds, else anything from rare to `most` per thousand.
std::uint32_t sometimes(Random& random, std::uint32_t most) {
  if (random.chance(500)) return 0;
  return static_cast<std::uint32_t>(1 + random.below(most));
}

}  // namespace

SimFaults SimFaults::drawn(std::uint64_t seed) {
  Random random(seed ^ 0x77656174686572);
  SimFaults faults;
  faults.delay_max = faults.delay_min + Duration(random.below(1'000'000) << random.below(8));
  faults.dispatch_max = Duration(1 + (random.below(20'000) << random.below(6)));
  faults.window_min = std::size_t{1} << random.below(16);
  faults.window_max = faults.window_min + (std::size_t{1} << (8 + random.below(11)));
  faults.partial = sometimes(random, 900);
  faults.wait = sometimes(random, 500);
  faults.refuse = sometimes(random, 100);
  faults.black_hole = sometimes(random, 30);
  faults.reset = sometimes(random, 200);
  faults.stall = sometimes(random, 200);
  faults.die = sometimes(random, 50);
  faults.loss = sometimes(random, 200);
  faults.duplicate = sometimes(random, 200);
  faults.reorder = sometimes(random, 300);
  return faults;
}

}  // namespace weir
