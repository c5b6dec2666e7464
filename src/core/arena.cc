#include "core/arena.h"

#include "core/recycle.h"

namespace weir {
namespace {
constexpr std::size_t kChunkBytes = 4096;
}

char* Arena::grow(std::size_t bytes, std::size_t align) {
  std::size_t wanted = bytes + align + sizeof(Chunk);
  std::size_t size = wanted > kChunkBytes ? wanted : kChunkBytes;
  auto* chunk = new (recycle_allocate(size)) Chunk{chunks_, size};
  chunks_ = chunk;
  allocated_ += size;
  char* first = reinterpret_cast<char*>(chunk + 1);
  char* last = reinterpret_cast<char*>(chunk) + size;
  std::size_t padding =
      (align - (reinterpret_cast<std::size_t>(first) & (align - 1))) & (align - 1);
  char* block = first + padding;
  // A large block of its own must not throw away the rest of the current chunk.
  if (last - (block + bytes) > end_ - next_) {
    next_ = block + bytes;
    end_ = last;
  }
  return block;
}

std::string_view Arena::concat(std::initializer_list<std::string_view> parts) {
  std::size_t total = 0;
  for (std::string_view part : parts) total += part.size();
  char* block = allocate(total);
  char* out = block;
  for (std::string_view part : parts) {
    if (part.empty()) continue;
    std::memcpy(out, part.data(), part.size());
    out += part.size();
  }
  return {block, total};
}

void Arena::release() {
  while (chunks_ != nullptr) {
    Chunk* chunk = chunks_;
    chunks_ = chunk->previous;
    recycle_free(chunk, chunk->bytes);
  }
  next_ = end_ = nullptr;
  allocated_ = 0;
}

}  // namespace weir
