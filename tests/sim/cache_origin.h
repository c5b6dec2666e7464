// An origin of the simulation whose answers say what they are, so that a client can tell whether it
// got the right one, and all of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/sim/loop.h"
#include "io/testing.h"
#include "wire.h"

namespace weir::sim {

/// How the origin answers for one object; drawn by the seed.
struct Resource {
  bool personal = false;  // private: made for the user who asks
  bool varies = false;    // by X-User, and public
  bool tagged = false;    // has an ETag, and 304
  bool chunked = false;
  bool large = false;    // above what the cache keeps
  bool cut = false;      // knows Range
  unsigned fresh = 1;    // seconds
  unsigned grace = 0;    // stale-while-revalidate and stale-if-error
  unsigned failing = 0;  // per thousand: answers that end inside the body, or are 503
  std::size_t size = 0;
  unsigned version = 0;

  static Resource drawn(Random& random);
};

/// The body of what is named so; names are those in X-What.
std::string body_of(std::string_view what, std::size_t size);

/// Answers `GET /N` for each of its resources.
class CacheOrigin {
 public:
  CacheOrigin(SimLoop& loop, std::string_view address, std::vector<Resource> resources,
              std::uint64_t seed)
      : loop_(loop),
        service_(loop, loop.network(), address),
        resources_(std::move(resources)),
        random_(seed) {}

  const std::vector<Resource>& resources() const { return resources_; }
  void change(std::size_t index) { ++resources_[index].version; }
  std::size_t asked() const { return asked_; }

  /// Serves until the loop's tasks are stopped.
  Task<void> run();

 private:
  Task<void> serve(std::unique_ptr<Stream> stream);
  Task<bool> answer(Stream& stream, const Head& head);

  SimLoop& loop_;
  test::Service service_;
  std::vector<Resource> resources_;
  Random random_;
  std::size_t asked_ = 0;
};

}  // namespace weir::sim
