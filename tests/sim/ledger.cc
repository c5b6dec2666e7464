#include "ledger.h"

#include <fmt/format.h>

namespace weir::sim {

unsigned Story::status() const {
  switch (id % 11) {
    case 3: return 204;
    case 5: return 304;
    case 7: return 404;
    default: return 200;
  }
}

Story* Ledger::find(std::uint64_t id) {
  auto found = stories_.find(id);
  return found != stories_.end() ? &found->second : nullptr;
}

void Ledger::fail(const Story* story, std::string_view what) {
  ADD_FAILURE() << "seed " << world_.seed() << ", "
                << (story != nullptr ? story->method + " " + story->path : "no request") << ", at "
                << std::chrono::duration<double, std::micro>(world_.now().time_since_epoch() -
                                                             std::chrono::hours(1))
                       .count()
                << " us: " << what;
}

void Ledger::check_ends() {
  for (auto& [id, story] : stories_) {
    if (story.ended > 1) fail(&story, "its exchange ended more than once");
    if (story.received > 0 && story.ended != 1) fail(&story, "its exchange never ended");
    if (story.method == "POST" && story.received > 1) {
      fail(&story, "reached origins more than once");
    }
    bool answered = story.answer == Answer::origin || story.answer == Answer::error;
    if (answered && story.begun == 0) fail(&story, "was answered before it was sent");
    if (story.answer == Answer::origin && story.received == 0) fail(&story, "nobody answered it");
    bool excused = story.excused || (closes && story.answer == Answer::none);
    if (calm && story.answer != Answer::origin && !excused) {
      fail(&story, fmt::format("was not answered by an origin although nothing was broken (answer "
                               "{}, begun {}, received {})",
                               int(story.answer), story.begun, story.received));
    }
  }
}

}  // namespace weir::sim
