#include "cluster/health.h"

namespace weir {

bool Health::note(const CheckResult& result, Duration took, const Thresholds& thresholds,
                  std::int64_t now) {
  bool first = !checked();
  last_at_ = now;
  last_passed_ = result.has_value();
  last_took_ = took;
  if (result) {
    ++passed_;
    ++passes_;
    failures_ = 0;
  } else {
    ++failed_;
    ++failures_;
    passes_ = 0;
    last_failure_ = result.error();
  }
  if (first) since_ = now;
  bool turns = healthy_ ? failures_ >= (first ? 1 : thresholds.fail) : passes_ >= thresholds.pass;
  if (!turns) return false;
  healthy_ = !healthy_;
  since_ = now;
  return true;
}

void Health::restart() {
  passes_ = 0;
  failures_ = 0;
}

}  // namespace weir
