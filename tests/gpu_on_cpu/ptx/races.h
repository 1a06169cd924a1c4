/// Who touched which bytes since when: finds two threads that nothing orders.
///
/// Threads run one after the other here; what counts is whether they had to. An epoch is a barrier interval
/// of one block; numbers of epochs grow and never repeat. Inside of an epoch, two lanes of a warp are ordered
/// by the synchronisations of the whole warp between them, counted by `time`.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace ptx {

enum class Touch : std::uint8_t { read, write, atomic };

struct Toucher {
  std::uint32_t epoch = 0;         // of the block, now
  std::uint32_t block_first = 0;   // the first epoch of this block
  std::uint32_t launch_first = 0;  // and of this launch; for shared memory that of the block
  std::uint32_t time = 0;
  std::uint32_t warp = 0;  // < 32
};

/// Of the bytes of one grain. Epoch 0: nobody.
class RaceCell {
 public:
  /// Notes that `lane` touches the cell; true if that races with what is noted already.
  bool touch(Touch touch, const Toucher& now, std::uint32_t lane);

 private:
  struct Writer {
    std::uint32_t epoch = 0;
    std::uint32_t warp : 5 = 0, lane : 5 = 0, is_atomic : 1 = 0, many_threads : 1 = 0, many_blocks : 1 = 0,
                         time : 19 = 0;
  };
  struct Readers {
    std::uint32_t epoch = 0;
    std::uint32_t warp : 5 = 0, many_warps : 1 = 0, many_blocks : 1 = 0, time : 20 = 0;
    std::uint32_t lanes = 0;
  };
  bool races_with_writer(const Toucher& now, std::uint32_t lane) const;
  bool races_with_readers(const Toucher& now, std::uint32_t lane) const;
  void note_reader(const Toucher& now, std::uint32_t lane);
  void note_writer(Touch touch, const Toucher& now, std::uint32_t lane);

  Writer writer_;
  Readers readers_;
};

inline constexpr std::uint32_t kTimeMask = (1u << 19) - 1;

// Blocks run one after the other, so an epoch before `block_first` is of another block of the launch.
inline bool RaceCell::races_with_writer(const Toucher& now, std::uint32_t lane) const {
  if (writer_.epoch < now.launch_first) return false;
  if (writer_.epoch < now.block_first || writer_.many_blocks != 0) return true;
  if (writer_.epoch != now.epoch) return false;
  if (writer_.warp != now.warp || writer_.many_threads != 0) return true;
  return writer_.lane != lane && writer_.time >= (now.time & kTimeMask);
}

inline bool RaceCell::races_with_readers(const Toucher& now, std::uint32_t lane) const {
  if (readers_.epoch < now.launch_first) return false;
  if (readers_.epoch < now.block_first || readers_.many_blocks != 0) return true;
  if (readers_.epoch != now.epoch) return false;
  if (readers_.warp != now.warp || readers_.many_warps != 0) return true;
  return readers_.time >= (now.time & kTimeMask) && (readers_.lanes & ~(1u << lane)) != 0;
}

inline void RaceCell::note_reader(const Toucher& now, std::uint32_t lane) {
  Readers next;
  next.epoch = now.epoch;
  next.warp = now.warp & 31u;
  next.time = now.time & kTimeMask;
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

inline void RaceCell::note_writer(Touch touch, const Toucher& now, std::uint32_t lane) {
  Writer next;
  next.epoch = now.epoch;
  next.warp = now.warp & 31u;
  next.lane = lane & 31u;
  next.time = now.time & kTimeMask;
  next.is_atomic = touch == Touch::atomic;
  // Several atomics do not race with each other, but each of them with a plain access that follows.
  if (touch == Touch::atomic && writer_.is_atomic != 0 && writer_.epoch >= now.launch_first) {
    const bool is_same_epoch = writer_.epoch == now.epoch;
    const bool is_other_thread = writer_.warp != next.warp || writer_.lane != next.lane;
    next.many_blocks = writer_.many_blocks != 0 || writer_.epoch < now.block_first ? 1 : 0;
    next.many_threads = is_same_epoch && (writer_.many_threads != 0 || is_other_thread) ? 1 : 0;
  }
  writer_ = next;
}

inline bool RaceCell::touch(Touch touch, const Toucher& now, std::uint32_t lane) {
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

/// The cells of an allocation, made where they are touched.
class RacePages {
 public:
  RacePages(std::size_t bytes, std::uint32_t grain)
      : grain_(grain), pages_((bytes / grain + kCells) / kCells) {}
  std::uint32_t grain() const { return grain_; }
  RaceCell& cell(std::size_t offset) {
    const std::size_t index = offset / grain_;
    auto& page = pages_[index / kCells];
    if (!page) page = std::make_unique<RaceCell[]>(kCells);
    return page[index % kCells];
  }

 private:
  static constexpr std::size_t kCells = 1024;
  std::uint32_t grain_;
  std::vector<std::unique_ptr<RaceCell[]>> pages_;
};

}  // namespace ptx
