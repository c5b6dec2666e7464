#include "tunnel/tcp_routes.h"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

template <class T>
bool contains(std::span<const T> all, const T& one) {
  return std::ranges::find(all, one) != all.end();
}

bool contains(std::span<const IpNetwork> all, const IpAddress& ip) {
  return std::ranges::any_of(all, [&](const IpNetwork& each) { return each.contains(ip); });
}

absl::string_view key(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

TcpRoutes::TcpRoutes(std::vector<TcpRoute> routes) : routes_(std::move(routes)) {
  for (std::uint32_t i = 0; i < routes_.size(); ++i) {
    const TcpMatch& match = routes_[i].match;
    if (match.by_name()) first_by_name_ = std::min(first_by_name_, i);
    if (!match.protocol.empty()) first_by_protocol_ = std::min(first_by_protocol_, i);
    if (match.sni.empty()) nameless_.push_back(i);
    for (const std::string& name : match.sni) {
      if (name.starts_with("*.")) {
        parents_[name.substr(2)].push_back(i);
      } else {
        names_[name].push_back(i);
      }
    }
  }
}

// But for the names, which were looked up.
bool TcpRoutes::matches(const TcpRoute& route, const TcpFacts& facts) const {
  const TcpMatch& match = route.match;
  if (!match.from.empty() && !contains(match.from, facts.ip)) return false;
  if (!match.to.empty() && !contains(match.to, facts.to)) return false;
  if (!match.port.empty() && !contains<std::uint16_t>(match.port, facts.port)) return false;
  if (!match.protocol.empty() &&
      (!facts.protocol || !contains<FirstBytes>(match.protocol, *facts.protocol))) {
    return false;
  }
  return match.alpn.empty() || std::ranges::any_of(match.alpn, [&](const std::string& offered) {
           return contains(facts.alpn, offered);
         });
}

std::uint32_t TcpRoutes::first_of(const Indices& indices, const TcpFacts& facts,
                                  std::uint32_t before) const {
  for (std::uint32_t index : indices) {
    if (index >= before) break;
    if (matches(routes_[index], facts)) return index;
  }
  return before;
}

const TcpRoute* TcpRoutes::find(const TcpFacts& facts) const {
  std::uint32_t best = first_of(nameless_, facts, kNone);
  std::string_view name = facts.server_name;
  if (!name.empty()) {
    auto exact = names_.find(key(name));
    if (exact != names_.end()) best = first_of(exact->second, facts, best);
    for (std::size_t dot = name.find('.'); dot != name.npos && !parents_.empty();
         dot = name.find('.', dot + 1)) {
      auto parent = parents_.find(key(name.substr(dot + 1)));
      if (dot > 0 && parent != parents_.end()) best = first_of(parent->second, facts, best);
    }
  }
  return best == kNone ? nullptr : &routes_[best];
}

bool TcpRoutes::needs_bytes(const TcpFacts& facts, bool named) const {
  std::uint32_t first = named ? first_by_protocol_ : std::min(first_by_protocol_, first_by_name_);
  if (first == kNone) return false;
  const TcpRoute* silent = find(facts);
  return silent == nullptr || silent - routes_.data() > first;
}

}  // namespace weir
