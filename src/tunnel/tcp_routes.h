// TcpRoutes: where a connection goes: by its source, its first bytes, or what its ClientHello asks.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "io/address.h"
#include "io/first_bytes.h"

namespace weir {

struct TunnelUpstream;

/// All conditions that are given must hold; of each list one entry.
struct TcpMatch {
  std::vector<IpNetwork> from;
  std::vector<IpNetwork> to;        // where the client was going
  std::vector<std::uint16_t> port;  // the same
  std::vector<FirstBytes> protocol;
  std::vector<std::string> sni;   // in lower case; `*.parent` is every name below `parent`
  std::vector<std::string> alpn;  // the client offers it, or agreed to it

  bool by_name() const { return !sni.empty() || !alpn.empty(); }
};

struct TcpRoute {
  TcpMatch match;
  std::shared_ptr<const TunnelUpstream> upstream;  // null: where the client was going
};

/// What is known of a connection. Nothing of its bytes: the client has not spoken, and need not.
struct TcpFacts {
  IpAddress ip;
  IpAddress to;
  std::uint16_t port = 0;
  std::optional<FirstBytes> protocol;
  std::string_view server_name;
  std::span<const std::string> alpn;
};

/// Immutable. The first route that matches is taken. A look for a name costs as many steps as the
/// name has labels, however many routes there are.
class TcpRoutes {
 public:
  explicit TcpRoutes(std::vector<TcpRoute> routes);

  /// Null: none matches.
  const TcpRoute* find(const TcpFacts& facts) const;
  /// Whether what the client says first can make a difference. `named`: its ClientHello is known.
  bool needs_bytes(const TcpFacts& facts, bool named) const;
  /// Whether a ClientHello has to be read for that.
  bool needs_hello() const { return first_by_name_ != kNone; }

  const std::vector<TcpRoute>& all() const { return routes_; }

 private:
  using Indices = std::vector<std::uint32_t>;  // in the order of the routes
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  std::uint32_t first_of(const Indices& indices, const TcpFacts& facts, std::uint32_t before) const;
  bool matches(const TcpRoute& route, const TcpFacts& facts) const;

  std::vector<TcpRoute> routes_;
  absl::flat_hash_map<std::string, Indices> names_;  // routes by their names
  absl::flat_hash_map<std::string, Indices>
      parents_;  // and by those below which any name is theirs
  Indices nameless_;
  std::uint32_t first_by_protocol_ = kNone;
  std::uint32_t first_by_name_ = kNone;
};

}  // namespace weir
