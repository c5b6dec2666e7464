// An endpoint of the simulation that falls ill and gets well again, as the seed wills.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "io/sim/loop.h"
#include "io/testing.h"

namespace weir::sim {

enum class Mood : std::uint8_t {
  well,
  slow,     // answers, but takes its time
  sick,     // 503 to everything
  lying,    // 503 to requests, while its health check says that all is well
  hanging,  // takes requests and says nothing
  down,     // connections are refused, and end at the next request
};
inline constexpr int kMoods = 6;

/// Answers `GET /health` and requests for `/ID`; counts how often it got each ID.
class MoodyOrigin {
 public:
  MoodyOrigin(SimLoop& loop, std::string_view address)
      : loop_(loop), service_(loop, loop.network(), address) {}

  void turn(Mood mood);
  Mood mood() const { return mood_; }
  const std::map<std::string, unsigned>& received() const { return received_; }

  /// Serves until the loop's tasks are stopped.
  Task<void> run();

 private:
  Task<void> serve(std::unique_ptr<Stream> stream);
  Task<bool> answer(Stream& stream, std::string_view path);

  SimLoop& loop_;
  test::Service service_;
  Mood mood_ = Mood::well;
  std::map<std::string, unsigned> received_;
};

}  // namespace weir::sim
