#include "meltquench/crossbar/drift_compensation.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "meltquench/core/error.h"

namespace mq {
namespace {

void check_outputs(std::size_t expected, std::size_t got) {
  if (expected == got) return;
  throw ShapeError("drift compensation was set up for " + std::to_string(expected) + " outputs but got " +
                   std::to_string(got) + "; pass the responses of one array, all of its outputs at a time");
}

double factor(double reference, double now) { return reference > 0.0 && now > 0.0 ? reference / now : 1.0; }

}  // namespace

AveragedRead::AveragedRead(std::size_t outputs, std::size_t inputs)
    : outputs_(outputs), inputs_(inputs), sums_(outputs * inputs, 0.0) {}

void AveragedRead::add(MatrixView<const float> response) {
  check_outputs(outputs_, response.rows);
  if (response.columns != inputs_) {
    throw ShapeError("a read of this array has " + std::to_string(inputs_) + " inputs but got " +
                     std::to_string(response.columns) + "; pass the response to each word line");
  }
  for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] += double(response.data[i]);
  ++reads_;
}

std::vector<double> AveragedRead::magnitudes() const {
  std::vector<double> magnitudes(outputs_, 0.0);
  if (reads_ == 0 || inputs_ == 0) return magnitudes;
  for (std::size_t o = 0; o < outputs_; ++o) {
    for (std::size_t j = 0; j < inputs_; ++j) magnitudes[o] += std::abs(sums_[o * inputs_ + j]);
    magnitudes[o] /= double(reads_) * double(inputs_);
  }
  return magnitudes;
}

std::vector<double> output_factors(std::span<const double> reference, std::span<const double> now) {
  check_outputs(reference.size(), now.size());
  std::vector<double> factors(reference.size());
  std::transform(reference.begin(), reference.end(), now.begin(), factors.begin(), factor);
  return factors;
}

void OutputMoments::add(MatrixView<const float> y) {
  check_outputs(outputs(), y.columns);
  for (std::size_t row = 0; row < y.rows; ++row) {
    ++rows_;
    for (std::size_t o = 0; o < outputs(); ++o) {
      const double value = y.data[row * y.columns + o], distance = value - mean_[o];
      mean_[o] += distance / double(rows_);
      squares_[o] += distance * (value - mean_[o]);
    }
  }
}

std::vector<double> OutputMoments::deviations() const {
  std::vector<double> deviations(outputs(), 0.0);
  if (rows_ == 0) return deviations;
  for (std::size_t o = 0; o < outputs(); ++o) deviations[o] = std::sqrt(squares_[o] / double(rows_));
  return deviations;
}

void AffineCorrection::apply(MatrixView<float> y) const {
  check_outputs(scale.size(), y.columns);
  for (std::size_t row = 0; row < y.rows; ++row) {
    float* values = y.data + row * y.columns;
    for (std::size_t o = 0; o < scale.size(); ++o) values[o] = scale[o] * values[o] + offset[o];
  }
}

AffineCorrection match_statistics(const OutputMoments& reference, const OutputMoments& now) {
  check_outputs(reference.outputs(), now.outputs());
  for (const OutputMoments* side : {&reference, &now}) {
    if (side->rows() >= 2) continue;
    throw ConfigError("matching the spread of outputs takes at least 2 calibration inputs but got " +
                      std::to_string(side->rows()) +
                      "; calibrate with more, or compensate by a factor alone");
  }
  const std::vector<double> then = reference.deviations(), today = now.deviations();
  AffineCorrection correction;
  for (std::size_t o = 0; o < then.size(); ++o) {
    const double scale = factor(then[o], today[o]);
    correction.scale.push_back(static_cast<float>(scale));
    correction.offset.push_back(static_cast<float>(reference.means()[o] - scale * now.means()[o]));
  }
  return correction;
}

}  // namespace mq
