#include "io/tls/ticket_keys.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstdlib>

namespace weir {
namespace {

constexpr std::size_t kKeyBytes = 80;

TicketKey random_key() {
  start_openssl();
  TicketKey key;
  bool made = RAND_bytes(key.name.data(), key.name.size()) == 1 &&
              RAND_priv_bytes(key.hmac.data(), key.hmac.size()) == 1 &&
              RAND_priv_bytes(key.aes.data(), key.aes.size()) == 1;
  if (!made) std::abort();  // without randomness there is no secret to keep
  return key;
}

TicketKey parse_key(std::string_view bytes) {
  TicketKey key;
  auto take = [&bytes](auto& part) {
    std::copy_n(bytes.begin(), part.size(), reinterpret_cast<char*>(part.data()));
    bytes.remove_prefix(part.size());
  };
  take(key.name);
  take(key.hmac);
  take(key.aes);
  return key;
}

std::expected<std::vector<TicketKey>, std::string> parse_keys(std::string_view bytes) {
  if (bytes.empty() || bytes.size() % kKeyBytes != 0) {
    return std::unexpected("its size is not a multiple of 80 bytes");
  }
  if (bytes.size() / kKeyBytes > TicketKeys::kMaxKeys) return std::unexpected("more than 16 keys");
  std::vector<TicketKey> keys;
  for (; !bytes.empty(); bytes.remove_prefix(kKeyBytes)) {
    TicketKey key = parse_key(bytes);
    auto zero = [](const auto& part) {
      return std::ranges::all_of(part, [](unsigned char byte) { return byte == 0; });
    };
    if (zero(key.name) || zero(key.hmac) || zero(key.aes)) {
      return std::unexpected("a key of zeros");
    }
    if (std::ranges::find(keys, key.name, &TicketKey::name) != keys.end()) {
      return std::unexpected("the same key name twice");
    }
    keys.push_back(key);
  }
  return keys;
}

}  // namespace

TicketKeySet::~TicketKeySet() { OPENSSL_cleanse(keys.data(), keys.size() * sizeof(TicketKey)); }

TicketKeys::TicketKeys() { rotate(); }

std::expected<std::shared_ptr<TicketKeys>, TlsProblem> TicketKeys::from_file(std::string path) {
  std::shared_ptr<TicketKeys> made(new TicketKeys(std::move(path)));
  std::expected<bool, TlsProblem> read = made->refresh();
  if (!read) return std::unexpected(read.error());
  return made;
}

void TicketKeys::publish(std::vector<TicketKey> keys) {
  auto set = std::make_shared<TicketKeySet>();
  set->keys = std::move(keys);
  keys_.publish(std::move(set));
}

void TicketKeys::rotate() {
  if (shared()) return;
  std::lock_guard lock(mutex_);
  std::vector<TicketKey> keys{random_key()};
  if (std::shared_ptr<const TicketKeySet> old = keys_.shared()) {
    std::size_t kept = std::min(old->keys.size(), kKeptRandom - 1);
    keys.insert(keys.end(), old->keys.begin(), old->keys.begin() + static_cast<long>(kept));
  }
  publish(std::move(keys));
}

std::expected<bool, TlsProblem> TicketKeys::refresh() {
  if (!shared()) return false;
  std::lock_guard lock(mutex_);
  FileStamp now = stamp_of(path_);
  if (now == seen_ && keys_.shared() != nullptr) return false;
  auto problem = [&](std::string reason) {
    seen_ = now;  // told once
    return std::unexpected(TlsProblem{path_, std::move(reason)});
  };
  if ((now.mode & 07) != 0) return problem("others may read it; its mode must be 0600 or 0640");
  std::expected<std::string, std::string> bytes = read_small_file(path_);
  if (!bytes) return problem(bytes.error());
  std::expected<std::vector<TicketKey>, std::string> keys = parse_keys(*bytes);
  OPENSSL_cleanse(bytes->data(), bytes->size());
  if (!keys) return problem(keys.error());
  seen_ = now;
  publish(std::move(*keys));
  return true;
}

}  // namespace weir
