#include "wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/slice.h"

namespace weir::sim {

const std::string* Head::get(std::string_view name) const {
  for (const auto& [each, value] : fields) {
    if (each == name) return &value;
  }
  return nullptr;
}

std::size_t Head::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(fields, [&](const auto& each) { return each.first == name; }));
}

std::uint64_t Head::id_in(std::string_view line) {
  std::size_t first = line.find(" /");
  std::size_t second = first == line.npos ? line.npos : line.find('/', first + 2);
  std::size_t end = second == line.npos ? line.npos : line.find(' ', second);
  if (end == line.npos) return 0;
  std::uint64_t id = 0;
  std::from_chars(line.data() + second + 1, line.data() + end, id);
  return id;
}

Task<bool> Wire::more(StopToken stop) {
  if (end_ != ErrorCode::none) co_return false;
  if (total_ >= limit) {
    end_ = ErrorCode::cancelled;
    co_return false;
  }
  Result<Slice> got = co_await stream_.read(stop);
  if (!got) {
    end_ = got.error().code;
    co_return false;
  }
  bytes_.erase(0, at_);
  at_ = 0;
  bytes_ += got->view();
  total_ += got->size();
  co_return true;
}

Task<bool> Wire::line(std::string& out) {
  std::size_t found;
  while ((found = waiting().find("\r\n")) == std::string_view::npos) {
    bool came = co_await more();
    if (!came) co_return false;
  }
  out = waiting().substr(0, found);
  at_ += found + 2;
  co_return true;
}

Task<bool> Wire::head(Head& head) {
  bool good = co_await line(head.first);
  std::string text;
  while (good) {
    good = co_await line(text);
    if (!good || text.empty()) break;
    std::size_t colon = text.find(": ");
    if (colon == text.npos || text.find_first_of("\r\n") != text.npos) head.malformed = true;
    std::string name = text.substr(0, colon);
    std::ranges::transform(name, name.begin(), [](char c) { return c | 0x20; });
    head.fields.emplace_back(name, colon == text.npos ? "" : text.substr(colon + 2));
  }
  if (head.first.find_first_of("\r\n") != std::string::npos) head.malformed = true;
  co_return good;
}

void Wire::take(Content& content, std::string_view piece) {
  if (!content.compare) {
    content.expected += piece;
  } else if (std::string_view(content.expected)
                 .substr(std::min(content.received, content.expected.size()), piece.size()) !=
             piece) {
    content.wrong = true;
  }
  content.received += piece.size();
}

Task<bool> Wire::counted(Content& content, std::size_t size) {
  while (size > 0) {
    if (waiting().empty()) {
      bool came = co_await more();
      if (!came) co_return false;
    }
    std::string_view piece = waiting().substr(0, size);
    size -= piece.size();
    take(content, piece);
    at_ += piece.size();
  }
  co_return true;
}

Task<bool> Wire::chunks(Content& content) {
  std::string text;
  while (true) {
    bool good = co_await line(text);
    if (!good) co_return false;
    std::size_t size = 0;
    auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), size, 16);
    if (error != std::errc() || rest != text.data() + text.size()) {
      content.malformed = true;
      co_return false;
    }
    if (size == 0) break;
    good = co_await counted(content, size);
    if (good) good = co_await line(text);
    if (!good) co_return false;
    if (!text.empty()) {
      content.malformed = true;
      co_return false;
    }
  }
  content.trailers.first = "trailers";
  while (true) {
    bool good = co_await line(text);
    if (!good) co_return false;
    if (text.empty()) co_return true;
    std::size_t colon = std::min(text.find(": "), text.size());
    content.trailers.fields.emplace_back(text.substr(0, colon), text.substr(colon));
  }
}

Task<void> Wire::content(Content& content) {
  switch (content.kind) {
    case Content::Kind::none: content.whole = true; break;
    case Content::Kind::length: content.whole = co_await counted(content, content.length); break;
    case Content::Kind::chunked: content.whole = co_await chunks(content); break;
    case Content::Kind::until_close:
      while (end_ == ErrorCode::none) {
        take(content, waiting());
        at_ = bytes_.size();
        (void)co_await more();
      }
      content.whole = end_ == ErrorCode::end_of_stream;
      break;
  }
}

Task<bool> write_paced(Stream& stream, std::string_view text, Pace pace, std::size_t& written,
                       StopToken stop) {
  Loop& loop = stream.loop();
  std::uint64_t pieces = pace.pieces;
  while (!text.empty()) {
    std::size_t size = text.size();
    if (pieces > 1) size = 1 + loop.random().below(size);
    if (pieces > 1) --pieces;
    size = std::min(size, pace.limit - std::min(pace.limit, written));
    if (size == 0) co_return false;
    Slice slice = copy_slice(text.substr(0, size));
    Status sent = co_await stream.write({&slice, 1}, stop);
    if (!sent) co_return false;
    written += size;
    text.remove_prefix(size);
    if (pace.pause <= Duration::zero() || text.empty()) continue;
    Duration pause(loop.random().below(static_cast<std::uint64_t>(pace.pause.count())));
    (void)co_await loop.sleep_for(pause, stop);
  }
  co_return true;
}

std::string in_chunks(std::string_view bytes, Random& random, std::string_view trailer) {
  std::string text;
  while (!bytes.empty()) {
    std::size_t size = 1 + random.below(bytes.size());
    text += fmt::format("{:x}\r\n", size);
    text += bytes.substr(0, size);
    text += "\r\n";
    bytes.remove_prefix(size);
  }
  return text + "0\r\n" + std::string(trailer) + "\r\n";
}

}  // namespace weir::sim
