#include "upstream/split.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "core/hash.h"
#include "expression/exchange_facts.h"
#include "expression/header_edits.h"

namespace weir {
namespace {

// Steps of about the golden ratio spread the turns of an entry evenly over a round.
std::uint64_t stride_of(std::uint64_t total) {
  auto stride = std::max<std::uint64_t>(1, total * 618 / 1000);
  while (std::gcd(stride, total) != 1) ++stride;
  return stride;
}

}  // namespace

UpstreamSplit::UpstreamSplit(const std::vector<SplitEntryConfig>& entries,
                             const std::vector<config::Located<std::string>>& sticky,
                             config::Diagnostics& diagnostics) {
  for (const SplitEntryConfig& config : entries) {
    Entry& entry =
        entries_.emplace_back(config.weight, stable_hash(*config.upstream), std::nullopt);
    total_ += config.weight;
    if (config.when->empty()) continue;
    auto compiled = expression::Expression::compile(*config.when, expression::Stage::route);
    if (compiled) {
      entry.when = std::move(*compiled);
    } else {
      report(compiled.error(), config.when.position, diagnostics);
    }
  }
  shorten_rounds();
  if (!sticky.empty()) key_.emplace();
  for (const auto& value : sticky) {
    auto added = key_->add(*value, expression::Stage::route);
    if (!added) report(added.error(), value.position, diagnostics);
  }
}

// 95 and 5 are 19 and 1: turns are exact over 20 requests.
void UpstreamSplit::shorten_rounds() {
  if (total_ == 0) return;
  std::uint32_t divisor = 0;
  for (const Entry& entry : entries_) divisor = std::gcd(divisor, entry.weight);
  for (Entry& entry : entries_) entry.weight /= divisor;
  total_ /= divisor;
  stride_ = stride_of(total_);
}

std::size_t UpstreamSplit::pick(Exchange& exchange) const {
  expression::ExchangeFacts facts(exchange);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].when && entries_[i].when->evaluate(facts)) return i;
  }
  if (key_) {
    if (std::optional<std::uint64_t> key = key_->hash(facts)) return of_key(*key);
  }
  return next_in_turn(exchange.loop());
}

// Weighted rendezvous hashing: each entry draws an exponential time for the key, shortened by its
// weight, and the earliest wins. Another weight moves keys only from or to its own entry.
std::size_t UpstreamSplit::of_key(std::uint64_t key) const {
  std::size_t best = 0;
  double earliest = INFINITY;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].weight == 0) continue;
    auto drawn = static_cast<double>((mix(key ^ entries_[i].seed) >> 11) + 1) * 0x1p-53;
    double time = -std::log(drawn) / entries_[i].weight;
    if (time >= earliest) continue;
    earliest = time;
    best = i;
  }
  return best;
}

std::size_t UpstreamSplit::next_in_turn(Loop& loop) const {
  auto& turn = loop.slots().get<std::uint64_t>(
      turn_, [&] { return std::make_unique<std::uint64_t>(loop.random().below(total_)); });
  turn = (turn + stride_) % total_;
  std::uint64_t left = turn;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (left < entries_[i].weight) return i;
    left -= entries_[i].weight;
  }
  return 0;
}

}  // namespace weir
