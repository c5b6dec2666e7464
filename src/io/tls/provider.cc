// With OpenSSL 3.0 a derivation of 32 bytes takes about 10 us of lookups, allocations and copies of
// digest states around 0.3 us of SHA-256, and a handshake makes a dozen of them.
#include "io/tls/provider.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include <cstring>
#include <new>
#include <string_view>

#include "io/tls/key_schedule.h"

namespace weir {
namespace {

using tls::Bytes;
using tls::Digest;

template <class Function>
auto entry(int id, Function function) {
  return OSSL_DISPATCH{id, reinterpret_cast<void (*)()>(function)};
}

Bytes bytes_in(const OSSL_PARAM* param) {
  if (param == nullptr || param->data_type != OSSL_PARAM_OCTET_STRING) return {};
  return {static_cast<const unsigned char*>(param->data), param->data_size};
}

// SHA-256 and SHA-384 are all that suites of TLS 1.3 and our tickets use.
Digest digest_in(const OSSL_PARAM* param) {
  const char* name = nullptr;
  if (param == nullptr || OSSL_PARAM_get_utf8_string_ptr(param, &name) != 1) {
    if (param == nullptr || param->data_type != OSSL_PARAM_UTF8_STRING) return Digest::none;
    name = static_cast<const char*>(param->data);
  }
  for (const char* known : {"SHA2-256", "SHA256"}) {
    if (std::strcmp(name, known) == 0) return Digest::sha256;
  }
  for (const char* known : {"SHA2-384", "SHA384"}) {
    if (std::strcmp(name, known) == 0) return Digest::sha384;
  }
  return Digest::none;
}

// ---- TLS13-KDF: all of its input comes with the call that derives, so there is no state

void* kdf_make(void*) {
  static char no_state;
  return &no_state;
}
void kdf_free(void*) {}
// Refused rather than forgotten.
int kdf_set(void*, const OSSL_PARAM params[]) {
  return params == nullptr || params->key == nullptr ? 1 : 0;
}

int kdf_derive(void*, unsigned char* out, std::size_t size, const OSSL_PARAM params[]) {
  int mode = -1;
  Digest digest = Digest::none;
  Bytes key, salt, prefix, label, data;
  bool salted = false;
  for (const OSSL_PARAM* param = params; param != nullptr && param->key != nullptr; ++param) {
    const std::string_view name = param->key;
    if (name == OSSL_KDF_PARAM_MODE) {
      if (OSSL_PARAM_get_int(param, &mode) != 1) return 0;
    } else if (name == OSSL_KDF_PARAM_DIGEST) {
      digest = digest_in(param);
    } else if (name == OSSL_KDF_PARAM_KEY) {
      key = bytes_in(param);
    } else if (name == OSSL_KDF_PARAM_SALT) {
      salt = bytes_in(param);
      salted = true;
    } else if (name == OSSL_KDF_PARAM_PREFIX) {
      prefix = bytes_in(param);
    } else if (name == OSSL_KDF_PARAM_LABEL) {
      label = bytes_in(param);
    } else if (name == OSSL_KDF_PARAM_DATA) {
      data = bytes_in(param);
    }
  }
  const std::span<unsigned char> result(out, size);
  bool done = false;
  if (mode == EVP_KDF_HKDF_MODE_EXPAND_ONLY) {
    done = tls::expand_label(digest, key, prefix, label, data, result);
  } else if (mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY) {
    done = tls::next_secret(digest, salted ? &salt : nullptr, prefix, label, key, result);
  }
  return done ? 1 : 0;
}

// ---- HMAC

class Mac {
 public:
  bool set(const OSSL_PARAM params[]) {
    for (const OSSL_PARAM* param = params; param != nullptr && param->key != nullptr; ++param) {
      if (std::strcmp(param->key, OSSL_MAC_PARAM_DIGEST) != 0) continue;
      digest_ = digest_in(param);
      if (digest_ == Digest::none) return false;
    }
    const OSSL_PARAM* key = OSSL_PARAM_locate_const(params, OSSL_MAC_PARAM_KEY);
    return key == nullptr || start(bytes_in(key));
  }
  bool start(Bytes key) {
    if (digest_ == Digest::none) return false;
    if (digest_ == Digest::sha256) {
      state_.emplace<tls::HmacOf<tls::Sha256>>(key);
    } else {
      state_.emplace<tls::HmacOf<tls::Sha384>>(key);
    }
    return true;
  }
  bool restart() {
    return with_state([](auto& hmac) { hmac.restart(); });
  }
  bool add(Bytes data) {
    return with_state([data](auto& hmac) { hmac.add(data); });
  }
  bool finish(unsigned char* out) {
    return with_state([out](auto& hmac) { hmac.finish(out); });
  }
  std::size_t size() const { return tls::bytes_of(digest_); }

 private:
  template <class Action>
  bool with_state(Action action) {
    if (auto* sha256 = std::get_if<tls::HmacOf<tls::Sha256>>(&state_)) return action(*sha256), true;
    if (auto* sha384 = std::get_if<tls::HmacOf<tls::Sha384>>(&state_)) return action(*sha384), true;
    return false;  // no key yet
  }

  Digest digest_ = Digest::none;
  std::variant<std::monostate, tls::HmacOf<tls::Sha256>, tls::HmacOf<tls::Sha384>> state_;
};

Mac& mac_of(void* state) { return *static_cast<Mac*>(state); }

void* mac_make(void*) { return new (std::nothrow) Mac; }
void mac_free(void* state) { delete static_cast<Mac*>(state); }
void* mac_copy(void* state) { return new (std::nothrow) Mac(mac_of(state)); }

int mac_start(void* state, const unsigned char* key, std::size_t size, const OSSL_PARAM params[]) {
  if (!mac_of(state).set(params)) return 0;
  return (key != nullptr ? mac_of(state).start({key, size}) : mac_of(state).restart()) ? 1 : 0;
}

int mac_add(void* state, const unsigned char* data, std::size_t size) {
  return mac_of(state).add({data, size}) ? 1 : 0;
}

int mac_finish(void* state, unsigned char* out, std::size_t* size, std::size_t room) {
  if (room < mac_of(state).size() || !mac_of(state).finish(out)) return 0;
  *size = mac_of(state).size();
  return 1;
}

int mac_set(void* state, const OSSL_PARAM params[]) { return mac_of(state).set(params) ? 1 : 0; }

int mac_get(void* state, OSSL_PARAM params[]) {
  OSSL_PARAM* size = OSSL_PARAM_locate(params, OSSL_MAC_PARAM_SIZE);
  return size == nullptr ? 1 : OSSL_PARAM_set_size_t(size, mac_of(state).size());
}

const OSSL_PARAM* mac_settable(void*, void*) {
  static const OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, nullptr, 0),
                                      OSSL_PARAM_octet_string(OSSL_MAC_PARAM_KEY, nullptr, 0),
                                      OSSL_PARAM_END};
  return params;
}

const OSSL_PARAM* mac_gettable(void*, void*) {
  static const OSSL_PARAM params[] = {OSSL_PARAM_size_t(OSSL_MAC_PARAM_SIZE, nullptr),
                                      OSSL_PARAM_END};
  return params;
}

// ---- The provider

const OSSL_ALGORITHM* algorithms(void*, int operation, int* do_not_store) {
  static const OSSL_DISPATCH kdf[] = {
      entry(OSSL_FUNC_KDF_NEWCTX, &kdf_make), entry(OSSL_FUNC_KDF_FREECTX, &kdf_free),
      entry(OSSL_FUNC_KDF_DERIVE, &kdf_derive), entry(OSSL_FUNC_KDF_SET_CTX_PARAMS, &kdf_set),
      OSSL_DISPATCH{0, nullptr}};
  static const OSSL_DISPATCH mac[] = {entry(OSSL_FUNC_MAC_NEWCTX, &mac_make),
                                      entry(OSSL_FUNC_MAC_FREECTX, &mac_free),
                                      entry(OSSL_FUNC_MAC_DUPCTX, &mac_copy),
                                      entry(OSSL_FUNC_MAC_INIT, &mac_start),
                                      entry(OSSL_FUNC_MAC_UPDATE, &mac_add),
                                      entry(OSSL_FUNC_MAC_FINAL, &mac_finish),
                                      entry(OSSL_FUNC_MAC_SET_CTX_PARAMS, &mac_set),
                                      entry(OSSL_FUNC_MAC_GET_CTX_PARAMS, &mac_get),
                                      entry(OSSL_FUNC_MAC_SETTABLE_CTX_PARAMS, &mac_settable),
                                      entry(OSSL_FUNC_MAC_GETTABLE_CTX_PARAMS, &mac_gettable),
                                      OSSL_DISPATCH{0, nullptr}};
  static const OSSL_ALGORITHM kdfs[] = {
      {OSSL_KDF_NAME_TLS1_3_KDF, "provider=weir", kdf, "the key schedule of TLS 1.3"}, {}};
  static const OSSL_ALGORITHM macs[] = {{"HMAC", "provider=weir", mac, "with SHA-256 or SHA-384"},
                                        {}};
  *do_not_store = 0;
  if (operation == OSSL_OP_KDF) return kdfs;
  return operation == OSSL_OP_MAC ? macs : nullptr;
}

int start(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH*, const OSSL_DISPATCH** ours,
          void** state) {
  static const OSSL_DISPATCH functions[] = {entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, &algorithms),
                                            OSSL_DISPATCH{0, nullptr}};
  *ours = functions;
  *state = const_cast<OSSL_CORE_HANDLE*>(handle);  // we need none, but OpenSSL wants to see one
  return 1;
}

}  // namespace

void load_tls_provider() {
  // For the life of the process. First OpenSSL's own, which stays what everybody else gets: to load
  // another one without it would leave it out.
  static OSSL_PROVIDER* const theirs = OSSL_PROVIDER_load(nullptr, "default");
  if (theirs == nullptr || OSSL_PROVIDER_add_builtin(nullptr, "weir", &start) != 1) return;
  static OSSL_PROVIDER* const ours = OSSL_PROVIDER_load(nullptr, "weir");
  (void)ours;
}

}  // namespace weir
