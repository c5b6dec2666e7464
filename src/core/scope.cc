#include "core/scope.h"

#include <cassert>
#include <utility>

namespace weir {

Scope::~Scope() { assert(running_ == 0 && "a scope is joined before it is destroyed"); }

Scope::Child Scope::run(Scope&, Task<void> child) { co_await std::move(child); }

void Scope::spawn(Task<void> child) { run(*this, std::move(child)); }

}  // namespace weir
