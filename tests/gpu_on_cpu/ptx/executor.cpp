#include "executor.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <numeric>

namespace ptx {
namespace {

constexpr std::size_t kFileAlignment = 64;

/// Epochs of all launches, so that what one launch noted never looks like another's.
std::uint32_t next_epoch() {
  static std::atomic<std::uint32_t> last{0};
  return ++last;
}

/// splitmix64: any order will do, as long as the seed decides it.
std::uint64_t next_random(std::uint64_t& state) {
  std::uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

void shuffle_order(std::vector<std::uint64_t>& order, std::uint64_t& state) {
  for (std::size_t n = order.size(); n > 1; --n) std::swap(order[n - 1], order[next_random(state) % n]);
}

std::byte* aligned(std::vector<std::byte>& storage, std::size_t bytes, std::size_t alignment) {
  storage.resize(bytes + alignment);
  const auto raw = reinterpret_cast<std::uintptr_t>(storage.data());
  return storage.data() + ((raw + alignment - 1) / alignment * alignment - raw);
}

void fill_slot(std::byte* file, const Slot& slot, std::uint64_t value) {
  for (int l = 0; l < kLanes; ++l) {
    if (slot.is_wide) {
      std::memcpy(file + slot.offset + 8 * l, &value, 8);
    } else {
      const auto low = static_cast<std::uint32_t>(value);
      std::memcpy(file + slot.offset + 4 * l, &low, 4);
    }
  }
}

std::string triple(const Extent& e) {
  return "(" + std::to_string(e.x) + ", " + std::to_string(e.y) + ", " + std::to_string(e.z) + ")";
}

}  // namespace

Executor::Executor(const Kernel& kernel, const Launch& launch, DeviceMemory& memory, const Options& options)
    : program_(*kernel.program),
      kernel_(kernel),
      launch_(launch),
      memory_(memory),
      options_(options),
      random_(options.seed) {
  report_.program = kernel.program;
  report_.instructions.resize(program_.code.size());
}

void Executor::blame(Fault fault, const Instruction& i, const std::string& what) {
  const auto [at, is_new] = found_.emplace(std::make_pair(pc_of(i), fault), report_.findings.size());
  if (!is_new) {
    ++report_.findings[at->second].times;
    return;
  }
  report_.findings.push_back(
      {fault, i.line, kernel_.name + ", line " + std::to_string(i.line) + ", '" + i.text + "': " + what, 1});
}

void Executor::blame(Fault fault, const std::string& what) {
  report_.findings.push_back({fault, 0, kernel_.name + ": " + what, 1});
}

std::string Executor::thread_name(const Warp& warp, std::uint32_t lane) const {
  const std::uint32_t t = warp.index * kLanes + lane;
  const Extent& b = launch_.block;
  return "thread " + triple({t % b.x, t / b.x % b.y, t / b.x / b.y}) + " of block " + triple(block_);
}

bool Executor::check_limits() {
  const Extent &grid = launch_.grid, &block = launch_.block;
  if (block.count() == 0 || block.count() > 1024 || block.z > 64)
    blame(Fault::limits, "a block of " + triple(block) +
                             " threads cannot be launched: it has 1 to 1024, at most 64 of them along z");
  if (grid.count() == 0 || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535)
    blame(Fault::limits, "a grid of " + triple(grid) + " blocks cannot be launched");
  if (program_.static_shared > 48 * 1024)
    blame(Fault::limits, "a block has " + std::to_string(program_.static_shared) +
                             " bytes of static shared memory, and 49152 are the most");
  else if (program_.static_shared + launch_.dynamic_shared > 227 * 1024)
    blame(Fault::limits, "a block has " + std::to_string(program_.static_shared + launch_.dynamic_shared) +
                             " bytes of shared memory, and 232448 are the most");
  return report_.findings.empty();
}

void Executor::fill_constants(std::byte* file) {
  for (const Constant& constant : program_.constants) {
    std::uint64_t value = constant.value;
    if (constant.base == Constant::Base::parameter) value += reinterpret_cast<std::uintptr_t>(parameters_);
    if (constant.base == Constant::Base::dynamic_shared)
      value += kSpaceStart + (program_.static_shared + 15) / 16 * 16;
    fill_slot(file, constant.slot, value);
  }
}

void Executor::fill_specials(Warp& warp, const Extent& block) {
  const Extent &size = launch_.block, &grid = launch_.grid;
  for (const SpecialSlot& slot : program_.specials) {
    for (std::uint32_t l = 0; l < kLanes; ++l) {
      const std::uint32_t t = warp.index * kLanes + l, bit = 1u << l;
      const std::uint32_t values[] = {t % size.x,
                                      t / size.x % size.y,
                                      t / size.x / size.y,
                                      size.x,
                                      size.y,
                                      size.z,
                                      block.x,
                                      block.y,
                                      block.z,
                                      grid.x,
                                      grid.y,
                                      grid.z,
                                      l,
                                      warp.index,
                                      (threads_ + 31) / 32,
                                      bit,
                                      bit | (bit - 1),
                                      bit - 1,
                                      ~(bit - 1),
                                      ~(bit | (bit - 1))};
      std::memcpy(warp.file + slot.offset + 4 * l, &values[static_cast<std::size_t>(slot.special)], 4);
    }
  }
}

void Executor::start_warp(Warp& warp, std::uint32_t index, std::byte* file, const Extent& block) {
  const std::uint32_t left = threads_ - index * kLanes;
  warp.index = index;
  warp.file = file;
  warp.lanes = left >= kLanes ? kAllLanes : (1u << left) - 1;
  warp.live = warp.lanes;
  warp.now = {0, warp.lanes, false};
  warp.others.clear();
  warp.next_meeting = ~0u;
  warp.time = 0;
  warp.is_at_barrier = false;
  warp.copies.clear();
  warp.groups.fill(0);
  fill_specials(warp, block);
}

Report Executor::run() {
  if (!check_limits()) {
    report_.finished = false;
    return std::move(report_);
  }
  threads_ = static_cast<std::uint32_t>(launch_.block.count());
  const std::size_t warps = (threads_ + 31) / 32;
  parameters_ = aligned(parameter_storage_, program_.parameter_bytes, 256);
  for (std::size_t k = 0; k < kernel_.parameters.size(); ++k)
    std::memcpy(parameters_ + kernel_.parameters[k].offset, launch_.arguments[k], kernel_.parameters[k].size);
  shared_bytes_ = (program_.static_shared + 15) / 16 * 16 + launch_.dynamic_shared;
  if (launch_.dynamic_shared == 0) shared_bytes_ = program_.static_shared;
  shared_ = aligned(shared_storage_, shared_bytes_, 1024);
  if (options_.checks) {
    shared_written_.resize(shared_bytes_);
    shared_races_.resize(shared_bytes_ / program_.shared_grain + 1);
  }
  // Warps that never meet run to their end one by one, on the same registers.
  const std::size_t file_bytes = (program_.file_bytes + kFileAlignment - 1) / kFileAlignment * kFileAlignment;
  const std::size_t files = program_.has_barriers ? warps : 1;
  std::byte* file = aligned(file_storage_, files * file_bytes, kFileAlignment);
  for (std::size_t k = 0; k < files; ++k) fill_constants(file + k * file_bytes);
  local_storage_.resize(files * kLanes * program_.local_bytes);
  warps_.resize(warps);
  for (std::size_t k = 0; k < warps; ++k)
    warps_[k].file = file + (program_.has_barriers ? k * file_bytes : 0);

  launch_first_ = next_epoch();
  std::vector<std::uint64_t> order;
  const std::uint64_t blocks = launch_.grid.count();
  if (options_.seed != 0) {
    order.resize(blocks);
    std::iota(order.begin(), order.end(), std::uint64_t(0));
    shuffle_order(order, random_);
  }
  for (std::uint64_t k = 0; k < blocks && report_.finished; ++k) run_block(order.empty() ? k : order[k]);
  return std::move(report_);
}

void Executor::run_block(std::uint64_t linear) {
  const Extent& grid = launch_.grid;
  block_ = {static_cast<std::uint32_t>(linear % grid.x), static_cast<std::uint32_t>(linear / grid.x % grid.y),
            static_cast<std::uint32_t>(linear / grid.x / grid.y)};
  block_first_ = epoch_ = next_epoch();
  std::memset(shared_, 0xcd, shared_bytes_);
  std::fill(shared_written_.begin(), shared_written_.end(), std::uint8_t(0));
  std::vector<std::uint64_t> order(warps_.size());
  std::iota(order.begin(), order.end(), std::uint64_t(0));
  if (program_.has_barriers) {
    for (std::uint32_t k = 0; k < warps_.size(); ++k) start_warp(warps_[k], k, warps_[k].file, block_);
  }
  bool is_first_turn = true;
  do {
    if (options_.seed != 0) shuffle_order(order, random_);
    for (std::uint64_t k : order) {
      Warp& warp = warps_[k];
      if (!program_.has_barriers && is_first_turn)
        start_warp(warp, static_cast<std::uint32_t>(k), warp.file, block_);
      if (warp.is_done()) continue;
      if (run_warp(warp) == Turn::failed) {
        report_.finished = false;
        return;
      }
    }
    is_first_turn = false;
  } while (finish_barrier());
}

/// All warps are at a barrier or have ended; lets them go on. False where none is left.
bool Executor::finish_barrier() {
  const Warp* first = nullptr;
  std::uint32_t exited = 0;
  for (const Warp& warp : warps_) {
    if (!warp.is_done() && first == nullptr) first = &warp;
    exited += static_cast<std::uint32_t>(std::popcount(warp.lanes & ~warp.live));
  }
  if (first == nullptr) return false;
  const Instruction& i = program_.code[first->barrier_pc];
  if (exited != 0)
    blame(Fault::barrier, i,
          std::to_string(exited) + " threads of block " + triple(block_) +
              " have exited and never reach the barrier");
  for (Warp& warp : warps_) {
    if (warp.is_done() || warp.barrier_pc == first->barrier_pc) continue;
    const Instruction& other = program_.code[warp.barrier_pc];
    blame(Fault::barrier, i,
          "while warp " + std::to_string(first->index) + " of block " + triple(block_) +
              " waits here, warp " + std::to_string(warp.index) + " waits at line " +
              std::to_string(other.line));
    break;
  }
  if (i.barrier != BarrierMode::sync) reduce_at_barrier(first->barrier_pc);
  epoch_ = next_epoch();
  for (Warp& warp : warps_) {
    warp.is_at_barrier = false;
    if (!warp.is_done()) warp.now.pc = warp.barrier_pc + 1;
    warp.time = 0;
  }
  return true;
}

void Executor::reduce_at_barrier(std::uint32_t pc) {
  const Instruction& i = program_.code[pc];
  std::uint32_t count = 0, threads = 0;
  for (const Warp& warp : warps_) {
    if (warp.is_done() || warp.barrier_pc != pc) continue;
    std::uint32_t p = 0;
    std::memcpy(&p, warp.file + i.a[0].offset, 4);
    count += static_cast<std::uint32_t>(std::popcount((i.negates_a ? ~p : p) & warp.live));
    threads += static_cast<std::uint32_t>(std::popcount(warp.live));
  }
  for (Warp& warp : warps_) {
    if (warp.is_done() || warp.barrier_pc != pc) continue;
    if (i.barrier == BarrierMode::count) {
      fill_slot(warp.file, i.d[0], count);
    } else {
      const bool holds = i.barrier == BarrierMode::conjunction ? count == threads : count != 0;
      const std::uint32_t p = holds ? kAllLanes : 0;
      std::memcpy(warp.file + i.d[0].offset, &p, 4);
    }
  }
}

Executor::Turn Executor::run_warp(Warp& warp) {
  for (;;) {
    if (warp.now.lanes == 0 && !pick_group(warp)) return warp.is_done() ? Turn::done : Turn::failed;
    const Instruction& i = program_.code[warp.now.pc];
    std::uint32_t mask = warp.now.lanes;
    if (i.guard != kNoOperand) {
      std::uint32_t guard = 0;
      std::memcpy(&guard, warp.file + i.guard, 4);
      mask &= i.negates_guard ? ~guard : guard;
    }
    if (++executed_ > options_.instruction_budget) {
      blame(Fault::budget, i,
            "given up here after " + std::to_string(options_.instruction_budget) + " instructions");
      return Turn::failed;
    }
    Counts& counts = report_.instructions[warp.now.pc];
    if (i.is_counted) {
      ++counts.warps;
      counts.lanes += static_cast<std::uint64_t>(std::popcount(mask));
    }
    bool is_ready = true;
    switch (i.kind) {
      case Kind::lanes:
        i.function(warp.file, i.lanes, mask);
        break;
      case Kind::load:
      case Kind::store:
      case Kind::atomic:
        if (mask != 0) access(warp, i, mask);
        break;
      case Kind::branch:
        branch(warp, i, mask);
        continue;
      case Kind::branch_table:
        branch_by_table(warp, i, mask);
        continue;
      case Kind::exit:
        retire(warp, mask);
        continue;
      case Kind::trap:
        if (mask == 0) break;
        blame(Fault::trap, i,
              thread_name(warp, static_cast<std::uint32_t>(std::countr_zero(mask))) + " gives up");
        return Turn::failed;
      case Kind::barrier:
        if (mask == 0) break;
        if (arrive(warp, i, mask)) return Turn::at_barrier;
        continue;
      case Kind::copy:
        if (mask != 0) copy_later(warp, i, mask);
        break;
      case Kind::commit_copies:
        for (std::uint32_t m = mask; m != 0; m &= m - 1)
          ++warp.groups[static_cast<std::size_t>(std::countr_zero(m))];
        break;
      case Kind::wait_copies:
        finish_copies(warp, i, mask);
        break;
      case Kind::active_mask:
        for (std::uint32_t m = mask; m != 0; m &= m - 1)
          std::memcpy(warp.file + i.d[0].offset + 4 * std::countr_zero(m), &mask, 4);
        break;
      case Kind::nothing:
        break;
      default:
        if (mask == 0) break;
        if (!gather_members(warp, i, mask, is_ready)) return Turn::failed;
        break;
    }
    if (!is_ready) continue;
    if (++warp.now.pc == warp.next_meeting) meet(warp);
  }
}

Toucher Executor::toucher(const Warp& warp, bool is_shared) const {
  return {epoch_, block_first_, is_shared ? block_first_ : launch_first_, warp.time, warp.index};
}

Report run(const Kernel& kernel, const Launch& launch, DeviceMemory& memory, const Options& options) {
  return Executor(kernel, launch, memory, options).run();
}

}  // namespace ptx
