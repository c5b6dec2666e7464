#include "http/websocket_handshake.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "http/syntax.h"

namespace weir {
namespace {

std::string_view base64(std::span<const unsigned char> bytes, Arena& arena) {
  std::size_t size = (bytes.size() + 2) / 3 * 4;
  char* text = arena.allocate(size + 1);  // OpenSSL ends it with a NUL
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text), bytes.data(),
                  static_cast<int>(bytes.size()));
  return {text, size};
}

}  // namespace

bool is_websocket(std::string_view upgrade) { return iequals(upgrade, "websocket"); }

// RFC 6455, 4.2.2: not a secret, a proof that the handshake was understood.
std::string_view websocket_accept(std::string_view key, Arena& arena) {
  std::string_view text = arena.concat({key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"});
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return base64(digest, arena);
}

void add_websocket_key(Headers& request, Random& random) {
  std::array<unsigned char, 16> bytes;
  for (std::size_t i = 0; i < bytes.size(); i += sizeof(std::uint64_t)) {
    std::uint64_t word = random.next();
    std::memcpy(bytes.data() + i, &word, sizeof word);
  }
  request.set(HeaderId::sec_websocket_key, base64(bytes, request.arena()));
}

void add_websocket_accept(Headers& response, std::string_view key) {
  response.set(HeaderId::sec_websocket_accept, websocket_accept(key, response.arena()));
}

Status check_websocket_accept(const Headers& response, std::string_view key, Arena& arena) {
  bool one = response.count(HeaderId::sec_websocket_accept) == 1;
  if (one && response.get(HeaderId::sec_websocket_accept) == websocket_accept(key, arena)) {
    return {};
  }
  return fail(ErrorCode::bad_gateway, Origin::upstream, "a wrong Sec-WebSocket-Accept");
}

void remove_websocket_key(Headers& request) { request.remove(HeaderId::sec_websocket_key); }

void remove_websocket_accept(Headers& response) { response.remove(HeaderId::sec_websocket_accept); }

}  // namespace weir
