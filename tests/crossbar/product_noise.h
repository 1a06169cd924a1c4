/// What the noise of cells, inputs, output stages and ADCs adds up to in products of one and the same input.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <variant>
#include <vector>

#include "arrays.h"
#include "meltquench/devices/device.h"
#include "meltquench/devices/nanosecond_noise.h"

namespace mq {

/// Mean and covariance of the outputs of one input, in weight units.
struct ProductMoments {
  Eigen::VectorXd mean;
  DoubleMatrix covariance;
};

inline DoubleMatrix as_doubles(const std::vector<float>& values, std::size_t columns) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto n = static_cast<Eigen::Index>(columns);
  return Eigen::Map<const Matrix>(values.data(), static_cast<Eigen::Index>(values.size()) / n, n)
      .cast<double>();
}

/// Of y[batch, outputs].
inline ProductMoments moments_of(const std::vector<float>& y, std::size_t outputs) {
  DoubleMatrix values = as_doubles(y, outputs);
  ProductMoments m;
  m.mean = values.colwise().mean();
  values.rowwise() -= m.mean.transpose();
  m.covariance = values.transpose() * values / static_cast<double>(values.rows() - 1);
  return m;
}

/// Variance [S^2] of each cell of one side in a product at full input; for the square-root law what the cell
/// would have in a plane of its own.
inline DoubleMatrix cell_variances(const Hardware& h, const WeightMapping& mapping, Tile& tile, Polarity side,
                                   const TileTime& now) {
  DoubleMatrix g = as_doubles(tile.conductances({}, side, now), tile.inputs());
  const double n = h.tile.read_noise, span = double(mapping.g_max) - mapping.g_min;
  switch (h.tile.read_noise_law) {
    case ReadNoiseLaw::square_root:
      return n * n * mapping.full_scale() * g;
    case ReadNoiseLaw::constant:
      return g.setConstant(std::pow(n * span, 2));
    case ReadNoiseLaw::proportional:
      return (n * g).cwiseAbs2();
    case ReadNoiseLaw::device: {
      // S. R. Nandakumar et al. (devices/pcm.h): the amplitude follows from what was programmed.
      const auto& pcm = std::get<Pcm::Params>(h.device);
      const DoubleMatrix programmed = as_doubles(tile.conductances({}, side, {}), tile.inputs());
      const double growth =
          std::log((now.seconds + double(pcm.t0) + double(pcm.t_read)) / (2.0 * double(pcm.t_read)));
      for (Eigen::Index i = 0; i < g.size(); ++i) {
        const double x = programmed.data()[i] / double(pcm.g_max);
        const double q = std::min(0.0088 * std::pow(x, -0.65), 0.2);
        g.data()[i] = std::pow(g.data()[i] * q, 2) * growth;
      }
      return g;
    }
    case ReadNoiseLaw::nanosecond:
      break;
  }
  return g.setZero();
}

/// From the conductances of the cells of `array`, which has one block of outputs, no slices and a DAC of
/// range 1, for x[inputs]. `nanosecond` and input noise do not go together here: how long a line is on would
/// vary.
inline ProductMoments theory_of(TileArray& array, const std::vector<float>& x) {
  const Hardware& h = array.hardware();
  const WeightMapping mapping = array.mapping();
  const bool has_offset = h.mapping.kind == MappingKind::offset;
  const bool is_computed = has_offset && h.mapping.zero == ZeroRemoval::digital;
  const bool is_nanosecond = h.tile.read_noise_law == ReadNoiseLaw::nanosecond;
  const double k = mapping.weight_per_siemens(), limit = largest_code(h.dac.bits);
  const auto outputs = static_cast<Eigen::Index>(array.outputs());
  ProductMoments m{Eigen::VectorXd::Zero(outputs), DoubleMatrix::Zero(outputs, outputs)};
  double per_conversion = std::pow(h.tile.output_noise * k * mapping.full_scale(), 2);
  if (h.adc.bits > 0) {
    // Noise of a step and more makes the error of rounding uniform and independent.
    const double step = *h.adc.range / largest_code(h.adc.bits);
    per_conversion += step * step * (std::pow(double(h.adc.noise), 2) + 1.0 / 12.0);
  }
  std::size_t first = 0;
  for (Tile& tile : array.tiles()) {
    const auto inputs = static_cast<Eigen::Index>(tile.inputs());
    Eigen::VectorXd u(inputs);
    for (Eigen::Index j = 0; j < inputs; ++j) {
      u[j] = std::nearbyint(double(x[first + static_cast<std::size_t>(j)]) * limit) / limit;
    }
    first += tile.inputs();
    const Eigen::VectorXd squares = u.array().square() + std::pow(double(h.dac.input_noise), 2);
    const std::vector<float> g_plus = tile.conductances({}, Polarity::plus, array.now());
    const std::vector<float> g_minus = tile.conductances({}, Polarity::minus, array.now());
    const DoubleMatrix plus = as_doubles(g_plus, tile.inputs()), minus = as_doubles(g_minus, tile.inputs());
    const DoubleMatrix of_plus = cell_variances(h, mapping, tile, Polarity::plus, array.now());
    const DoubleMatrix of_minus = cell_variances(h, mapping, tile, Polarity::minus, array.now());
    DoubleMatrix weights = k * plus;
    Eigen::VectorXd own = (k * k * of_plus * squares).array() + per_conversion;
    if (!has_offset) {
      weights -= k * minus;
      const bool is_apart = h.mapping.subtraction == Subtraction::digital;
      if (is_apart) {
        own.array() += per_conversion;
      }
      if (h.tile.read_noise_law == ReadNoiseLaw::square_root && !is_apart) {
        // The law is one of what a pair holds.
        own = (k * k * (of_plus - of_minus).cwiseAbs() * squares).array() + per_conversion;
      } else {
        own += k * k * of_minus * squares;
      }
    } else if (!is_computed) {
      // All outputs take off what the reference column gives, with all of its noise.
      weights.rowwise() -= k * minus.row(0);
      m.covariance.array() += k * k * of_minus.row(0).dot(squares) + per_conversion;
    }
    if (is_nanosecond) {
      const std::vector<float> on(u.data(), u.data() + u.size());
      for (Eigen::Index o = 0; o < outputs; ++o) {
        const auto at = static_cast<std::ptrdiff_t>(o * inputs);
        own[o] += k * k *
                  nanosecond_output_variance(&g_plus[static_cast<std::size_t>(at)],
                                             &g_minus[static_cast<std::size_t>(at)], on.data(), tile.inputs(),
                                             h.tile.pulse_time);
      }
    }
    m.mean += weights * u;
    if (is_computed) m.mean.array() -= k * double(mapping.target(0.0f, Polarity::plus)) * u.sum();
    m.covariance.diagonal() += own;
    // Noise of an input reaches all outputs; a zero that is computed knows nothing of it.
    m.covariance += std::pow(double(h.dac.input_noise), 2) * weights * weights.transpose();
  }
  return m;
}

/// Five standard errors of `rows` products, and `rounding` of the variance: of 7-bit magnitudes.
inline void expect_moments(const ProductMoments& seen, const ProductMoments& theory, std::size_t rows,
                           double rounding, const std::string& what) {
  const auto n = static_cast<double>(rows);
  for (Eigen::Index a = 0; a < theory.mean.size(); ++a) {
    const double va = theory.covariance(a, a);
    // 16-bit weights: half a code of 40 of them at most.
    EXPECT_NEAR(seen.mean[a], theory.mean[a], 5.0 * std::sqrt(va / n) + 6e-4) << what << ", output " << a;
    for (Eigen::Index b = 0; b <= a; ++b) {
      const double vb = theory.covariance(b, b), c = theory.covariance(a, b);
      EXPECT_NEAR(
          seen.covariance(a, b), c,
          5.0 * std::sqrt((va * vb + c * c) / n) + rounding * std::sqrt(va * vb) * (a == b || c != 0.0))
          << what << ", outputs " << a << " and " << b;
    }
  }
}

}  // namespace mq
