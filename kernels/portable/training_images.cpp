/// Windows over images: patches of convolutions and pooling. Contracts: kernels/training_ops.h.
///
/// Where windows overlap, several of them add to one pixel. On CUDA a thread owns the pixel and visits its
/// windows, on the CPU a loop visits the windows of an image and adds to their pixels; for each pixel both
/// are the same chain.
#include "meltquench/core/math.h"
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"

namespace mq::MQ_BACKEND {
namespace {

MQ_HD std::int32_t smaller(std::int32_t a, std::int32_t b) { return a < b ? a : b; }
MQ_HD std::int32_t larger(std::int32_t a, std::int32_t b) { return a > b ? a : b; }
MQ_HD std::int32_t as_int(std::uint32_t a) { return static_cast<std::int32_t>(a); }

/// First and last pixel, or window, in one direction.
struct Span {
  std::int32_t first, last;
};

/// Windows that hold any of the pixels, in one direction.
MQ_HD Span windows_over(const Windows& w, Span pixels, std::uint32_t windows) {
  const std::int32_t size = as_int(w.size), stride = as_int(w.stride), padding = as_int(w.padding);
  const std::int32_t behind = pixels.first + padding - size;  // the last window in front of the pixels
  return {behind < 0 ? 0 : behind / stride + 1,
          smaller((pixels.last + padding) / stride, as_int(windows) - 1)};
}

/// Places inside a window that starts at pixel `start` and meets the pixels.
MQ_HD Span places_in(const Windows& w, std::int32_t start, Span pixels) {
  return {larger(pixels.first - start, 0), smaller(pixels.last - start, as_int(w.size) - 1)};
}

/// A whole image of one channel, or one pixel of it, and the windows that meet it.
struct PixelRange {
  Span y, x;

  /// Pixels [first, last): one, or all.
  MQ_HD PixelRange(const Windows& w, std::uint32_t first, std::uint32_t last) {
    const std::int32_t width = as_int(w.width), from = as_int(first), to = as_int(last) - 1;
    y = {from / width, to / width};
    x = {from % width, to % width};
  }

  /// Calls visit(window, start of the window in y and x) in ascending order.
  template <class Visit>
  MQ_HD void for_each_window(const Windows& w, Visit visit) const {
    const Span rows = windows_over(w, y, w.rows), columns = windows_over(w, x, w.columns);
    for (std::int32_t i = rows.first; i <= rows.last; ++i) {
      for (std::int32_t j = columns.first; j <= columns.last; ++j) {
        visit(static_cast<std::size_t>(i) * w.columns + static_cast<std::size_t>(j),
              i * as_int(w.stride) - as_int(w.padding), j * as_int(w.stride) - as_int(w.padding));
      }
    }
  }
};

#if defined(__CUDACC__) || defined(MQ_CUDA_ON_CPU)

/// Row: a patch. Columns: its values (channel, i, j): neighbouring threads write neighbours.
struct GatherPatch {
  GatherPatches op;

  MQ_HD static std::size_t columns(const Windows& w) { return std::size_t(w.channels) * w.size * w.size; }

  MQ_HD void operator()(std::uint32_t row, std::uint32_t place, std::uint32_t) const {
    const Windows& w = op.windows;
    const std::uint32_t windows = w.rows * w.columns, window = row % windows;
    const std::uint32_t run = place / w.size, channel = run / w.size;
    // Beyond the upper and the left edge these wrap, and are larger than any image.
    const std::uint32_t y = window / w.columns * w.stride - w.padding + run % w.size,
                        x = window % w.columns * w.stride - w.padding + place % w.size;
    const std::size_t image = std::size_t(row / windows) * w.channels + channel;
    const bool is_in_image = y < w.height && x < w.width;
    op.patches[row * columns(w) + place] =
        is_in_image ? op.images[(image * w.height + y) * w.width + x] : 0.0f;
  }
};

#else

/// Row: a patch. Columns: its runs of neighbouring pixels, (channel, i).
struct GatherPatch {
  GatherPatches op;

  MQ_HD static std::size_t columns(const Windows& w) { return std::size_t(w.channels) * w.size; }

  MQ_HD void operator()(std::uint32_t row, std::uint32_t first, std::uint32_t last) const {
    const Windows& w = op.windows;
    const std::uint32_t windows = w.rows * w.columns, size = w.size, runs = w.channels * size;
    const std::uint32_t sample = row / windows, window = row % windows;
    const std::int32_t top = as_int(window / w.columns * w.stride) - as_int(w.padding);
    const std::int32_t left = as_int(window % w.columns * w.stride) - as_int(w.padding);
    const Span inside = places_in(w, left, {0, as_int(w.width) - 1});
    const bool is_whole = inside.first == 0 && inside.last == as_int(size) - 1;
    std::uint32_t channel = first / size, i = first % size;
    float* to = op.patches + (std::size_t(row) * runs + first) * size;
    for (std::uint32_t run = first; run < last; ++run, to += size) {
      const std::int32_t y = top + as_int(i);
      const bool is_in_image = y >= 0 && y < as_int(w.height);
      const std::ptrdiff_t from =
          (std::ptrdiff_t(sample * w.channels + channel) * w.height + y) * w.width + left;
      if (is_in_image && is_whole) {
        for (std::uint32_t j = 0; j < size; ++j) to[j] = op.images[from + j];
      } else {
        for (std::int32_t j = 0; j < as_int(size); ++j) {
          to[j] = is_in_image && j >= inside.first && j <= inside.last ? op.images[from + j] : 0.0f;
        }
      }
      if (++i == size) i = 0, ++channel;
    }
  }
};

#endif

/// Row: an image of one channel. Columns: its pixels.
struct AddPatchesToImage {
  AddPatches op;

  MQ_HD void operator()(std::uint32_t row, std::uint32_t first, std::uint32_t last) const {
    const Windows& w = op.windows;
    const std::size_t windows = std::size_t(w.rows) * w.columns, area = std::size_t(w.size) * w.size;
    const std::uint32_t sample = row / w.channels, channel = row % w.channels;
    float* image = op.images + std::size_t(row) * w.height * w.width;
    for (std::uint32_t i = first; i < last; ++i) image[i] = 0.0f;
    const PixelRange pixels(w, first, last);
    pixels.for_each_window(w, [&](std::size_t window, std::int32_t top, std::int32_t left) {
      const float* patch = op.patches + ((sample * windows + window) * w.channels + channel) * area;
      const Span rows = places_in(w, top, pixels.y), columns = places_in(w, left, pixels.x);
      for (std::int32_t i = rows.first; i <= rows.last; ++i) {
        float* to = image + (top + i) * as_int(w.width) + left;
        const float* from = patch + i * as_int(w.size);
        for (std::int32_t j = columns.first; j <= columns.last; ++j) to[j] += from[j];
      }
    });
  }
};

/// Row: a column of a sample. Columns: its rows.
struct TransposeRow {
  TransposeSamples op;

  MQ_HD void operator()(std::uint32_t row, std::uint32_t first, std::uint32_t last) const {
    const std::size_t rows = op.rows, columns = op.columns;
    const std::size_t sample = row / columns, column = row % columns;
    const float* from = op.from + sample * rows * columns + column;
    float* to = op.to + row * rows;
    if (op.bias == nullptr) {
      for (std::uint32_t r = first; r < last; ++r) to[r] = from[r * columns];
    } else {
      const float bias = op.bias[column];
      for (std::uint32_t r = first; r < last; ++r) to[r] = from[r * columns] + bias;
    }
  }
};

/// Place of the largest pixel of a window without padding.
MQ_HD std::uint32_t place_of_maximum(const Windows& w, const float* image, std::uint32_t first) {
  std::uint32_t best = first;
  for (std::uint32_t i = 0; i < w.size; ++i) {
    for (std::uint32_t j = 0; j < w.size; ++j) {
      const std::uint32_t place = first + i * w.width + j;
      if (image[place] > image[best]) best = place;
    }
  }
  return best;
}

MQ_HD float mean_share(const Windows& w) { return 1.0f / static_cast<float>(w.size * w.size); }

/// Row: a row of windows over an image of one channel. Columns: its windows.
struct MaxPoolRow {
  PoolForward op;

  MQ_HD void operator()(std::uint32_t row, std::uint32_t first, std::uint32_t last) const {
    const Windows& w = op.windows;
    const float* image = op.x + std::size_t(row / w.rows) * w.height * w.width;
    float* y = op.y + std::size_t(row) * w.columns;
    const std::uint32_t top = row % w.rows * w.stride;
    for (std::uint32_t j = first; j < last; ++j) {
      y[j] = image[place_of_maximum(w, image, top * w.width + j * w.stride)];
    }
  }
};

struct MeanPoolRow {
  PoolForward op;

  MQ_HD void operator()(std::uint32_t row, std::uint32_t first, std::uint32_t last) const {
    const Windows& w = op.windows;
    const float* image = op.x + std::size_t(row / w.rows) * w.height * w.width;
    float* y = op.y + std::size_t(row) * w.columns;
    const std::uint32_t top = row % w.rows * w.stride;
    const float share = mean_share(w);
    for (std::uint32_t column = first; column < last; ++column) {
      const float* window = image + top * w.width + column * w.stride;
      float sum = 0.0f;
      for (std::uint32_t i = 0; i < w.size; ++i) {
        for (std::uint32_t j = 0; j < w.size; ++j) sum += window[i * w.width + j];
      }
      y[column] = sum * share;
    }
  }
};

/// Row: an image of one channel. Columns: its pixels.
struct MaxPoolImageBackward {
  PoolBackward op;

  MQ_HD void operator()(std::uint32_t row, std::uint32_t first, std::uint32_t last) const {
    const Windows& w = op.windows;
    const std::size_t pixels = std::size_t(w.height) * w.width, windows = std::size_t(w.rows) * w.columns;
    const float* image = op.x + row * pixels;
    const float* dy = op.dy + row * windows;
    float* dx = op.dx + row * pixels;
    for (std::uint32_t i = first; i < last; ++i) dx[i] = 0.0f;
    const PixelRange range(w, first, last);
    range.for_each_window(w, [&](std::size_t window, std::int32_t top, std::int32_t left) {
      const std::uint32_t place =
          place_of_maximum(w, image, static_cast<std::uint32_t>(top * as_int(w.width) + left));
      if (place >= first && place < last) dx[place] += dy[window];
    });
  }
};

struct MeanPoolImageBackward {
  PoolBackward op;

  MQ_HD void operator()(std::uint32_t row, std::uint32_t first, std::uint32_t last) const {
    const Windows& w = op.windows;
    const float* dy = op.dy + row * (std::size_t(w.rows) * w.columns);
    float* dx = op.dx + row * (std::size_t(w.height) * w.width);
    for (std::uint32_t i = first; i < last; ++i) dx[i] = 0.0f;
    const float share = mean_share(w);
    const PixelRange pixels(w, first, last);
    pixels.for_each_window(w, [&](std::size_t window, std::int32_t top, std::int32_t left) {
      const Span rows = places_in(w, top, pixels.y), columns = places_in(w, left, pixels.x);
      const float addend = dy[window] * share;
      for (std::int32_t i = rows.first; i <= rows.last; ++i) {
        float* to = dx + (top + i) * as_int(w.width) + left;
        for (std::int32_t j = columns.first; j <= columns.last; ++j) to[j] += addend;
      }
    });
  }
};

std::size_t images_in(const Windows& w) { return std::size_t(w.samples) * w.channels; }
std::size_t pixels_in(const Windows& w) { return std::size_t(w.height) * w.width; }

}  // namespace

void gather_patches(const Exec& exec, const GatherPatches& op) {
  const Windows& w = op.windows;
  for_each_row(exec, std::size_t(w.samples) * w.rows * w.columns, GatherPatch::columns(w), GatherPatch{op});
}

void add_patches(const Exec& exec, const AddPatches& op) {
  for_each_row(exec, images_in(op.windows), pixels_in(op.windows), AddPatchesToImage{op});
}

void transpose_samples(const Exec& exec, const TransposeSamples& op) {
  for_each_row(exec, op.samples * op.columns, op.rows, TransposeRow{op});
}

void max_pool(const Exec& exec, const PoolForward& op) {
  for_each_row(exec, images_in(op.windows) * op.windows.rows, op.windows.columns, MaxPoolRow{op});
}

void max_pool_backward(const Exec& exec, const PoolBackward& op) {
  for_each_row(exec, images_in(op.windows), pixels_in(op.windows), MaxPoolImageBackward{op});
}

void mean_pool(const Exec& exec, const PoolForward& op) {
  for_each_row(exec, images_in(op.windows) * op.windows.rows, op.windows.columns, MeanPoolRow{op});
}

void mean_pool_backward(const Exec& exec, const PoolBackward& op) {
  for_each_row(exec, images_in(op.windows), pixels_in(op.windows), MeanPoolImageBackward{op});
}

}  // namespace mq::MQ_BACKEND
