/// Sizes and places in a grid.
#pragma once

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

struct uint3 {
  unsigned x = 0, y = 0, z = 0;
};

/// Of the thread that runs; set by on_cpu::run_grid.
inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;
