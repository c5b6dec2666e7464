#include "handler/static_files/open_file.h"

#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "http/date.h"

namespace weir {
namespace {

std::string etag_of(const FileIdentity& identity, Coding coding) {
  std::string_view tag = coding == Coding::identity ? std::string_view() : name(coding);
  return fmt::format("\"{:x}-{:x}{}{}\"", static_cast<std::uint64_t>(identity.modified),
                     static_cast<std::uint64_t>(identity.size), tag.empty() ? "" : "-", tag);
}

std::string date_text(std::int64_t seconds) {
  std::string text(kHttpDateSize, '\0');
  write_http_date(seconds, text.data());
  return text;
}

}  // namespace

OpenFileRef OpenFile::make(Found found, Coding coding) {
  OpenFileRef file(new OpenFile(std::move(found), coding));
  if (file->size_ <= kInMemory && file->read_content()) file->file_ = Descriptor();
  return file;
}

OpenFile::OpenFile(Found found, Coding coding)
    : SliceOwner(&OpenFile::release),
      file_(std::move(found.file)),
      size_(static_cast<std::uint64_t>(found.status.st_size)),
      identity_(FileIdentity::of(found.status)),
      coding_(coding),
      etag_(etag_of(identity_, coding)),
      modified_(found.status.st_mtim.tv_sec),
      modified_text_(date_text(modified_)) {}

OpenFile::~OpenFile() = default;

void OpenFile::release(SliceOwner* self) { delete static_cast<OpenFile*>(self); }

// False if it could not be read as a whole, or changed meanwhile: then what is sent is what is
// there at that time, and a file that became shorter breaks the response off.
bool OpenFile::read_content() {
  std::string content(size_, '\0');
  std::size_t done = 0;
  while (done < content.size()) {
    ssize_t got = ::pread(file_.get(), content.data() + done, content.size() - done,
                          static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<std::size_t>(got);
  }
  struct stat status{};
  if (::fstat(file_.get(), &status) != 0 || FileIdentity::of(status) != identity_) return false;
  content_ = std::move(content);
  return true;
}

}  // namespace weir
