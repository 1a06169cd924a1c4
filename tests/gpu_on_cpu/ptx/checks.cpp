// From addresses to host pointers, with everything on the way that may be wrong with them.
#include <algorithm>
#include <bit>
#include <cstring>

#include "executor.h"
#include "traffic.h"

namespace ptx {
namespace {

const char* verb(Touch touch) {
  return touch == Touch::read ? "reads " : touch == Touch::write ? "writes " : "updates ";
}
std::string bytes_text(std::uint64_t bytes) {
  return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
}

}  // namespace

std::string Executor::where_in_memory(std::uint64_t address, std::uint32_t bytes) {
  const Allocation* a = memory_.nearest(address);
  if (a == nullptr) return "where nothing is allocated";
  const std::string whose = " an allocation of " + bytes_text(a->size);
  if (address < a->begin) return bytes_text(a->begin - address) + " before" + whose;
  if (address >= a->end()) return bytes_text(address - a->end()) + " past the end of" + whose;
  return "at byte " + std::to_string(address - a->begin) + " of" + whose + ", of which only " +
         bytes_text(a->end() - address) + " are left for " + std::to_string(bytes);
}

void Executor::note_shared(Warp& warp, const Instruction& i, Touch touch, std::uint64_t offset,
                           std::uint32_t bytes, std::uint32_t lane, const Toucher& now) {
  static constexpr std::uint8_t kWritten[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  std::uint8_t* written = shared_written_.data() + offset;
  if (touch != Touch::write && std::memcmp(written, kWritten, bytes) != 0) {
    const auto first = static_cast<std::uint64_t>(std::find(written, written + bytes, 0) - written);
    blame(Fault::unwritten, i,
          thread_name(warp, lane) + " reads byte " + std::to_string(offset + first) +
              " of shared memory, which nobody wrote");
  }
  if (touch != Touch::read) std::memcpy(written, kWritten, bytes);
  const int shift = std::countr_zero(program_.shared_grain);
  bool races = false;
  for (std::uint64_t at = offset >> shift; at <= (offset + bytes - 1) >> shift; ++at)
    races |= shared_races_[at].touch(touch, now, lane);
  if (races) {
    blame(Fault::race, i,
          thread_name(warp, lane) + ' ' + verb(touch) + bytes_text(bytes) + " at " + std::to_string(offset) +
              " in shared memory, and no barrier is between it and another thread that " +
              (touch == Touch::read ? "writes there" : "reads or writes there"));
  }
}

void Executor::note_global(Warp& warp, const Instruction& i, Touch touch, Allocation& allocation,
                           std::uint64_t address, std::uint32_t bytes, std::uint32_t lane,
                           const Toucher& now) {
  if (touch != Touch::write && !DeviceMemory::is_written(allocation, address, bytes)) {
    blame(Fault::unwritten, i,
          thread_name(warp, lane) + " reads " + bytes_text(bytes) + " at byte " +
              std::to_string(address - allocation.begin) + " of an allocation of " +
              bytes_text(allocation.size) + ", and nobody wrote all of them");
  }
  if (touch != Touch::read) DeviceMemory::mark_written(allocation, address, bytes);
  const std::uint32_t grain = program_.global_grain;
  if (!allocation.races || allocation.races->grain() != grain)
    allocation.races = std::make_shared<RacePages>(allocation.size, grain);
  bool races = false;
  for (std::uint32_t k = 0; k < bytes; k += grain)
    races |= allocation.races->cell(address - allocation.begin + k).touch(touch, now, lane);
  if (races) {
    blame(Fault::race, i,
          thread_name(warp, lane) + ' ' + verb(touch) + bytes_text(bytes) + " at byte " +
              std::to_string(address - allocation.begin) + " of an allocation of " +
              bytes_text(allocation.size) + ", and nothing orders it and another thread that " +
              (touch == Touch::read ? "writes there" : "reads or writes there"));
  }
}

std::uint32_t Executor::resolve_host(Warp& warp, const Instruction& i, Touch touch, std::uint32_t bytes,
                                     std::uint32_t mask, const std::uint64_t* addresses,
                                     std::byte** pointers) {
  std::uint32_t in_device_memory = 0, allowed = 0;
  const auto parameters = reinterpret_cast<std::uintptr_t>(parameters_);
  Allocation* allocation = nullptr;
  const Toucher now = toucher(warp, false);
  for (std::uint32_t m = mask; m != 0; m &= m - 1) {
    const auto lane = static_cast<std::uint32_t>(std::countr_zero(m));
    const std::uint64_t address = addresses[lane];
    pointers[lane] = reinterpret_cast<std::byte*>(static_cast<std::uintptr_t>(address));
    if (address - parameters < program_.parameter_bytes &&
        bytes <= program_.parameter_bytes - (address - parameters) && touch == Touch::read) {
      allowed |= 1u << lane;
      continue;
    }
    if (allocation == nullptr || !allocation->contains(address, bytes)) allocation = memory_.find(address);
    if (allocation != nullptr && allocation->contains(address, bytes)) {
      in_device_memory |= 1u << lane;
      if (options_.checks) note_global(warp, i, touch, *allocation, address, bytes, lane, now);
      continue;
    }
    bool is_variable = false;
    for (const Program::Range& v : program_.variables)
      is_variable |= address - v.begin < v.size && bytes <= v.size - (address - v.begin) &&
                     !(v.is_constant && touch != Touch::read);
    if (is_variable) {
      allowed |= 1u << lane;
      continue;
    }
    blame(Fault::bounds, i,
          thread_name(warp, lane) + ' ' + verb(touch) + bytes_text(bytes) + ", " +
              where_in_memory(address, bytes));
  }
  if (in_device_memory != 0 && options_.checks) {
    Counts& counts = report_.instructions[pc_of(i)];
    count_sectors(addresses, in_device_memory, bytes, counts);
    counts.bytes += static_cast<std::uint64_t>(std::popcount(in_device_memory)) * bytes;
  }
  return allowed | in_device_memory;
}

std::uint32_t Executor::resolve_shared(Warp& warp, const Instruction& i, Touch touch, std::uint32_t bytes,
                                       std::uint32_t mask, const std::uint64_t* addresses,
                                       std::byte** pointers) {
  std::uint32_t allowed = 0;
  const Toucher now = toucher(warp, true);
  for (std::uint32_t m = mask; m != 0; m &= m - 1) {
    const auto lane = static_cast<std::uint32_t>(std::countr_zero(m));
    const std::uint64_t offset = addresses[lane] - kSpaceStart;
    if (offset >= shared_bytes_ || bytes > shared_bytes_ - offset) {
      blame(Fault::bounds, i,
            thread_name(warp, lane) + ' ' + verb(touch) + bytes_text(bytes) + " at " +
                std::to_string(static_cast<std::int64_t>(offset)) + " in shared memory of " +
                bytes_text(shared_bytes_));
      continue;
    }
    allowed |= 1u << lane;
    pointers[lane] = shared_ + offset;
    if (options_.checks) note_shared(warp, i, touch, offset, bytes, lane, now);
  }
  if (options_.checks && allowed != 0) {
    Counts& counts = report_.instructions[pc_of(i)];
    count_wavefronts(addresses, allowed, bytes, touch == Touch::atomic, counts);
    counts.bytes += static_cast<std::uint64_t>(std::popcount(allowed)) * bytes;
  }
  return allowed;
}

std::uint32_t Executor::resolve(Warp& warp, const Instruction& i, Space space, Touch touch,
                                std::uint32_t bytes, std::uint32_t mask, const std::uint64_t* addresses,
                                std::byte** pointers) {
  for (std::uint32_t m = mask; m != 0; m &= m - 1) {
    const auto lane = static_cast<std::uint32_t>(std::countr_zero(m));
    if ((addresses[lane] & (bytes - 1)) == 0) continue;
    blame(Fault::alignment, i,
          thread_name(warp, lane) + ' ' + verb(touch) + bytes_text(bytes) + " at an address that is " +
              std::to_string(addresses[lane] & (bytes - 1)) + " beyond a multiple of that");
    mask &= ~(1u << lane);
  }
  if (space == Space::shared) return resolve_shared(warp, i, touch, bytes, mask, addresses, pointers);
  if (space != Space::local) return resolve_host(warp, i, touch, bytes, mask, addresses, pointers);
  std::uint32_t allowed = 0;
  for (std::uint32_t m = mask; m != 0; m &= m - 1) {
    const auto lane = static_cast<std::uint32_t>(std::countr_zero(m));
    const std::uint64_t offset = addresses[lane] - kSpaceStart;
    if (offset >= program_.local_bytes || bytes > program_.local_bytes - offset) {
      blame(Fault::bounds, i,
            thread_name(warp, lane) + ' ' + verb(touch) + bytes_text(bytes) + " at " +
                std::to_string(static_cast<std::int64_t>(offset)) + " in local memory of " +
                bytes_text(program_.local_bytes));
      continue;
    }
    const std::size_t file = program_.has_barriers ? warp.index : 0;
    pointers[lane] = local_storage_.data() + (file * kLanes + lane) * program_.local_bytes + offset;
    allowed |= 1u << lane;
  }
  return allowed;
}

}  // namespace ptx
