/// Where the lines of a matrix sit in the arrays of a tile, which may have spare ones.
///
/// One map for all arrays of a tile: those of both polarities, of all devices and slices lie on neighbouring
/// lines, and what routes inputs to drivers and ADCs to outputs is digital and shared. Unused word lines are
/// held at 0 V, and what unused bit lines collect is not read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "meltquench/core/contract.h"

namespace mq {

struct LineMap {
  std::size_t bit_lines = 0, word_lines = 0;   ///< of the arrays
  std::vector<std::uint32_t> outputs, inputs;  ///< the bit line of each output, the word line of each input

  /// Every line in its place, spare ones behind them.
  static LineMap in_order(std::size_t outputs, std::size_t inputs, std::size_t spare_outputs = 0,
                          std::size_t spare_inputs = 0) {
    LineMap map{.bit_lines = outputs + spare_outputs,
                .word_lines = inputs + spare_inputs,
                .outputs = {},
                .inputs = {}};
    map.outputs.resize(outputs);
    map.inputs.resize(inputs);
    std::iota(map.outputs.begin(), map.outputs.end(), 0u);
    std::iota(map.inputs.begin(), map.inputs.end(), 0u);
    return map;
  }
  /// The cell of weight (o, j) in a row-major array [bit_lines, word_lines].
  std::size_t cell(std::size_t o, std::size_t j) const { return outputs[o] * word_lines + inputs[j]; }
  /// Of an array [bit_lines, word_lines], or of one bit line, the part that holds the matrix: [outputs,
  /// inputs], or one row.
  template <class T>
  std::vector<T> logical(const std::vector<T>& array) const {
    const bool is_line = array.size() == word_lines && bit_lines > 1;
    MQ_EXPECTS(is_line || array.size() == bit_lines * word_lines);
    std::vector<T> part((is_line ? 1 : outputs.size()) * inputs.size());
    for (std::size_t i = 0; i < part.size(); ++i) {
      const std::size_t o = i / inputs.size(), j = i % inputs.size();
      part[i] = array[is_line ? inputs[j] : cell(o, j)];
    }
    return part;
  }

  friend bool operator==(const LineMap&, const LineMap&) = default;
};

/// For each of `count` lines of an array the line of the matrix that sits there, or kNoLine
/// (kernels/gather_lines.h).
std::vector<std::uint32_t> inverse_lines(const std::vector<std::uint32_t>& lines, std::size_t count);

}  // namespace mq
