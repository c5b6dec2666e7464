// Slice: a counted view of bytes in memory, a range of a file, or bytes in a pipe.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace weir {

/// What a slice keeps alive. The count is plain for objects of one worker and atomic for
/// objects that workers share (`Shared::yes`).
class SliceOwner {
 public:
  enum class Shared : std::uint8_t { no, yes };

  void add_reference() {
    if (shared_ == Shared::yes) {
      std::atomic_ref(references_).fetch_add(1, std::memory_order_relaxed);
    } else {
      ++references_;
    }
  }
  void drop_reference() {
    std::uint32_t left;
    if (shared_ == Shared::yes) {
      left = std::atomic_ref(references_).fetch_sub(1, std::memory_order_acq_rel) - 1;
    } else {
      left = --references_;
    }
    if (left == 0) release_(this);
  }
  bool unique() const { return references_ == 1; }

 protected:
  using Release = void (*)(SliceOwner*);
  explicit SliceOwner(Release release, Shared shared = Shared::no)
      : release_(release), shared_(shared) {}
  ~SliceOwner() = default;
  SliceOwner(const SliceOwner&) = delete;
  SliceOwner& operator=(const SliceOwner&) = delete;

 private:
  Release release_;
  std::uint32_t references_ = 0;
  Shared shared_;
};

/// Empty, bytes in memory, `size` bytes of descriptor `file()` from `offset()` on, or the next
/// `size` bytes of the pipe `file()`. Static text has no owner. Copies share the owner; the bytes
/// of a pipe can be taken out once only, so its slices are moved.
class Slice {
 public:
  enum class Kind : std::uint8_t { memory, file, pipe };

  Slice() = default;
  Slice(SliceOwner* owner, const char* data, std::size_t size)
      : owner_(owner), data_(data), size_(size) {
    if (owner_ != nullptr) owner_->add_reference();
  }
  /// `text` must live for ever, or at least longer than every copy of the slice.
  static Slice unowned(std::string_view text) { return Slice(nullptr, text.data(), text.size()); }
  static Slice of_file(SliceOwner* owner, int file, std::uint64_t offset, std::size_t size) {
    Slice slice(owner, nullptr, size);
    slice.kind_ = Kind::file;
    slice.file_ = file;
    slice.offset_ = offset;
    return slice;
  }

  static Slice of_pipe(SliceOwner* owner, int read_end, std::size_t size) {
    Slice slice(owner, nullptr, size);
    slice.kind_ = Kind::pipe;
    slice.file_ = read_end;
    return slice;
  }

  Slice(const Slice& other)
      : owner_(other.owner_),
        data_(other.data_),
        size_(other.size_),
        file_(other.file_),
        kind_(other.kind_) {
    if (owner_ != nullptr) owner_->add_reference();
  }
  Slice(Slice&& other) noexcept
      : owner_(std::exchange(other.owner_, nullptr)),
        data_(other.data_),
        size_(std::exchange(other.size_, 0)),
        file_(other.file_),
        kind_(other.kind_) {}
  Slice& operator=(Slice other) noexcept {
    swap(other);
    return *this;
  }
  ~Slice() {
    if (owner_ != nullptr) owner_->drop_reference();
  }
  void swap(Slice& other) noexcept {
    std::swap(owner_, other.owner_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(file_, other.file_);
    std::swap(kind_, other.kind_);
  }

  Kind kind() const { return kind_; }
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  const char* data() const { return data_; }
  std::string_view view() const { return {data_, size_}; }
  int file() const { return file_; }
  std::uint64_t offset() const { return offset_; }
  SliceOwner* owner() const { return owner_; }

  /// Drops the first `count` bytes.
  void advance(std::size_t count) {
    if (kind_ == Kind::memory) {
      data_ += count;
    } else {
      offset_ += count;
    }
    size_ -= count;
  }
  /// A slice of the first `count` bytes, which leave this one.
  Slice take(std::size_t count) {
    Slice head = *this;
    head.size_ = count;
    advance(count);
    return head;
  }
  /// Part of the same memory.
  Slice part(std::string_view view) const { return Slice(owner_, view.data(), view.size()); }

 private:
  SliceOwner* owner_ = nullptr;
  union {
    const char* data_ = nullptr;
    std::uint64_t offset_;
  };
  std::size_t size_ = 0;
  int file_ = -1;
  Kind kind_ = Kind::memory;
};

/// An owned copy of `text`.
Slice copy_slice(std::string_view text);

}  // namespace weir
