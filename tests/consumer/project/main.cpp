// A program outside the tree: programs a layer onto PCM tiles, ages it a year, and sees its output fade.
#include <cmath>
#include <cstdio>
#include <vector>

#include "meltquench/core/error.h"
#include "meltquench/crossbar/tile_array.h"
#include "meltquench/devices/device.h"

int main() {
  const std::size_t outputs = 40, inputs = 300, batch = 2;  // two tiles of 256 rows
  std::vector<float> w(outputs * inputs), x(batch * inputs), fresh(batch * outputs), aged(batch * outputs);
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = std::sin(0.37f * static_cast<float>(i));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::cos(0.11f * static_cast<float>(i));

  mq::Hardware hardware;
  hardware.device = mq::device_from_preset("pcm-like");
  hardware.dac.bits = 0;
  hardware.adc.bits = 0;
  const mq::Exec exec;
  mq::TileArray layer(exec, hardware, {.seed = 7}, outputs, inputs);
  const mq::MatrixView<const float> inputs_view(x.data(), batch, inputs);

  try {
    layer.mvm(exec, inputs_view, mq::MatrixView<float>(fresh.data(), batch, outputs));
    std::puts("an unprogrammed layer answered");
    return 1;
  } catch (const mq::StateError& error) {
    std::printf("%s\n", error.what());
  }

  layer.program(exec, mq::MatrixView<const float>(w.data(), outputs, inputs));
  layer.mvm(exec, inputs_view, mq::MatrixView<float>(fresh.data(), batch, outputs));
  layer.advance_to(exec, 365 * 86400.0);
  layer.mvm(exec, inputs_view, mq::MatrixView<float>(aged.data(), batch, outputs));

  double exact = 0, before = 0, after = 0;
  for (std::size_t o = 0; o < outputs; ++o) {
    double y = 0;
    for (std::size_t i = 0; i < inputs; ++i) y += static_cast<double>(w[o * inputs + i]) * x[i];
    exact += y * y;
    before += y * fresh[o];
    after += y * aged[o];
  }
  std::printf("along the exact product: %.3f after programming, %.3f a year later\n", before / exact,
              after / exact);
  return before / exact > 0.8 && before / exact < 1.2 && after < 0.8 * before ? 0 : 1;
}
