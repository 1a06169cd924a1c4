/// Matrix product in single precision with one summation order: c[i, j] (+)= sum_k a[i, k] b[k, j].
///
/// Every element is one chain of fused multiply-adds over k = 0, 1, 2, ... starting from 0 (or from c), so
/// its bits do not depend on the sizes of the other dimensions, on blocking, on the instruction set or on the
/// number of threads. Training and everything else whose floats reach a file use this product and no
/// library's.
#pragma once

#include <cstddef>

namespace mq {

/// Element (i, k) of a is a[i * a_row + k * a_column]: any transpose is a matter of strides.
struct FloatProduct {
  std::size_t rows = 0;     ///< of a and c
  std::size_t columns = 0;  ///< of b and c
  std::size_t depth = 0;    ///< columns of a, rows of b
  const float* a = nullptr;
  std::size_t a_row = 0, a_column = 1;
  const float* b = nullptr;
  std::size_t b_row = 0, b_column = 1;
  float* c = nullptr;
  std::size_t c_row = 0;  ///< c is row-major with this stride
  bool adds = false;      ///< c += a b instead of c = a b
};

}  // namespace mq
