#include "handler/static_files/file_response.h"

#include <array>

#include <fmt/format.h>

#include "handler/static_files/file_body.h"
#include "http/error_response.h"
#include "http/preconditions.h"
#include "http/ranges.h"

namespace weir {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;

// The coding that the client likes best, of the file itself and those beside it.
const OpenFileRef& choose_variant(const Exchange& exchange, const OpenFileRef& file) {
  std::array<Coding, kCodings> offered;
  std::size_t count = 0;
  for (const OpenFileRef& each : file->variants) {
    if (count < offered.size()) offered[count++] = each->coding();
  }
  Coding chosen =
      AcceptedCodings(exchange.request().headers).choose(std::span(offered.data(), count));
  for (const OpenFileRef& each : file->variants) {
    if (each->coding() == chosen) return each;
  }
  return file;
}

std::string_view content_range(Arena& arena, const ByteRange& part, std::uint64_t length) {
  std::array<char, 80> text;
  auto end = fmt::format_to(text.data(), "bytes {}-{}/{}", part.first, part.last(), length);
  return arena.copy({text.data(), static_cast<std::size_t>(end - text.data())});
}

// What is said of the file is copied: a log reads it at the end, when the file may be gone.
class FileResponse {
 public:
  FileResponse(Exchange& exchange, const OpenFileRef& file, bool varies)
      : exchange_(exchange), arena_(exchange.arena()), file_(file), varies_(varies) {
    now_ = exchange.loop().wall_now() / kNanoseconds;
    validators_.etag = file->etag();
    // RFC 9110, 8.8.2.1: a time that is still to come is no time of the last modification.
    if (file->modified() <= now_) validators_.modified = file->modified();
  }

  Response make() {
    switch (check_preconditions(exchange_.request(), validators_, now_)) {
      case Precondition::failed:
        return error_response(exchange_, 412, "precondition_failed",
                              "The file is not the one that was expected.");
      case Precondition::not_modified: return not_modified();
      case Precondition::holds: break;
    }
    if (!range_wanted(exchange_.request(), validators_, now_)) return whole();
    ByteRanges ranges;
    switch (ranges.parse(exchange_.request().headers.get(HeaderId::range), file_->size())) {
      case RangeAnswer::whole: return whole();
      case RangeAnswer::unsatisfiable: return unsatisfiable();
      case RangeAnswer::parts: break;
    }
    return ranges.parts().size() == 1 ? part(ranges.parts().front()) : parts(ranges.parts());
  }

 private:
  // RFC 9110, 15.4.5: what a cache needs to know, and no more.
  Response not_modified() const {
    Response response(arena_);
    response.status = 304;
    describe(response);
    return response;
  }

  Response whole() {
    Response response(arena_);
    if (!file_->type.empty()) response.headers.add(HeaderId::content_type, file_->type);
    describe_content(response);
    response.body = body_of({arena_.make<FilePart>("", 0, file_->size()), 1});
    return response;
  }

  Response part(const ByteRange& range) {
    Response response(arena_);
    response.status = 206;
    if (!file_->type.empty()) response.headers.add(HeaderId::content_type, file_->type);
    response.headers.add(HeaderId::content_range, content_range(arena_, range, file_->size()));
    describe_content(response);
    response.body = body_of({arena_.make<FilePart>("", range.first, range.size), 1});
    return response;
  }

  // RFC 9110, 14.6. The boundary is 16 random hex digits, which no file was made to hold.
  Response parts(std::span<const ByteRange> ranges) {
    std::string_view boundary =
        arena_.copy(fmt::format("{:016x}", exchange_.loop().random().next()));
    auto* made = arena_.make_array<FilePart>(ranges.size() + 1);
    std::string_view type = file_->type;
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      std::string_view head = arena_.concat(
          {i == 0 ? "--" : "\r\n--", boundary, type.empty() ? "" : "\r\nContent-Type: ", type,
           "\r\nContent-Range: ", content_range(arena_, ranges[i], file_->size()), "\r\n\r\n"});
      new (made + i) FilePart{head, ranges[i].first, ranges[i].size};
    }
    new (made + ranges.size()) FilePart{arena_.concat({"\r\n--", boundary, "--\r\n"})};
    Response response(arena_);
    response.status = 206;
    response.headers.add(HeaderId::content_type,
                         arena_.concat({"multipart/byteranges; boundary=", boundary}));
    describe_content(response);
    response.body = body_of({made, ranges.size() + 1});
    return response;
  }

  Response unsatisfiable() {
    Response response =
        error_response(exchange_, 416, "range_not_satisfiable", "The file has no such part.");
    response.headers.add(HeaderId::content_range,
                         arena_.copy(fmt::format("bytes */{}", file_->size())));
    return response;
  }

  void describe(Response& response) const {
    response.headers.add(HeaderId::etag, arena_.copy(file_->etag()));
    if (!file_->cache_control.empty()) {
      response.headers.add(HeaderId::cache_control, file_->cache_control);
    }
    if (varies_) vary_by_encoding(response.headers);
  }

  void describe_content(Response& response) const {
    if (file_->coding() != Coding::identity) {
      response.headers.add(HeaderId::content_encoding, name(file_->coding()));
    }
    if (validators_.modified) {
      response.headers.add(HeaderId::last_modified, arena_.copy(file_->modified_text()));
    }
    response.headers.add(HeaderId::accept_ranges, "bytes");
    describe(response);
  }

  Body* body_of(std::span<const FilePart> parts) {
    return exchange_.own<FileBody>(exchange_.loop(), file_, parts);
  }

  Exchange& exchange_;
  Arena& arena_;
  const OpenFileRef& file_;
  bool varies_;
  std::int64_t now_;
  Validators validators_;
};

}  // namespace

Response file_response(Exchange& exchange, const OpenFileRef& found) {
  bool varies = !found->variants.empty();
  const OpenFileRef& file = varies ? choose_variant(exchange, found) : found;
  return FileResponse(exchange, file, varies).make();
}

}  // namespace weir
