// The derivations of TLS 1.3's key schedule (RFC 8446, 7.1).
#pragma once

#include "io/tls/hmac.h"

namespace weir::tls {

enum class Digest : unsigned char { none, sha256, sha384 };

std::size_t bytes_of(Digest digest);

/// HKDF-Expand-Label. `prefix` is "tls13 ", before the label; both have 255 bytes at most together,
/// `data` 255. False if something is longer, if `out` is longer than 255 digests, or without
/// digest.
bool expand_label(Digest digest, Bytes secret, Bytes prefix, Bytes label, Bytes data,
                  std::span<unsigned char> out);

/// HKDF-Extract of `input` (empty: as many zeros as the digest has bytes). The salt is what the
/// secret before, if there is one, gives for `label` over no messages; `out` has the digest's size.
bool next_secret(Digest digest, const Bytes* secret, Bytes prefix, Bytes label, Bytes input,
                 std::span<unsigned char> out);

}  // namespace weir::tls
