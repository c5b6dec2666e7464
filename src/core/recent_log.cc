#include "core/recent_log.h"

#include <algorithm>

namespace weir {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool contains(std::string_view line, std::string_view text) {
  auto same = [](char a, char b) { return lower(a) == lower(b); };
  return text.empty() || !std::ranges::search(line, text, same).empty();
}

}  // namespace

void RecentLog::add(LogLevel level, std::string json) {
  std::lock_guard lock(mutex_);
  ++last_;
  if (json.size() > kMostBytes) return;
  bytes_ += json.size();
  lines_.push_back({last_, level, std::move(json)});
  while (lines_.size() > kMostLines || bytes_ > kMostBytes) {
    bytes_ -= lines_.front().json.size();
    lines_.pop_front();
  }
}

LogExcerpt RecentLog::find(const LogSearch& search) const {
  std::lock_guard lock(mutex_);
  LogExcerpt found;
  found.last = last_;
  found.forgotten = last_ - lines_.size();
  for (auto line = lines_.rbegin(); line != lines_.rend(); ++line) {
    if (found.lines.size() == search.most || line->number <= search.after) break;
    if (line->level < search.least || !contains(line->json, search.text)) continue;
    found.lines.push_back(line->json);
  }
  std::ranges::reverse(found.lines);
  return found;
}

}  // namespace weir
