#include "cluster/alias.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

namespace weir {

Alias alias_of(std::string_view key, std::string_view cluster, std::string_view endpoint) {
  std::string text = "weir endpoint alias\n";
  text.append(cluster).append("\n").append(endpoint);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  bool made =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size) != nullptr;
  if (!made) std::abort();  // only without memory
  Alias alias;
  std::memcpy(&alias.high, mac, sizeof alias.high);
  std::memcpy(&alias.low, mac + sizeof alias.high, sizeof alias.low);
  return alias;
}

std::string random_alias_key() {
  std::string key(32, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), static_cast<int>(key.size())) != 1) {
    std::abort();  // without randomness there is no secret to keep
  }
  return key;
}

AliasTable::AliasTable(std::span<const std::shared_ptr<Endpoint>> endpoints,
                       std::string_view cluster, std::span<const std::string> keys) {
  for (const std::string& key : keys) {
    for (std::uint32_t i = 0; i < endpoints.size(); ++i) {
      Alias alias = alias_of(key, cluster, endpoints[i]->text);
      if (own_.size() < endpoints.size()) own_.push_back(alias);
      sorted_.emplace_back(alias, i);
    }
  }
  std::ranges::sort(sorted_);
}

std::optional<std::uint32_t> AliasTable::find(const Alias& alias) const {
  auto found =
      std::ranges::lower_bound(sorted_, alias, {}, &std::pair<Alias, std::uint32_t>::first);
  if (found == sorted_.end() || found->first != alias) return std::nullopt;
  return found->second;
}

}  // namespace weir
