#include "io/tls/provider.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "io/tls/openssl.h"

namespace weir {
namespace {

using Blob = std::vector<unsigned char>;

// Inputs that are the same in every run.
class Inputs {
 public:
  Blob blob(std::size_t size) {
    Blob bytes(size);
    for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(next_());
    return bytes;
  }
  std::size_t below(std::size_t limit) { return next_() % limit; }

 private:
  std::mt19937 next_{7};
};

OSSL_PARAM octets(const char* name, const Blob& bytes) {
  static unsigned char nothing;
  auto* data = bytes.empty() ? &nothing : const_cast<unsigned char*>(bytes.data());
  return OSSL_PARAM_construct_octet_string(name, data, bytes.size());
}

OSSL_PARAM text(const char* name, std::string_view value) {
  return OSSL_PARAM_construct_utf8_string(name, const_cast<char*>(value.data()), 0);
}

struct Derivation {
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  const char* digest = "SHA2-256";
  std::vector<std::pair<const char*, Blob>> inputs;
  std::size_t size = 32;
};

// Empty if the provider refuses.
Blob derived(const char* provider, const Derivation& what) {
  EVP_KDF* kdf = EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_3_KDF, provider);
  EVP_KDF_CTX* state = EVP_KDF_CTX_new(kdf);
  EVP_KDF_free(kdf);
  int mode = what.mode;
  std::vector<OSSL_PARAM> params{OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
                                 text(OSSL_KDF_PARAM_DIGEST, what.digest)};
  for (const auto& [name, bytes] : what.inputs) params.push_back(octets(name, bytes));
  params.push_back(OSSL_PARAM_construct_end());
  Blob out(what.size);
  if (EVP_KDF_derive(state, out.data(), out.size(), params.data()) != 1) out.clear();
  EVP_KDF_CTX_free(state);
  take_openssl_error();
  return out;
}

void expect_same(const Derivation& what) {
  Blob theirs = derived("provider=default", what);
  EXPECT_FALSE(theirs.empty());
  EXPECT_EQ(derived("provider=weir", what), theirs);
}

const Blob kPrefix{'t', 'l', 's', '1', '3', ' '};

class TlsProvider : public ::testing::Test {
 protected:
  TlsProvider() { start_openssl(); }
  Inputs inputs_;
};

TEST_F(TlsProvider, expands_labels_as_openssl_does) {
  for (int round = 0; round < 300; ++round) {
    bool large = round % 2 == 1;
    std::size_t digest = large ? 48 : 32;
    Derivation what{.digest = large ? "SHA2-384" : "SHA2-256",
                    .inputs = {{OSSL_KDF_PARAM_KEY, inputs_.blob(digest)},
                               {OSSL_KDF_PARAM_PREFIX, kPrefix},
                               {OSSL_KDF_PARAM_LABEL, inputs_.blob(1 + inputs_.below(240))}},
                    .size = 1 + inputs_.below(300)};
    if (round % 3 != 0) {
      what.inputs.emplace_back(OSSL_KDF_PARAM_DATA, inputs_.blob(1 + inputs_.below(255)));
    }
    expect_same(what);
  }
}

TEST_F(TlsProvider, makes_the_next_secret_as_openssl_does) {
  for (int round = 0; round < 100; ++round) {
    bool large = round % 2 == 1;
    std::size_t digest = large ? 48 : 32;
    Derivation what{.mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY,
                    .digest = large ? "SHA2-384" : "SHA2-256",
                    .inputs = {{OSSL_KDF_PARAM_PREFIX, kPrefix},
                               {OSSL_KDF_PARAM_LABEL, {'d', 'e', 'r', 'i', 'v', 'e', 'd'}}},
                    .size = digest};
    if (round % 3 != 0) what.inputs.emplace_back(OSSL_KDF_PARAM_SALT, inputs_.blob(digest));
    if (round % 5 != 0) {
      what.inputs.emplace_back(OSSL_KDF_PARAM_KEY, inputs_.blob(1 + inputs_.below(1024)));
    }
    expect_same(what);
  }
}

TEST_F(TlsProvider, refuses_what_it_does_not_know) {
  auto with = [&](std::size_t label, std::size_t data, std::size_t size) {
    return Derivation{.inputs = {{OSSL_KDF_PARAM_KEY, inputs_.blob(32)},
                                 {OSSL_KDF_PARAM_PREFIX, kPrefix},
                                 {OSSL_KDF_PARAM_LABEL, inputs_.blob(label)},
                                 {OSSL_KDF_PARAM_DATA, inputs_.blob(data)}},
                      .size = size};
  };
  EXPECT_EQ(derived("provider=weir", with(249, 255, 255 * 32)).size(), 255u * 32u);
  EXPECT_TRUE(derived("provider=weir", with(250, 32, 32)).empty());
  EXPECT_TRUE(derived("provider=weir", with(8, 256, 32)).empty());
  EXPECT_TRUE(derived("provider=weir", with(8, 32, 255 * 32 + 1)).empty());
  Derivation other = with(8, 32, 20);
  other.digest = "SHA1";
  EXPECT_TRUE(derived("provider=weir", other).empty());
  other = with(8, 32, 32);
  other.mode = EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND;
  EXPECT_TRUE(derived("provider=weir", other).empty());
  other.mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
  other.size = 31;
  EXPECT_TRUE(derived("provider=weir", other).empty());
}

struct MacFree {
  void operator()(EVP_MAC_CTX* state) const { EVP_MAC_CTX_free(state); }
};
using MacState = std::unique_ptr<EVP_MAC_CTX, MacFree>;

MacState mac_of(const char* provider) {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", provider);
  MacState state(EVP_MAC_CTX_new(mac));
  EVP_MAC_free(mac);
  return state;
}

Blob finished(EVP_MAC_CTX* state, const Blob& message, std::size_t piece) {
  for (std::size_t at = 0; at < message.size(); at += piece) {
    EXPECT_EQ(EVP_MAC_update(state, message.data() + at, std::min(piece, message.size() - at)), 1);
  }
  Blob out(64);
  std::size_t size = 0;
  EXPECT_EQ(EVP_MAC_final(state, out.data(), &size, out.size()), 1);
  out.resize(size);
  return out;
}

TEST_F(TlsProvider, makes_hmacs_as_openssl_does) {
  for (int round = 0; round < 200; ++round) {
    Blob key = inputs_.blob(1 + inputs_.below(200)), message = inputs_.blob(inputs_.below(500));
    std::size_t piece = 1 + inputs_.below(100);
    OSSL_PARAM params[] = {text(OSSL_MAC_PARAM_DIGEST, round % 2 == 0 ? "SHA256" : "SHA384"),
                           OSSL_PARAM_construct_end()};
    std::vector<Blob> both;
    for (const char* provider : {"provider=default", "provider=weir"}) {
      MacState state = mac_of(provider);
      ASSERT_EQ(EVP_MAC_init(state.get(), key.data(), key.size(), params), 1);
      both.push_back(finished(state.get(), message, piece));
    }
    EXPECT_EQ(both[0], both[1]);
  }
}

TEST_F(TlsProvider, makes_several_hmacs_with_one_key) {
  Blob key = inputs_.blob(32), message = inputs_.blob(100);
  OSSL_PARAM params[] = {text(OSSL_MAC_PARAM_DIGEST, "SHA256"), octets(OSSL_MAC_PARAM_KEY, key),
                         OSSL_PARAM_construct_end()};
  MacState state = mac_of("provider=weir");
  ASSERT_EQ(EVP_MAC_CTX_set_params(state.get(), params), 1);
  EXPECT_EQ(EVP_MAC_CTX_get_mac_size(state.get()), 32u);
  Blob first = finished(state.get(), message, 7);
  ASSERT_EQ(EVP_MAC_init(state.get(), nullptr, 0, nullptr), 1);
  ASSERT_EQ(EVP_MAC_update(state.get(), message.data(), 60), 1);
  MacState copy(EVP_MAC_CTX_dup(state.get()));
  Blob rest(message.begin() + 60, message.end());
  EXPECT_EQ(finished(state.get(), rest, 100), first);
  EXPECT_EQ(finished(copy.get(), rest, 3), first);
}

TEST_F(TlsProvider, refuses_an_hmac_without_a_key_or_with_another_digest) {
  MacState state = mac_of("provider=weir");
  unsigned char byte = 1;
  EXPECT_NE(EVP_MAC_init(state.get(), &byte, 1, nullptr), 1);
  EXPECT_NE(EVP_MAC_update(state.get(), &byte, 1), 1);
  OSSL_PARAM params[] = {text(OSSL_MAC_PARAM_DIGEST, "SHA1"), OSSL_PARAM_construct_end()};
  EXPECT_NE(EVP_MAC_init(state.get(), &byte, 1, params), 1);
  take_openssl_error();
}

std::string hmac_comes_from(const char* properties) {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", properties);
  std::string name = OSSL_PROVIDER_get0_name(EVP_MAC_get0_provider(mac));
  EVP_MAC_free(mac);
  return name;
}

TEST_F(TlsProvider, serves_only_who_asks_for_it) {
  EXPECT_EQ(hmac_comes_from(kTlsAlgorithms), "weir");
  EXPECT_EQ(hmac_comes_from(nullptr), "default");
  EVP_MD* digest = EVP_MD_fetch(nullptr, "SHA256", kTlsAlgorithms);
  EXPECT_NE(digest, nullptr);
  EVP_MD_free(digest);
}

}  // namespace
}  // namespace weir
