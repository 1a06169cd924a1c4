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
    std::uint32_t warp : 5 = 0, lane : 5 = 0, is_atomic : 1 = 0, many : 1 = 0, time : 20 = 0;
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
