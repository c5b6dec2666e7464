// One file that is served: its descriptor or its bytes, and what is said of it in every response.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/slice.h"
#include "http/content_coding.h"
#include "io/files/root.h"

namespace weir {

class OpenFileRef;

/// Of one worker. Immutable; lives as long as the cache or a response refers to it.
class OpenFile : public SliceOwner {
 public:
  /// Up to this size a file is kept in memory: one copy costs less than a second system call.
  static constexpr std::size_t kInMemory = 32 * 1024;

  /// Takes the descriptor; what is small is read and its descriptor closed. `tag` is part of the
  /// entity tag.
  static OpenFileRef make(Found found, Coding coding);

  std::uint64_t size() const { return size_; }
  int descriptor() const { return file_.get(); }
  bool in_memory() const { return !file_; }
  std::string_view content() const { return content_; }
  const FileIdentity& identity() const { return identity_; }
  Coding coding() const { return coding_; }
  /// Strong: time to the nanosecond, size, and coding.
  std::string_view etag() const { return etag_; }
  std::int64_t modified() const { return modified_; }  // seconds since 1970
  std::string_view modified_text() const { return modified_text_; }

  /// Of the name that was asked for; set once, before it is served.
  std::string_view type;
  std::string_view cache_control;
  /// The same content in other codings, in the order of preference.
  std::vector<OpenFileRef> variants;

 private:
  OpenFile(Found found, Coding coding);
  ~OpenFile();
  static void release(SliceOwner* self);
  bool read_content();

  Descriptor file_;
  std::string content_;
  std::uint64_t size_;
  FileIdentity identity_;
  Coding coding_;
  std::string etag_;
  std::int64_t modified_;
  std::string modified_text_;
};

/// Counted.
class OpenFileRef {
 public:
  OpenFileRef() = default;
  explicit OpenFileRef(OpenFile* file) : file_(file) {
    if (file_ != nullptr) file_->add_reference();
  }
  OpenFileRef(const OpenFileRef& other) : OpenFileRef(other.file_) {}
  OpenFileRef(OpenFileRef&& other) noexcept : file_(std::exchange(other.file_, nullptr)) {}
  OpenFileRef& operator=(OpenFileRef other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  ~OpenFileRef() {
    if (file_ != nullptr) file_->drop_reference();
  }
  OpenFile* get() const { return file_; }
  OpenFile* operator->() const { return file_; }
  OpenFile& operator*() const { return *file_; }
  explicit operator bool() const { return file_ != nullptr; }

 private:
  OpenFile* file_ = nullptr;
};

}  // namespace weir
