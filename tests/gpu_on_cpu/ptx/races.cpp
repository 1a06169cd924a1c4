#include "races.h"

namespace ptx {

// Blocks run one after the other, so an epoch before `block_first` is of another block of the launch.
bool RaceCell::races_with_writer(const Toucher& now, std::uint32_t lane) const {
  if (writer_.epoch < now.launch_first) return false;
  if (writer_.epoch < now.block_first || writer_.many != 0) return true;
  if (writer_.epoch != now.epoch) return false;
  if (writer_.warp != now.warp) return true;
  return writer_.lane != lane && writer_.time >= (now.time & 0xfffffu);
}

bool RaceCell::races_with_readers(const Toucher& now, std::uint32_t lane) const {
  if (readers_.epoch < now.launch_first) return false;
  if (readers_.epoch < now.block_first || readers_.many_blocks != 0) return true;
  if (readers_.epoch != now.epoch) return false;
  if (readers_.warp != now.warp || readers_.many_warps != 0) return true;
  return readers_.time >= (now.time & 0xfffffu) && (readers_.lanes & ~(1u << lane)) != 0;
}

void RaceCell::note_reader(const Toucher& now, std::uint32_t lane) {
  Readers next;
  next.epoch = now.epoch;
  next.warp = now.warp & 31u;
  next.time = now.time & 0xfffffu;
  next.lanes = 1u << lane;
  if (readers_.epoch == now.epoch) {
    next.many_blocks = readers_.many_blocks;
    next.many_warps = (readers_.many_warps != 0 || readers_.warp != next.warp) ? 1 : 0;
    if (readers_.warp == next.warp && readers_.time == next.time) next.lanes |= readers_.lanes;
  } else if (readers_.epoch >= now.launch_first) {
    next.many_blocks = (readers_.many_blocks != 0 || readers_.epoch < now.block_first) ? 1 : 0;
  }
  readers_ = next;
}

void RaceCell::note_writer(Touch touch, const Toucher& now, std::uint32_t lane) {
  Writer next;
  next.epoch = now.epoch;
  next.warp = now.warp & 31u;
  next.lane = lane & 31u;
  next.time = now.time & 0xfffffu;
  next.is_atomic = touch == Touch::atomic;
  // Several atomics do not race with each other, but each of them with a plain access that follows.
  if (touch == Touch::atomic && writer_.is_atomic != 0 && writer_.epoch >= now.launch_first) {
    const bool is_other_block = writer_.epoch < now.block_first;
    const bool is_other_thread =
        writer_.epoch == now.epoch && (writer_.warp != next.warp || writer_.lane != next.lane);
    next.many = is_other_block || is_other_thread || (writer_.many != 0 && writer_.epoch == now.epoch);
  }
  writer_ = next;
}

bool RaceCell::touch(Touch touch, const Toucher& now, std::uint32_t lane) {
  if (touch == Touch::read) {
    const bool races = races_with_writer(now, lane);
    note_reader(now, lane);
    return races;
  }
  const bool is_among_atomics = touch == Touch::atomic && writer_.is_atomic != 0;
  const bool races = (!is_among_atomics && races_with_writer(now, lane)) || races_with_readers(now, lane);
  note_writer(touch, now, lane);
  return races;
}

}  // namespace ptx
