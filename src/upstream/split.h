// UpstreamSplit: which of several upstreams gets a request.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "config/diagnostics.h"
#include "core/slots.h"
#include "expression/expression.h"
#include "expression/key.h"
#include "http/exchange.h"
#include "upstream/split_config.h"

namespace weir {

/// By the entries' conditions, else by the client's key, else in turn. Each worker takes turns by
/// itself: of as many requests in a row as the weights sum up to, in lowest terms, each entry gets
/// its weight.
class UpstreamSplit {
 public:
  UpstreamSplit(const std::vector<SplitEntryConfig>& entries,
                const std::vector<config::Located<std::string>>& sticky,
                config::Diagnostics& diagnostics);

  /// The index of an entry.
  std::size_t pick(Exchange& exchange) const;

 private:
  struct Entry {
    std::uint32_t weight;  // in lowest terms
    std::uint64_t seed;    // of its name
    std::optional<expression::Expression> when;
  };

  void shorten_rounds();
  std::size_t of_key(std::uint64_t key) const;
  std::size_t next_in_turn(Loop& loop) const;

  std::vector<Entry> entries_;
  std::optional<expression::Key> key_;
  std::uint64_t total_ = 0;   // of the weights
  std::uint64_t stride_ = 1;  // without a common divisor with the total
  SlotKey turn_;              // of each worker
};

}  // namespace weir
