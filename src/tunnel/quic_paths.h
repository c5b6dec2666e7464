// QuicPaths: which endpoint a QUIC connection is at, by the ID that the endpoint gave it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>

#include "cluster/endpoint.h"

namespace weir {

/// One per listener, for all its workers: a client whose address has changed may come to another
/// one. Asked when a session begins and when an endpoint names its ID, not for each datagram. Has
/// as many entries as there are sessions, at most.
class QuicPaths {
 public:
  /// A session's knowledge of its ID; forgotten with the last session that has it.
  class Hold {
   public:
    Hold() = default;
    Hold(QuicPaths& paths, std::string_view id, std::shared_ptr<Endpoint> endpoint);
    Hold(Hold&& other) noexcept { *this = std::move(other); }
    Hold& operator=(Hold&& other) noexcept;
    ~Hold() { release(); }

    /// Empty: none is known yet.
    std::string_view id() const { return id_; }

   private:
    void release();
    QuicPaths* paths_ = nullptr;
    std::string id_;
  };

  /// Null: it is not known. `id` is a whole ID.
  std::shared_ptr<Endpoint> find(std::string_view id) const;
  /// The same for what begins with an ID whose length is not told.
  std::shared_ptr<Endpoint> find_prefix(std::string_view bytes) const;

 private:
  struct Entry {
    std::shared_ptr<Endpoint> endpoint;
    std::uint32_t holds = 0;
  };
  struct Shard {
    mutable std::mutex mutex;
    absl::flat_hash_map<std::string, Entry> entries;
  };
  Shard& shard_of(std::string_view id);

  std::array<Shard, 16> shards_;
  std::atomic<std::uint32_t> lengths_{0};  // bit n: there were IDs of n bytes
};

}  // namespace weir
