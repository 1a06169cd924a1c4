/// Digital compensation of drift: what an array answered at the reference read and answers now becomes a
/// factor, or a factor and an offset, of each output.
///
/// Sources: V. Joshi et al., Nat. Commun. 11, 2473 (2020), doi:10.1038/s41467-020-16108-9, for the global
/// factor and for AdaBS, which measures the statistics of batch normalisation again.
/// docs/theory/drift-compensation.md compares them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "meltquench/core/matrix_view.h"

namespace mq {

/// How the responses are measured that factors compare, at the reference read and later.
struct ResponseReads {
  int count = 1;          ///< reads that are averaged, 1 or more
  bool is_exact = false;  ///< without read noise, as no chip can be read: the limit of many reads

  bool is_plain() const { return count == 1 && !is_exact; }
};

/// Mean of repeated reads of an array, value by value, in double and in the order of the calls. Signs stay,
/// so that noise averages out: the mean of |g + noise| would be larger than |g|. After n reads the spread of
/// noise is 1 / sqrt(n) of that of one; an exact read is one read of an array whose read noise is switched
/// off.
class AveragedRead {
 public:
  AveragedRead(std::size_t outputs, std::size_t inputs);

  /// Throws ShapeError unless `response` is [outputs, inputs].
  void add(MatrixView<const float> response);
  std::int64_t reads() const { return reads_; }

  /// Mean |response| of each output over its inputs; 0 before the first read.
  std::vector<double> magnitudes() const;

 private:
  std::size_t outputs_, inputs_;
  std::vector<double> sums_;
  std::int64_t reads_ = 0;
};

/// The factor of each output: its magnitude at the reference read over that now; 1 if it answers nothing,
/// then or now. Throws ShapeError if the sizes differ.
std::vector<double> output_factors(std::span<const double> reference, std::span<const double> now);

/// Mean and spread of each output over calibration inputs, in double, in the order of the rows (Welford's
/// update: no difference of large numbers). The same rows in one batch or in many give the same bits.
class OutputMoments {
 public:
  explicit OutputMoments(std::size_t outputs) : mean_(outputs, 0.0), squares_(outputs, 0.0) {}

  /// Rows of y[batch, outputs] on the host. Throws ShapeError for another number of outputs.
  void add(MatrixView<const float> y);
  std::int64_t rows() const { return rows_; }
  std::size_t outputs() const { return mean_.size(); }

  const std::vector<double>& means() const { return mean_; }
  /// Population standard deviations; 0 before the first row.
  std::vector<double> deviations() const;

 private:
  std::int64_t rows_ = 0;
  std::vector<double> mean_, squares_;
};

/// y'[o] = scale[o] y[o] + offset[o], for every output of a layer.
struct AffineCorrection {
  std::vector<float> scale, offset;

  /// Changes y[batch, outputs] on the host in place. Throws ShapeError for another number of outputs.
  void apply(MatrixView<float> y) const;
};

/// The correction that gives outputs with statistics `now` the means and spreads of `reference`. An output
/// that did not vary, then or now, only gets its mean back. Throws ShapeError if the outputs differ, and
/// ConfigError for fewer than two rows on a side, which have no spread.
AffineCorrection match_statistics(const OutputMoments& reference, const OutputMoments& now);

}  // namespace mq
