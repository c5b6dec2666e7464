// What an engine needs only until its handshake is over, and what both its halves share.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "core/recycle.h"
#include "io/tls/certificates.h"
#include "io/tls/engine.h"

namespace weir {

struct TlsEngine::Handshake : Recycled<TlsEngine::Handshake> {
  explicit Handshake(Slots& slots) : worker(slots) {}

  Slots& worker;
  std::string server_name;
  SslSessionPtr offered;                      // by a client, for resumption
  const CertificateChoice* choice = nullptr;  // within one step only
  std::string early;                          // came early and is not read yet
  bool expects_early = false;
};

/// Until the connection ends: tickets may come at any time.
struct TlsEngine::ClientSide : Recycled<TlsEngine::ClientSide> {
  ClientSide(std::shared_ptr<const TlsClientProfile> used, std::string to, Slots& slots)
      : profile(std::move(used)), name(std::move(to)), worker(slots) {}

  std::shared_ptr<const TlsClientProfile> profile;
  std::string name;
  Slots& worker;
};

class TlsEngine::Lending {
 public:
  Lending(TlsEngine& engine, bool bulk) : engine_(engine), bulk_(bulk) { engine.lending_ = this; }
  ~Lending() {
    (void)settle();
    engine_.lending_ = nullptr;
  }
  Lending(const Lending&) = delete;
  Lending& operator=(const Lending&) = delete;

  bool put(std::string_view bytes) {
    while (!bytes.empty()) {
      if (used_ == space_.size) {
        if (!settle()) return false;
        space_ = engine_.buffers_.lend(bulk_);
      }
      std::size_t count = std::min(bytes.size(), space_.size - used_);
      std::memcpy(space_.data + used_, bytes.data(), count);
      used_ += count;
      bytes.remove_prefix(count);
    }
    return true;
  }

 private:
  bool settle() {
    if (used_ == 0) return true;
    Slice slice = engine_.buffers_.commit(space_, std::exchange(used_, 0));
    space_ = {};
    return engine_.add_output(std::move(slice));
  }

  TlsEngine& engine_;
  BufferPool::Loan space_{};
  std::size_t used_ = 0;
  bool bulk_;
};

}  // namespace weir
