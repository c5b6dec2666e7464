#include "server/client_address.h"

#include <algorithm>

#include "http/syntax.h"

namespace weir {
namespace {

constexpr std::size_t kMaxRequestId = 128;

bool is_trusted(const IpAddress& ip, const std::vector<IpNetwork>& trusted) {
  return std::any_of(trusted.begin(), trusted.end(),
                     [&](const IpNetwork& network) { return network.contains(ip); });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// From the last element of the list to the first.
IpAddress walk_back(std::string_view list, IpAddress nearest, const std::vector<IpNetwork>& trusted,
                    bool& ended) {
  while (!list.empty() && !ended) {
    std::size_t comma = list.rfind(',');
    std::string_view element =
        trim(comma == std::string_view::npos ? list : list.substr(comma + 1));
    list = comma == std::string_view::npos ? std::string_view() : list.substr(0, comma);
    std::optional<IpAddress> ip = IpAddress::parse(element);
    if (!ip) {
      ended = true;
      break;
    }
    nearest = *ip;
    ended = !is_trusted(*ip, trusted);
  }
  return nearest;
}

}  // namespace

void find_client(Exchange& exchange, const std::vector<IpNetwork>& trusted) {
  const Peer& peer = exchange.connection().peer;
  exchange.set_client_ip(peer.ip());
  if (trusted.empty() || !is_trusted(peer.ip(), trusted)) return;
  exchange.set_peer_trusted(true);
  Request& request = exchange.request();
  IpAddress client = peer.ip();
  bool ended = false;
  for (std::size_t i = request.headers.size(); i > 0 && !ended; --i) {
    const Header& field = request.headers[i - 1];
    if (field.id() == HeaderId::x_forwarded_for) {
      client = walk_back(field.value(), client, trusted, ended);
    }
  }
  exchange.set_client_ip(client);
  std::string_view proto = request.headers.get(HeaderId::x_forwarded_proto);
  if (proto == "https" || proto == "http") request.scheme = proto;
  std::string_view id = request.headers.get(HeaderId::x_request_id);
  if (!id.empty() && id.size() <= kMaxRequestId && is_token(id)) exchange.set_request_id(id);
}

}  // namespace weir
