/// DAC codes of patches on the CPU: every pixel is converted once, into an image of codes with its padding,
/// and copied into its patches while that image is in the cache.
#include <cstring>

#include "meltquench/core/thread_team.h"
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/cpu/code_lanes.h"
#include "meltquench/kernels/for_each.h"
#include "meltquench/kernels/quantize.h"

namespace mq::MQ_BACKEND {
namespace {

using Wide = WideFloat;
constexpr std::uint32_t kWidth = LaneTraits<Wide>::kWidth;
constexpr std::size_t kWorthThreads = 16384;  // codes: below, starting threads costs more than it saves

struct DacCounts {
  std::int64_t clips = 0, codes = 0;
};

/// Windows over a pixel in one direction.
MQ_HD std::int32_t windows_over(const Windows& w, std::uint32_t pixel, std::uint32_t windows) {
  const std::uint32_t place = pixel + w.padding;
  const std::uint32_t behind = place / w.stride + 1;  // windows that begin at the pixel or in front of it
  const std::uint32_t passed = place < w.size ? 0 : (place - w.size) / w.stride + 1;  // that end in front
  return static_cast<std::int32_t>(behind < windows ? behind : windows) -
         static_cast<std::int32_t>(passed < windows ? passed : windows);
}

class PatchCodes {
 public:
  MQ_HD explicit PatchCodes(const QuantizePatches& op)
      : w_(op.windows),
        op_(op.codes),
        uses_(reinterpret_cast<std::int32_t*>(op.pixels)),
        codes_(op.pixels + 2 * w_.width),
        squares_(codes_ + w_.samples * padded_pixels(w_)),
        shift_(square_shift(op_.largest_code())),
        width_(w_.width + 2 * w_.padding),
        height_(w_.height + 2 * w_.padding) {}

  MQ_HD void count_uses() const {
    for (std::uint32_t x = 0; x < w_.width; ++x) uses_[x] = windows_over(w_, x, w_.columns);
  }

  MQ_HD void treat(std::uint32_t sample, DacCounts& counts) const {
    const std::size_t image = sample * padded_pixels(w_);
    convert(op_.x + std::size_t(sample) * w_.channels * w_.height * w_.width, image, counts);
    const std::size_t first_row = std::size_t(sample) * w_.rows * w_.columns;
    copy(codes_ + image, op_.codes + first_row * op_.code_stride);
    if (op_.squares != nullptr) copy(squares_ + image, op_.squares + first_row * op_.code_stride);
  }

 private:
  MQ_HD void convert(const float* x, std::size_t to, DacCounts& counts) const {
    std::memset(codes_ + to, 0, padded_pixels(w_) * sizeof(std::int16_t));
    if (op_.squares != nullptr) std::memset(squares_ + to, 0, padded_pixels(w_) * sizeof(std::int16_t));
    for (std::uint32_t channel = 0; channel < w_.channels; ++channel) {
      std::size_t at = to + (std::size_t(channel) * height_ + w_.padding) * width_ + w_.padding;
      for (std::uint32_t y = 0; y < w_.height; ++y, x += w_.width, at += width_) {
        DacCounts row;
        convert_row(x, at, row);
        const std::int64_t uses = windows_over(w_, y, w_.rows);
        counts.clips += uses * row.clips;
        counts.codes += uses * row.codes;
      }
    }
  }

  MQ_HD void convert_row(const float* x, std::size_t at, DacCounts& counts) const {
    LaneTraits<Wide>::Int clips(0), codes(0);
    std::int32_t rest_clips = 0, rest_codes = 0;
    std::uint32_t j = 0;
    for (; j + kWidth <= w_.width; j += kWidth) convert_pixels<Wide>(x, at, j, clips, codes);
    for (; j < w_.width; ++j) convert_pixels<float>(x, at, j, rest_clips, rest_codes);
    counts.clips += rest_clips + sum_of_lanes<Wide>(clips);
    counts.codes += rest_codes + sum_of_lanes<Wide>(codes);
  }

  template <class F, class I>
  MQ_HD void convert_pixels(const float* x, std::size_t at, std::uint32_t j, I& clips, I& codes) const {
    F clipped;
    const I code = to_int(dac_code(load<F>(x + j), op_.codes_per_unit, op_.code_limit, clipped));
    const I uses = load<I>(uses_ + j);
    clips = clips + to_int(clipped) * uses;
    codes = codes + magnitude_of(code) * uses;
    store_short(codes_ + at + j, code);
    if (op_.squares != nullptr) store_short(squares_ + at + j, square_of(code, shift_));
  }

  /// All patches of an image.
  MQ_HD void copy(const std::int16_t* image, std::int16_t* to) const {
    for (std::uint32_t i = 0; i < w_.rows; ++i) {
      for (std::uint32_t j = 0; j < w_.columns; ++j, to += op_.code_stride) {
        const std::int16_t* window = image + std::size_t(i) * w_.stride * width_ + j * w_.stride;
        if (op_.inputs <= op_.block) {
          copy_patch(window, to);
        } else {
          cut_patch(window, to);
        }
      }
    }
  }

  /// A patch in one block. A short run of pixels is copied with what follows it where the next run overwrites
  /// that.
  MQ_HD void copy_patch(const std::int16_t* window, std::int16_t* to) const {
    const std::int16_t* end = to + op_.code_stride;
    std::int16_t* const padding = to + op_.inputs;
    for (std::uint32_t channel = 0; channel < w_.channels; ++channel) {
      const std::int16_t* from = window + std::size_t(channel) * height_ * width_;
      for (std::uint32_t i = 0; i < w_.size; ++i, from += width_, to += w_.size) {
        if (w_.size <= kRun && end - to >= kRun) {
          std::memcpy(to, from, kRun * sizeof(std::int16_t));
        } else {
          for (std::uint32_t j = 0; j < w_.size; ++j) to[j] = from[j];
        }
      }
    }
    for (std::int16_t* p = padding; p < end; ++p) *p = 0;
  }

  /// The same in several blocks, each with its padding.
  MQ_HD void cut_patch(const std::int16_t* window, std::int16_t* to) const {
    const std::int16_t* end = to + op_.code_stride;
    std::size_t room = op_.block;
    const std::size_t padding = padded_inputs(op_.block) - op_.block;
    for (std::uint32_t run = 0; run < w_.channels * w_.size; ++run) {
      const std::int16_t* from = window + (std::size_t(run / w_.size) * height_ + run % w_.size) * width_;
      for (std::uint32_t j = 0; j < w_.size; ++j, --room) {
        if (room == 0) {
          for (std::size_t k = 0; k < padding; ++k) *to++ = 0;
          room = op_.block;
        }
        *to++ = from[j];
      }
    }
    for (; to < end; ++to) *to = 0;
  }

  static constexpr std::ptrdiff_t kRun = 8;  // 16 bytes: one move

  const Windows w_;
  const QuantizeInputs op_;
  std::int32_t* uses_;  // [width]
  std::int16_t* codes_;
  std::int16_t* squares_;
  int shift_;
  std::size_t width_, height_;
};

}  // namespace

void quantize_patches(const Exec& exec, const QuantizePatches& op) {
  MQ_EXPECTS((op.windows.width + 2 * op.windows.padding) * op.windows.size < 1u << 16);
  const PatchCodes patches(op);
  patches.count_uses();
  const int threads = op.codes.batch * op.codes.inputs < kWorthThreads ? 1 : exec.threads;
  std::int64_t clips = 0, codes = 0;
  parallel_ranges(threads, op.windows.samples, [&](std::int64_t first, std::int64_t last, int) {
    DacCounts counts;
    for (std::int64_t s = first; s < last; ++s) patches.treat(static_cast<std::uint32_t>(s), counts);
    add_from_any_thread(&clips, counts.clips);
    add_from_any_thread(&codes, counts.codes);
  });
  op.codes.counts->dac_clips += clips;
  op.codes.counts->sum_of_codes += codes;
}

}  // namespace mq::MQ_BACKEND
