/// What a kernel may touch: live allocations, and which of their bytes have been written.
///
/// Host pointers double as device pointers. Nothing here is copied or owned: an allocation belongs to whoever
/// registers it and must be removed before it is freed. Not safe for concurrent use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace ptx {

class RacePages;

struct Allocation {
  std::uintptr_t begin = 0;
  std::size_t size = 0;
  std::vector<bool> written = {};              // per byte; empty once all of them are
  std::size_t unwritten = 0;                   // bytes nobody has written yet
  std::shared_ptr<RacePages> races = nullptr;  // of the launch that touched it last (races.h)

  std::uintptr_t end() const { return begin + size; }
  bool contains(std::uintptr_t address, std::size_t bytes) const {
    return address >= begin && bytes <= size && address - begin <= size - bytes;
  }
};

enum class Content { unwritten, written };

class DeviceMemory {
 public:
  DeviceMemory() = default;
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  /// Expects a range that overlaps no live allocation.
  void add(const void* begin, std::size_t size, Content content = Content::unwritten);
  /// Forgets the allocation that begins there; false where there is none.
  bool remove(const void* begin);
  /// The host wrote these bytes, by a copy or a fill. Bytes outside of allocations are ignored.
  void mark_written(const void* begin, std::size_t bytes);

  /// The allocation that holds this byte, or null.
  Allocation* find(std::uintptr_t address);
  /// The one closest to this byte, or null where there is none at all.
  Allocation* nearest(std::uintptr_t address);
  bool contains(const void* begin, std::size_t bytes);
  /// False where any byte of the range has not been written; expects a range inside of `allocation`.
  static bool is_written(const Allocation& allocation, std::uintptr_t address, std::size_t bytes);
  static void mark_written(Allocation& allocation, std::uintptr_t address, std::size_t bytes);

 private:
  std::map<std::uintptr_t, Allocation> by_begin_;
  Allocation* last_ = nullptr;  // most accesses hit the allocation of the one before
};

}  // namespace ptx
