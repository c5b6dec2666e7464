// Redaction: what logs and traces do not say of the people behind requests.
#pragma once

#include <string>
#include <vector>

#include "core/arena.h"
#include "expression/facts.h"

namespace weir::expression {

/// What stands in place of a value.
inline constexpr std::string_view kRedacted = "***";

struct Redaction {
  /// Of a client's address: all, its network (24 bits of IPv4, 48 of IPv6), or nothing.
  enum class Ip : std::uint8_t { keep, truncate, remove };
  Ip client_ip = Ip::keep;
  bool identity = false;
  std::vector<std::string> query;    // names of parameters; `*`: all
  std::vector<std::string> headers;  // names in small letters, of requests and of responses
  std::vector<std::string> cookies;  // names; `*`: all

  bool any() const;
  bool hides_header(std::string_view name) const;
  /// Nothing if it is removed.
  Value shown(const IpAddress& ip) const;
  /// `query` without its `?`, with the values of the parameters masked; in `arena` unless it stays
  /// as it is. A name that is written with escapes is taken for one that is to be masked.
  std::string_view shown_query(std::string_view query, Arena& arena) const;
  /// The same of what stands behind the first `?`.
  std::string_view shown_target(std::string_view target, Arena& arena) const;
};

/// The facts of an exchange as `rules` let them be seen.
class RedactedFacts final : public Facts {
 public:
  /// All outlive it.
  RedactedFacts(const Facts& facts, const Redaction& rules, Arena& arena)
      : facts_(facts), rules_(rules), arena_(arena) {}

  Value get(Fact fact) const override;
  bool next(Source source, std::string_view name, std::size_t& position,
            std::string_view& value) const override;

 private:
  const Facts& facts_;
  const Redaction& rules_;
  Arena& arena_;
};

}  // namespace weir::expression
