// cache: answers from what the origin has said before, and asks it once for many (RFC 9111).
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/slots.h"
#include "expression/template.h"
#include "http/handler.h"
#include "middleware/cache/answer.h"
#include "middleware/cache/fill.h"
#include "middleware/cache/store.h"
#include "middleware/cache_config.h"
#include "upstream/build_parts.h"

namespace weir {

/// Look-ups, answers and the invalidation by unsafe methods. What is stored and what is under way
/// belongs to the named store, which outlives configurations.
class CacheMiddleware final : public Middleware {
 public:
  CacheMiddleware(const CacheConfig& config, const BuildParts& parts);
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;

 private:
  struct Asked;
  static cache::Store::DiskPlan disk_of(const CacheConfig& config, const BuildParts& parts);
  struct Seasoned {};

  void claim_directory(const CacheConfig& config, const BuildParts& parts);
  Task<Result<Response>> pass(Exchange& exchange, Next next, std::string_view why) const;
  Task<Result<Response>> invalidate(Exchange& exchange, Next next) const;
  Task<Result<Response>> serve(Exchange& exchange, Next next) const;
  Task<Result<Response>> serve_whole(Exchange& exchange, Next next, Asked& asked) const;
  Task<Result<Response>> serve_slices(Exchange& exchange, Next next, Asked& asked) const;
  Task<Result<Response>> follow(Exchange& exchange, Next next, Asked& asked) const;
  Task<Result<Response>> conclude(Exchange& exchange, Next next, Asked& asked, cache::Fill* fill,
                                  cache::Object::Follower* follower) const;
  Task<Result<Response>> missing(Exchange& exchange, Next next, const Asked& asked) const;
  Task<Result<Response>> lent(Exchange& exchange, Next next, cache::Fill& fill,
                              std::string_view why) const;
  Task<Result<Response>> from_disk(Exchange& exchange, Asked& asked) const;
  std::string_view extras(Exchange& exchange) const;
  cache::Found look(Exchange& exchange, Asked& asked) const;
  std::shared_ptr<cache::Fill> begin(Exchange& exchange, Next next, const Asked& asked) const;
  Result<Response> give(Exchange& exchange, const Asked& asked, cache::Fill* fill,
                        cache::Object::Follower* follower,
                        cache::SlicedObject* sliced = nullptr) const;

  std::shared_ptr<const std::string> directory_of_;  // which cache has the directory of its disk
  std::shared_ptr<cache::Store> store_;
  cache::Store::Share share_;
  std::vector<std::pair<std::uint16_t, std::int64_t>> lifetimes_;
  cache::FillRules rules_;
  std::vector<expression::Template> key_;
  std::uint64_t slice_ = 0;  // bytes; 0: everything is kept as a whole
  bool obey_clients_;
  SlotKey seasoned_;
};

}  // namespace weir
