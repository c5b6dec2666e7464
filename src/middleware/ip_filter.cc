#include "middleware/ip_filter.h"

#include <fmt/format.h>

#include <cstring>
#include <fstream>
#include <sstream>

#include "http/exchange.h"
#include "http/syntax.h"

namespace weir {
namespace {

constexpr std::uint64_t kMostBytes = 64 << 20;

Task<Result<Response>> refuse() {
  co_return fail(ErrorCode::ip_denied, Origin::client, "the client's address stays out");
}

std::expected<std::vector<IpNetwork>, std::string> read_list(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return std::unexpected(std::string(std::strerror(errno)));
  auto size = static_cast<std::int64_t>(file.tellg());
  if (size < 0) return std::unexpected("it is no file");
  if (static_cast<std::uint64_t>(size) > kMostBytes)
    return std::unexpected("it has more than 64 MiB");
  std::string text(static_cast<std::size_t>(size), '\0');
  file.seekg(0);
  if (!file.read(text.data(), size)) return std::unexpected("it cannot be read");
  return parse_network_list(text);
}

void add(const std::vector<config::Network>& from, std::vector<IpNetwork>& to) {
  for (const config::Network& each : from) {
    IpNetwork network;
    network.base.v4 = !each.v6;
    std::memcpy(network.base.bytes.data() + (each.v6 ? 0 : 12), each.ip.data(), each.v6 ? 16 : 4);
    network.prefix = each.prefix;
    to.push_back(network);
  }
}

IpRanges ranges_of(const std::vector<config::Network>& listed,
                   const std::vector<config::Located<std::string>>& files,
                   config::Diagnostics& diagnostics) {
  std::vector<IpNetwork> networks;
  add(listed, networks);
  for (const auto& file : files) {
    auto found = read_list(*file);
    if (found) {
      networks.insert(networks.end(), found->begin(), found->end());
    } else {
      diagnostics.error(file.position, config::Code::unreadable_reference,
                        fmt::format("{}: {}", *file, found.error()),
                        "a list has a network or an address on each line");
    }
  }
  return IpRanges(networks);
}

}  // namespace

void IpFilterConfig::check(const config::Found& found) const {
  if (allows_some() || !deny.empty() || !deny_files.empty()) return;
  found.error("allow", config::Code::missing_key, "a filter needs something to allow or to deny",
              "write `deny: [192.0.2.0/24]`, or `allow: [10.0.0.0/8]`");
}

std::expected<std::vector<IpNetwork>, std::string> parse_network_list(std::string_view text) {
  std::vector<IpNetwork> networks;
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = line.substr(0, line.find('#'));
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = trim_ows(line);
    if (line.empty()) continue;
    std::optional<IpNetwork> network = IpNetwork::parse(line);
    if (!network) return std::unexpected(fmt::format("line {} is no network", number));
    networks.push_back(*network);
  }
  return networks;
}

IpFilterMiddleware::IpFilterMiddleware(const IpFilterConfig& config,
                                       config::Diagnostics& diagnostics)
    : allow_(ranges_of(config.allow, config.allow_files, diagnostics)),
      deny_(ranges_of(config.deny, config.deny_files, diagnostics)),
      allows_some_(config.allows_some()) {}

bool IpFilterMiddleware::lets_in(const Exchange& exchange) const {
  const IpAddress& client = exchange.client_ip();
  bool has_address = client != IpAddress();  // `::` is nobody's
  if (!has_address) return !allows_some_;
  return !deny_.contains(client) && (!allows_some_ || allow_.contains(client));
}

Task<Result<Response>> IpFilterMiddleware::handle(Exchange& exchange, Next next) const {
  return lets_in(exchange) ? next(exchange) : refuse();
}

}  // namespace weir
