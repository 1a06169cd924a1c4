/// Arrays, weights and inputs for the tests of crossbar/.
#pragma once

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <string>
#include <vector>

#include "meltquench/core/error.h"
#include "meltquench/crossbar/tile_array.h"

namespace mq {

using DoubleMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr double kHour = 3600.0, kDay = 86400.0, kMonth = 30 * kDay, kYear = 365 * kDay;

/// Uniform in +-1, a share of `zeros` set to 0; a function of `stream`.
inline std::vector<float> uniforms(std::size_t size, std::uint32_t stream, float zeros = 0.0f) {
  std::vector<float> values(size);
  for (std::size_t i = 0; i < size; ++i) {
    Rng<float> rng(RngKey(2024, Purpose::sampling, stream), static_cast<std::uint32_t>(i));
    const bool is_zero = rng.uniform() < zeros;
    values[i] = is_zero ? 0.0f : 2.0f * rng.uniform() - 1.0f;
  }
  return values;
}

/// x W^T in double precision, by Eigen.
template <class T, class W>
DoubleMatrix exact_product(const std::vector<T>& x, const std::vector<W>& w, std::size_t inputs) {
  using XMatrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using WMatrix = Eigen::Matrix<W, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto columns = static_cast<Eigen::Index>(inputs);
  const Eigen::Map<const XMatrix> a(x.data(), static_cast<Eigen::Index>(x.size()) / columns, columns);
  const Eigen::Map<const WMatrix> b(w.data(), static_cast<Eigen::Index>(w.size()) / columns, columns);
  return a.template cast<double>() * b.template cast<double>().transpose();
}

inline double largest(const DoubleMatrix& m) { return m.cwiseAbs().maxCoeff(); }

/// Outputs y[batch, columns] as a matrix of doubles.
template <class T>
DoubleMatrix as_matrix(const std::vector<T>& y, std::size_t columns) {
  using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto c = static_cast<Eigen::Index>(columns);
  return Eigen::Map<const Matrix>(y.data(), static_cast<Eigen::Index>(y.size()) / c, c)
      .template cast<double>();
}

/// Hardware without converters or noise of products.
inline Hardware ideal_io(const char* preset, int rows = 256, int columns = 256) {
  Hardware h;
  h.device = device_from_preset(preset);
  h.tile.rows = rows;
  h.tile.columns = columns;
  h.dac.bits = h.adc.bits = 0;
  return h;
}

template <class T>
std::vector<T> product(TileArray& array, const Exec& exec, const std::vector<T>& x, MvmPlace place = {}) {
  const std::size_t batch = x.size() / array.inputs();
  std::vector<T> y(batch * array.outputs());
  array.mvm(exec, MatrixView<const T>{x.data(), batch, array.inputs()},
            MatrixView<T>{y.data(), batch, array.outputs()}, place);
  return y;
}

inline MatrixView<const float> matrix(const std::vector<float>& w, std::size_t outputs) {
  return {w.data(), outputs, w.size() / outputs};
}

/// The sentence of the error that `call` throws; only the first line.
template <class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    const std::string text = error.what();
    return text.substr(0, text.find('\n'));
  }
  return "no error";
}

}  // namespace mq
