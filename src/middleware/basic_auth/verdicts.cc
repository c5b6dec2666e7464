#include "middleware/basic_auth/verdicts.h"

#include <algorithm>

namespace weir {

bool VerdictOperation::start() {
  auto found = verdicts.comparing_.find(digest);
  if (found == verdicts.comparing_.end()) return true;
  found->second.push_back(this);
  pend(verdicts);
  return false;
}

void Verdicts::cancel(Operation& operation, const Error& why) {
  auto& wait = static_cast<VerdictOperation&>(operation);
  std::erase(comparing_.at(wait.digest), &wait);
  wait.result = fail(why);
  wait.loop.complete_soon(wait);
}

bool Verdicts::remembers(const Digest& digest, TimePoint now) const {
  auto found = right_.find(digest);
  return found != right_.end() && now < found->second;
}

void Verdicts::end(const Digest& digest, std::optional<bool> right, TimePoint remember_until) {
  auto compared = comparing_.extract(digest);
  for (VerdictOperation* each : compared.mapped()) {
    each->result = right;
    each->unlink();
    each->loop.complete_soon(*each);
  }
  if (!right || !*right) return;
  if (right_.insert_or_assign(digest, remember_until).second) in_order_.push_back(digest);
  if (in_order_.size() <= kMost) return;
  right_.erase(in_order_.front());
  in_order_.pop_front();
}

}  // namespace weir
