/// Cases for every operation of kernels/training_ops.h: how to run it, and what plain loops make of it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "meltquench/core/buffer.h"
#include "meltquench/kernels/kernel_table.h"

namespace mq {

struct TrainingOutcome {
  std::vector<float> floats;
  std::vector<std::int64_t> integers;
};

struct TrainingCase {
  std::string name;
  std::function<TrainingOutcome(const KernelTable&, const Exec&)> run;
  std::function<TrainingOutcome()> expected;
};

namespace training_cases_detail {

inline std::vector<float> values(std::size_t size, std::uint32_t stream) {
  std::vector<float> v(size);
  const RngKey key = RngKey(77, Purpose::sampling).at_event(stream);
  // Steps of 1/8 make equal neighbours and exact zeros likely: the ties of maxima and rectifiers.
  for (std::size_t i = 0; i < size; ++i) {
    v[i] = mq::rint(16.0f * Rng<float>(key, static_cast<std::uint32_t>(i)).uniform() - 8.0f) / 8.0f;
    if (i % 3 == 0) v[i] += 0.0137f * static_cast<float>(i % 11);
  }
  return v;
}

template <class T>
Buffer<T> there(const Exec& exec, const std::vector<T>& host) {
  return Buffer<T>(exec, std::span<const T>(host));
}
template <class T>
std::vector<T> back(const Buffer<T>& buffer) {
  std::vector<T> host(buffer.size());
  buffer.copy_to(host);
  return host;
}

inline std::size_t images(const Windows& w) { return std::size_t(w.samples) * w.channels; }
inline std::size_t pixels(const Windows& w) { return images(w) * w.height * w.width; }
inline std::size_t windows(const Windows& w) { return images(w) * w.rows * w.columns; }

/// Calls visit(image, window, pixel of it or -1 for padding, place in the window) in ascending order.
template <class Visit>
void for_each_place(const Windows& w, Visit visit) {
  for (std::uint32_t image = 0; image < w.samples * w.channels; ++image) {
    for (std::uint32_t o = 0; o < w.rows * w.columns; ++o) {
      for (std::uint32_t place = 0; place < w.size * w.size; ++place) {
        const int y = int(o / w.columns * w.stride + place / w.size) - int(w.padding);
        const int x = int(o % w.columns * w.stride + place % w.size) - int(w.padding);
        const bool is_inside = y >= 0 && x >= 0 && y < int(w.height) && x < int(w.width);
        visit(image, o, is_inside ? y * int(w.width) + x : -1, place);
      }
    }
  }
}

inline std::size_t patch_place(const Windows& w, std::uint32_t image, std::uint32_t o, std::uint32_t place) {
  return ((std::size_t(image / w.channels) * w.rows * w.columns + o) * w.channels + image % w.channels) *
             w.size * w.size +
         place;
}

inline std::string text(const Windows& w) {
  return std::to_string(w.size) + " x " + std::to_string(w.size) + ", stride " + std::to_string(w.stride) +
         ", padding " + std::to_string(w.padding);
}

inline Windows over(std::uint32_t height, std::uint32_t width, std::uint32_t size, std::uint32_t stride,
                    std::uint32_t padding) {
  return {.samples = 3,
          .channels = 2,
          .height = height,
          .width = width,
          .rows = (height + 2 * padding - size) / stride + 1,
          .columns = (width + 2 * padding - size) / stride + 1,
          .size = size,
          .stride = stride,
          .padding = padding};
}

inline void add_patch_cases(std::vector<TrainingCase>& cases, const Windows& w) {
  const std::size_t size = windows(w) * w.size * w.size;
  cases.push_back({"gather_patches, " + text(w),
                   [=](const KernelTable& table, const Exec& exec) {
                     const auto x = there(exec, values(pixels(w), 1));
                     Buffer<float> patches(exec, size);
                     table.training.gather_patches(
                         exec, {.windows = w, .images = x.data(), .patches = patches.data()});
                     return TrainingOutcome{back(patches), {}};
                   },
                   [=] {
                     const auto x = values(pixels(w), 1);
                     std::vector<float> patches(size);
                     for_each_place(w, [&](auto image, auto o, int pixel, auto place) {
                       patches[patch_place(w, image, o, place)] =
                           pixel < 0 ? 0.0f : x[image * w.height * w.width + std::size_t(pixel)];
                     });
                     return TrainingOutcome{patches, {}};
                   }});
  cases.push_back(
      {"add_patches, " + text(w),
       [=](const KernelTable& table, const Exec& exec) {
         const auto patches = there(exec, values(size, 2));
         auto x = there(exec, values(pixels(w), 3));  // overwritten
         table.training.add_patches(exec, {.windows = w, .patches = patches.data(), .images = x.data()});
         return TrainingOutcome{back(x), {}};
       },
       [=] {
         const auto patches = values(size, 2);
         std::vector<float> x(pixels(w));
         for_each_place(w, [&](auto image, auto o, int pixel, auto place) {
           if (pixel < 0) return;
           x[image * w.height * w.width + std::size_t(pixel)] += patches[patch_place(w, image, o, place)];
         });
         return TrainingOutcome{x, {}};
       }});
}

/// Forward and backward of one kind of pooling.
inline void add_pool_cases(std::vector<TrainingCase>& cases, const Windows& w, bool is_maximum) {
  const std::string kind = is_maximum ? "max_pool" : "mean_pool";
  const float share = 1.0f / static_cast<float>(w.size * w.size);
  const auto best_of = [=](const std::vector<float>& x) {
    std::vector<std::size_t> best(windows(w));
    for_each_place(w, [&](auto image, auto o, int pixel, auto place) {
      const std::size_t at = image * w.height * w.width + std::size_t(pixel);
      std::size_t& b = best[image * w.rows * w.columns + o];
      if (place == 0 || x[at] > x[b]) b = at;
    });
    return best;
  };
  cases.push_back({kind + ", " + text(w),
                   [=](const KernelTable& table, const Exec& exec) {
                     const auto x = there(exec, values(pixels(w), 4));
                     Buffer<float> y(exec, windows(w));
                     const PoolForward op{.windows = w, .x = x.data(), .y = y.data()};
                     (is_maximum ? table.training.max_pool : table.training.mean_pool)(exec, op);
                     return TrainingOutcome{back(y), {}};
                   },
                   [=] {
                     const auto x = values(pixels(w), 4);
                     std::vector<float> y(windows(w));
                     if (is_maximum) {
                       const auto best = best_of(x);
                       for (std::size_t i = 0; i < y.size(); ++i) y[i] = x[best[i]];
                     } else {
                       for_each_place(w, [&](auto image, auto o, int pixel, auto) {
                         y[image * w.rows * w.columns + o] +=
                             x[image * w.height * w.width + std::size_t(pixel)];
                       });
                       for (float& sum : y) sum *= share;
                     }
                     return TrainingOutcome{y, {}};
                   }});
  cases.push_back(
      {kind + "_backward, " + text(w),
       [=](const KernelTable& table, const Exec& exec) {
         const auto x = there(exec, values(pixels(w), 4)), dy = there(exec, values(windows(w), 5));
         auto dx = there(exec, values(pixels(w), 6));  // overwritten
         const PoolBackward op{.windows = w, .x = x.data(), .dy = dy.data(), .dx = dx.data()};
         (is_maximum ? table.training.max_pool_backward : table.training.mean_pool_backward)(exec, op);
         return TrainingOutcome{back(dx), {}};
       },
       [=] {
         const auto x = values(pixels(w), 4), dy = values(windows(w), 5);
         std::vector<float> dx(pixels(w));
         if (is_maximum) {
           const auto best = best_of(x);
           for (std::size_t i = 0; i < best.size(); ++i) dx[best[i]] += dy[i];
         } else {
           for_each_place(w, [&](auto image, auto o, int pixel, auto) {
             dx[image * w.height * w.width + std::size_t(pixel)] +=
                 dy[image * w.rows * w.columns + o] * share;
           });
         }
         return TrainingOutcome{dx, {}};
       }});
}

}  // namespace training_cases_detail

/// Windows over images, with and without overlap, padding and left-over pixels.
inline std::vector<TrainingCase> image_cases() {
  using namespace training_cases_detail;
  std::vector<TrainingCase> cases;
  for (const Windows& w : {over(9, 7, 3, 1, 0), over(9, 7, 3, 2, 1), over(4, 4, 5, 1, 3), over(9, 7, 2, 3, 0),
                           over(6, 5, 1, 1, 0)}) {
    add_patch_cases(cases, w);
  }
  for (const Windows& w :
       {over(8, 10, 2, 2, 0), over(7, 9, 2, 2, 0), over(9, 7, 3, 1, 0), over(9, 11, 3, 2, 0)}) {
    add_pool_cases(cases, w, true);
    add_pool_cases(cases, w, false);
  }
  return cases;
}

}  // namespace mq
