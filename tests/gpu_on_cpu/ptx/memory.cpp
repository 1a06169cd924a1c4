#include "memory.h"

#include <algorithm>

namespace ptx {

void DeviceMemory::add(const void* begin, std::size_t size, Content content) {
  Allocation allocation{.begin = reinterpret_cast<std::uintptr_t>(begin), .size = size};
  if (content == Content::unwritten) {
    allocation.written.assign(size, false);
    allocation.unwritten = size;
  }
  by_begin_[allocation.begin] = std::move(allocation);
}

bool DeviceMemory::remove(const void* begin) {
  last_ = nullptr;
  return by_begin_.erase(reinterpret_cast<std::uintptr_t>(begin)) == 1;
}

Allocation* DeviceMemory::find(std::uintptr_t address) {
  if (last_ != nullptr && last_->contains(address, 1)) return last_;
  auto after = by_begin_.upper_bound(address);
  if (after == by_begin_.begin()) return nullptr;
  Allocation& candidate = std::prev(after)->second;
  if (!candidate.contains(address, 1)) return nullptr;
  return last_ = &candidate;
}

Allocation* DeviceMemory::nearest(std::uintptr_t address) {
  if (by_begin_.empty()) return nullptr;
  auto after = by_begin_.upper_bound(address);
  if (after == by_begin_.begin()) return &after->second;
  Allocation& before = std::prev(after)->second;
  if (after == by_begin_.end() || before.contains(address, 1)) return &before;
  return address - before.end() <= after->second.begin - address ? &before : &after->second;
}

bool DeviceMemory::contains(const void* begin, std::size_t bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  const Allocation* allocation = find(address);
  return allocation != nullptr && allocation->contains(address, bytes);
}

void DeviceMemory::mark_written(const void* begin, std::size_t bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  Allocation* allocation = find(address);
  if (allocation == nullptr) return;
  mark_written(*allocation, address, std::min<std::size_t>(bytes, allocation->end() - address));
}

bool DeviceMemory::is_written(const Allocation& allocation, std::uintptr_t address, std::size_t bytes) {
  if (allocation.unwritten == 0) return true;
  const auto first = allocation.written.begin() + static_cast<std::ptrdiff_t>(address - allocation.begin);
  return std::find(first, first + static_cast<std::ptrdiff_t>(bytes), false) ==
         first + static_cast<std::ptrdiff_t>(bytes);
}

void DeviceMemory::mark_written(Allocation& allocation, std::uintptr_t address, std::size_t bytes) {
  if (allocation.unwritten == 0) return;
  const std::size_t first = address - allocation.begin;
  if (bytes == allocation.size) {
    allocation.unwritten = 0;
  } else {
    for (std::size_t i = first; i < first + bytes; ++i) {
      allocation.unwritten -= !allocation.written[i];
      allocation.written[i] = true;
    }
  }
  if (allocation.unwritten == 0) allocation.written = {};
}

}  // namespace ptx
