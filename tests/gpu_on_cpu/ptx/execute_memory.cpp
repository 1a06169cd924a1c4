#include <bit>
#include <cstring>

#include "executor.h"

namespace ptx {
namespace {

template <class T>
T load_as(const std::byte* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

/// Extended to 64 bits as the type says.
std::uint64_t load(const std::byte* p, std::uint32_t bytes, bool is_signed) {
  switch (bytes) {
    case 1:
      return is_signed ? static_cast<std::uint64_t>(load_as<std::int8_t>(p)) : load_as<std::uint8_t>(p);
    case 2:
      return is_signed ? static_cast<std::uint64_t>(load_as<std::int16_t>(p)) : load_as<std::uint16_t>(p);
    case 4:
      return is_signed ? static_cast<std::uint64_t>(load_as<std::int32_t>(p)) : load_as<std::uint32_t>(p);
    default:
      return load_as<std::uint64_t>(p);
  }
}

std::uint64_t read_register(const std::byte* file, const Slot& slot, std::uint32_t lane) {
  return slot.is_wide ? load_as<std::uint64_t>(file + slot.offset + 8 * lane)
                      : load_as<std::uint32_t>(file + slot.offset + 4 * lane);
}
void write_register(std::byte* file, const Slot& slot, std::uint32_t lane, std::uint64_t value) {
  if (slot.is_wide) {
    std::memcpy(file + slot.offset + 8 * lane, &value, 8);
  } else {
    const auto low = static_cast<std::uint32_t>(value);
    std::memcpy(file + slot.offset + 4 * lane, &low, 4);
  }
}

template <class T>
std::uint64_t updated(const Instruction& i, T old, T a, T b) {
  switch (i.atomic) {
    case AtomicOp::add:
      return static_cast<std::uint64_t>(old) + static_cast<std::uint64_t>(a);
    case AtomicOp::conjunction:
      return static_cast<std::uint64_t>(old & a);
    case AtomicOp::disjunction:
      return static_cast<std::uint64_t>(old | a);
    case AtomicOp::exclusive:
      return static_cast<std::uint64_t>(old ^ a);
    case AtomicOp::min:
      return static_cast<std::uint64_t>(a < old ? a : old);
    case AtomicOp::max:
      return static_cast<std::uint64_t>(old < a ? a : old);
    case AtomicOp::exchange:
      return static_cast<std::uint64_t>(a);
    case AtomicOp::compare_exchange:
      return static_cast<std::uint64_t>(old == a ? b : old);
    case AtomicOp::increment:
      return old >= a ? 0 : static_cast<std::uint64_t>(old) + 1;
    case AtomicOp::decrement:
      return old == 0 || old > a ? static_cast<std::uint64_t>(a) : static_cast<std::uint64_t>(old) - 1;
  }
  return 0;
}

template <class T>
void update(const Instruction& i, std::byte* file, std::uint32_t lane, std::byte* p) {
  const T old = load_as<T>(p);
  const T a = static_cast<T>(read_register(file, i.a[0], lane));
  const T b = i.b[0].offset == kNoOperand ? T(0) : static_cast<T>(read_register(file, i.b[0], lane));
  const T next = static_cast<T>(updated(i, old, a, b));
  std::memcpy(p, &next, sizeof next);
  if (i.d[0].offset != kNoOperand) write_register(file, i.d[0], lane, static_cast<std::uint64_t>(old));
}

}  // namespace

void Executor::compute_addresses(const Warp& warp, const Slot& base, std::int64_t displacement,
                                 std::uint64_t* addresses) const {
  const std::byte* from = warp.file + base.offset;
  const auto offset = static_cast<std::uint64_t>(displacement);
  if (base.is_wide) {
    for (int l = 0; l < kLanes; ++l) addresses[l] = load_as<std::uint64_t>(from + 8 * l) + offset;
  } else {
    for (int l = 0; l < kLanes; ++l)
      addresses[l] = (load_as<std::uint32_t>(from + 4 * l) + offset) & 0xffffffffu;
  }
}

/// Parameters are read by all lanes at one address: once is enough.
bool Executor::load_for_all(Warp& warp, const Instruction& i, std::uint32_t mask,
                            const std::uint64_t* addresses) {
  if (i.kind != Kind::load || mask != kAllLanes || i.space == Space::shared || i.space == Space::local)
    return false;
  const std::uint64_t offset = addresses[0] - reinterpret_cast<std::uintptr_t>(parameters_);
  const std::uint32_t bytes = std::uint32_t(i.bytes) * i.count;
  if (offset >= program_.parameter_bytes || bytes > program_.parameter_bytes - offset || offset % bytes != 0)
    return false;
  std::uint64_t differs = 0;
  for (int l = 1; l < kLanes; ++l) differs |= addresses[l] ^ addresses[0];
  if (differs != 0) return false;
  for (std::uint32_t k = 0; k < i.count; ++k) {
    if (i.d[k].offset == kNoOperand) continue;
    const std::uint64_t value = load(parameters_ + offset + k * i.bytes, i.bytes, i.is_signed);
    for (std::uint32_t l = 0; l < kLanes; ++l) write_register(warp.file, i.d[k], l, value);
  }
  return true;
}

void Executor::access(Warp& warp, const Instruction& i, std::uint32_t mask) {
  std::uint64_t addresses[kLanes];
  compute_addresses(warp, i.base, i.displacement, addresses);
  if (load_for_all(warp, i, mask, addresses)) return;
  if (i.space != Space::generic) return access_space(warp, i, i.space, mask, addresses);
  std::uint32_t shared = 0, local = 0;
  for (std::uint32_t m = mask; m != 0; m &= m - 1) {
    const int l = std::countr_zero(m);
    if (addresses[l] < kSharedWindow) continue;
    (addresses[l] < kLocalWindow ? shared : local) |= 1u << l;
    addresses[l] &= kWindowMask;
  }
  if (shared != 0) access_space(warp, i, Space::shared, shared, addresses);
  if (local != 0) access_space(warp, i, Space::local, local, addresses);
  if ((mask & ~shared & ~local) != 0)
    access_space(warp, i, Space::global, mask & ~shared & ~local, addresses);
}

void Executor::access_space(Warp& warp, const Instruction& i, Space space, std::uint32_t mask,
                            std::uint64_t* addresses) {
  std::byte* pointers[kLanes];
  const Touch touch = i.kind == Kind::load    ? Touch::read
                      : i.kind == Kind::store ? Touch::write
                                              : Touch::atomic;
  const std::uint32_t allowed =
      resolve(warp, i, space, touch, std::uint32_t(i.bytes) * i.count, mask, addresses, pointers);
  for (std::uint32_t m = mask; m != 0; m &= m - 1) {
    const auto lane = static_cast<std::uint32_t>(std::countr_zero(m));
    const bool is_allowed = (allowed >> lane & 1) != 0;
    if (touch == Touch::atomic) {
      if (!is_allowed) continue;
      if (i.bytes == 4) {
        i.is_signed ? update<std::int32_t>(i, warp.file, lane, pointers[lane])
                    : update<std::uint32_t>(i, warp.file, lane, pointers[lane]);
      } else {
        i.is_signed ? update<std::int64_t>(i, warp.file, lane, pointers[lane])
                    : update<std::uint64_t>(i, warp.file, lane, pointers[lane]);
      }
      continue;
    }
    for (std::uint32_t k = 0; k < i.count; ++k) {
      const Slot& slot = i.d[k];
      if (slot.offset == kNoOperand) continue;
      if (touch == Touch::read) {
        write_register(warp.file, slot, lane,
                       is_allowed ? load(pointers[lane] + k * i.bytes, i.bytes, i.is_signed) : 0);
      } else if (is_allowed) {
        const std::uint64_t value = read_register(warp.file, slot, lane);
        std::memcpy(pointers[lane] + k * i.bytes, &value, i.bytes);
      }
    }
  }
}

// The bytes are taken when the thread waits for them: whoever reads earlier sees what was there before. That
// the copy writes is noted now and then, for it may do so at any time between.
void Executor::copy_later(Warp& warp, const Instruction& i, std::uint32_t mask) {
  std::uint64_t to[kLanes], from[kLanes];
  std::byte *to_pointers[kLanes], *from_pointers[kLanes];
  compute_addresses(warp, i.base, i.displacement, to);
  compute_addresses(warp, i.source, i.source_displacement, from);
  std::uint32_t taken[kLanes], reads = 0;
  for (std::uint32_t l = 0; l < kLanes; ++l) {
    const std::uint64_t asked = i.a[0].offset == kNoOperand ? i.bytes : read_register(warp.file, i.a[0], l);
    taken[l] = asked < i.bytes ? static_cast<std::uint32_t>(asked) : i.bytes;
    if (taken[l] != 0) reads |= 1u << l;
  }
  const std::uint32_t writable =
      resolve(warp, i, Space::shared, Touch::write, i.bytes, mask, to, to_pointers);
  const std::uint32_t readable =
      resolve(warp, i, Space::global, Touch::read, i.bytes, mask & reads, from, from_pointers);
  for (std::uint32_t m = writable & (readable | ~reads); m != 0; m &= m - 1) {
    const auto lane = static_cast<std::uint32_t>(std::countr_zero(m));
    if (options_.checks) std::memset(&shared_written_[to[lane] - kSpaceStart], 0, i.bytes);
    warp.copies.push_back({to[lane], from[lane], i.bytes, taken[lane], lane, warp.groups[lane], pc_of(i)});
  }
}

void Executor::finish_copies(Warp& warp, const Instruction& i, std::uint32_t mask) {
  std::size_t kept = 0;
  for (const PendingCopy& copy : warp.copies) {
    const bool waits = (mask >> copy.lane & 1) != 0;
    const bool is_due = i.is_uniform || copy.group + i.target < warp.groups[copy.lane];
    if (!waits || !is_due) {
      warp.copies[kept++] = copy;
      continue;
    }
    const std::uint64_t offset = copy.to - kSpaceStart;
    std::memset(shared_ + offset, 0, copy.bytes);
    std::memcpy(shared_ + offset, reinterpret_cast<const std::byte*>(static_cast<std::uintptr_t>(copy.from)),
                copy.taken);
    if (options_.checks)
      note_shared(warp, program_.code[copy.pc], Touch::write, offset, copy.bytes, copy.lane,
                  toucher(warp, true));
  }
  warp.copies.resize(kept);
}

// Lane l gives the address of row l % 8 of matrix l / 8; lane l gets elements 2 (l % 4) and + 1 of row l / 4,
// or of that column.
void Executor::load_matrix(Warp& warp, const Instruction& i) {
  std::uint64_t addresses[kLanes];
  compute_addresses(warp, i.base, i.displacement, addresses);
  if (i.space == Space::generic) {
    for (std::uint64_t& address : addresses) address &= kWindowMask;
  }
  std::byte* rows[kLanes];
  const std::uint32_t mask = i.count == 4 ? kAllLanes : (1u << (8 * i.count)) - 1;
  if (resolve(warp, i, Space::shared, Touch::read, 16, mask, addresses, rows) != mask) return;
  for (std::uint32_t k = 0; k < i.count; ++k) {
    for (std::uint32_t l = 0; l < kLanes; ++l) {
      std::uint32_t word = 0;
      for (std::uint32_t half = 0; half < 2; ++half) {
        const std::uint32_t row = i.is_transposed ? 2 * (l % 4) + half : l / 4,
                            column = i.is_transposed ? l / 4 : 2 * (l % 4) + half;
        word |= std::uint32_t(load_as<std::uint16_t>(rows[8 * k + row] + 2 * column)) << (16 * half);
      }
      write_register(warp.file, i.d[k], l, word);
    }
  }
}

}  // namespace ptx
