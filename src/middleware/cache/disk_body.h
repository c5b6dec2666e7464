// DiskBody: a part of a file of the disk cache, for one client, block by block.
#pragma once

#include <cstdint>
#include <memory>

#include "http/body.h"
#include "io/loop.h"
#include "middleware/cache/disk_file.h"

namespace weir::cache {

/// Holds one block at a time. Each is checked before any of it is given; the body of a file that
/// turns out to be broken ends with an error there.
class DiskBody final : public Body {
 public:
  DiskBody(Loop& loop, std::shared_ptr<Disk> disk, std::shared_ptr<DiskFile> file,
           std::uint64_t first, std::uint64_t size, StopToken stop)
      : loop_(loop),
        disk_(std::move(disk)),
        file_(std::move(file)),
        at_(first),
        left_(size),
        length_(size),
        stop_(stop) {}

  Task<Result<Slice>> read() override;
  std::optional<Slice> try_read() override { return std::nullopt; }
  std::optional<std::uint64_t> length() const override { return length_; }

 private:
  Loop& loop_;
  std::shared_ptr<Disk> disk_;
  std::shared_ptr<DiskFile> file_;
  std::uint64_t at_;
  std::uint64_t left_;
  std::uint64_t length_;
  StopToken stop_;
};

}  // namespace weir::cache
