// SharedBudgets: budgets that several processes of Weir draw on together, kept by a Redis server.
#pragma once

#include <memory>
#include <string>

#include "core/gcra.h"
#include "expression/budget_key.h"
#include "http/exchange.h"
#include "store/redis.h"

namespace weir {

class SharedBudgets {
 public:
  /// Limits of one `scope` share their budgets, in whatever process they are.
  SharedBudgets(std::shared_ptr<const RedisStore> store, std::string scope)
      : store_(std::move(store)), scope_(std::move(scope)) {}

  /// As Gcra::take, by the clock of the server and to the microsecond. Error: of RedisStore::run.
  Task<Result<Gcra::Answer>> take(Exchange& exchange, const Gcra& rate,
                                  const expression::BudgetKey& key) const;

 private:
  std::shared_ptr<const RedisStore> store_;
  std::string scope_;
};

}  // namespace weir
