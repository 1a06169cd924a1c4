/// Products of arrays whose inputs open transistors (the gated topology): the arguments of pack_gated and
/// gated_products.
///
/// Per column the circuit is a ladder of two rails, the source line and the bit line, whose rungs are the
/// cells with an open gate; crossbar/gated_wires.h draws it. A product is not linear in the gates: each
/// (sample, output) is a ladder of its own, and costs O(open gates). kernels/gated_ladder.h has the method.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meltquench/core/host_device.h"
#include "meltquench/kernels/mvm.h"
#include "meltquench/kernels/wires.h"

namespace mq {

/// The rails of every column: the source line at its voltage where it has a terminal, the bit line at 0 V.
struct GatedNetwork {
  WireLine source{};
  WireLine bit{.first = WireLine::kOpen, .last = 0.0};
};

/// Most inputs of an array.
inline constexpr std::size_t kMostGates = 65536;
/// Largest product of a conductance and `path_resistance` with which floats neither overflow nor lose digits.
inline constexpr double kLargestGatedRatio = 1 << 30;

/// All that can lie in series with a cell: the terminals that there are, and the whole of both rails [Ohm].
MQ_HD double path_resistance(const GatedNetwork& network, std::size_t inputs) {
  const auto of = [&](const WireLine& line) {
    const double segments = line.segment * static_cast<double>(inputs - 1);
    return segments + (line.first != WireLine::kOpen ? line.first : 0.0) +
           (line.last != WireLine::kOpen ? line.last : 0.0);
  };
  return of(network.source) + of(network.bit);
}

/// The unit of resistance that kernels count in: a power of two near the path, so that it costs no digit.
MQ_HD double gated_unit(const GatedNetwork& network, std::size_t inputs) {
  const double path = path_resistance(network, inputs);
  double unit = 1.0;
  while (unit < path) unit *= 2.0;
  while (path > 0.0 && unit > 2.0 * path) unit *= 0.5;
  return unit;
}

/// g[outputs, inputs] -> those that are not null.
struct PackGated {
  GatedNetwork network{};
  const float* g = nullptr;  ///< [outputs, inputs] S
  std::size_t outputs = 0, inputs = 0;
  /// [inputs][padded_outputs(outputs)] in units of 1 / gated_unit, padded with 0: what gated_products reads.
  float* cells = nullptr;
  /// [outputs, inputs] S: current over voltage of each cell with its gate alone open, g / (1 + g r) with the
  /// resistance r of its path; not g.
  float* alone = nullptr;
};

/// y[b, o] = scale * (I(gates with code 1) - I(gates with code -1)), or added to what is there, with the
/// output current I per volt of the source lines [S]. Gates of negative codes are opened in a second read
/// with the source lines at the opposite voltage, whose charge is added to that of the first. Currents of a
/// bit line with two terminals add up.
///
/// In floats, by sums of positive terms in the order of inputs; the same bits on every instruction set and
/// thread count, and on CUDA. Accurate to 1e-5 of I (docs/theory/circuits.md has the measurement) while no
/// conductance times path_resistance exceeds kLargestGatedRatio; the backend reference computes in doubles.
struct GatedProducts {
  GatedNetwork network{};
  const float* cells = nullptr;  ///< of pack_gated, for the same network and sizes
  float largest = 0.0f;          ///< no conductance of `cells` is larger [S]
  std::size_t outputs = 0, inputs = 0;
  const std::int16_t* codes = nullptr;  ///< [batch, code_stride], of which `inputs` count: -1, 0 or 1
  std::size_t code_stride = 0;
  std::size_t batch = 0;
  float scale = 1.0f;  ///< units of y per S
  bool adds = false;
  float* y = nullptr;  ///< [batch, outputs]
};

}  // namespace mq
