/// Which line goes where, once a test has found the cells that do not work.
///
/// What counts is the squared error of the weights: with d the signed error in weight units that the stuck
/// cells of a weight make together, and of a failing cell the variance of what it holds,
///     E = sum over weights of (sum of d)^2 + sum of variances
/// so a stuck cell costs nothing under a weight that it represents. `replace` moves lines to spare ones where
/// that lowers E, `permute` puts any line anywhere. Given the word lines, the best bit lines are a linear
/// assignment problem, and the other way round; the two are solved in turns until E stops falling. That is a
/// local optimum: already which lines to replace is NP-complete (S.-Y. Kuo and W. K. Fuchs, IEEE Des. Test 4,
/// 24 (1987)). Sources of remapping for weights: docs/theory/faults.md.
#pragma once

#include <span>
#include <vector>

#include "meltquench/crossbar/line_map.h"
#include "meltquench/crossbar/tile_params.h"

namespace mq {

/// One array of a tile: what it should hold, and what it cannot.
struct ArrayDefects {
  std::vector<float> targets;       ///< [outputs, inputs] S, of the matrix
  std::vector<float> found;         ///< [bit_lines, word_lines] of FindFaults
  double weight_per_siemens = 0.0;  ///< what its conductance counts, with sign
  float failing_deviation = 0.0f;   ///< of what failing cells hold [S]
};

/// E as above. `full_scales` [outputs]: what a weight unit counts for each output; empty: 1.
double squared_error(const LineMap& map, std::span<const ArrayDefects> arrays,
                     std::span<const float> full_scales = {});

/// A map of least E, as far as found. E of `permute` <= E of `replace` <= E of `none`, which is `in_order`.
/// A function of its arguments alone.
LineMap choose_lines(Remap how, const LineMap& in_order, std::span<const ArrayDefects> arrays,
                     std::span<const float> full_scales = {});

}  // namespace mq
