#include "ledger.h"

#include <fmt/format.h>

#include <algorithm>

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

void Ledger::check_answer(Story& story, const Head& head, unsigned status) {
  bool ours = !head.has("x-id");
  if (ours && world_.now() - idle_closed < std::chrono::milliseconds(3)) story.excused = true;
  static constexpr unsigned kOurs[] = {408, 502, 503, 504};
  if (ours && std::ranges::count(kOurs, status) == 0) {
    fail(&story, "the proxy answered: " + head.first);
  }
  if (!ours && head.text("x-id") != fmt::to_string(story.id)) {
    fail(&story, "the response of another request: " + head.text("x-id"));
  }
  if (!ours && status != 101 && status != story.status()) {
    fail(&story, "another status than the origin's: " + head.first);
  }
  if (head.has("server")) fail(&story, "Server was passed on");
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
      fail(&story,
           fmt::format("was not answered by an origin although nothing was broken (answer "
                       "{}, begun {}, received {}) {}{}",
                       int(story.answer), story.begun, story.received, story.page, story.why));
    }
  }
}

}  // namespace weir::sim
