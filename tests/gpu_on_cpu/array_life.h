/// The whole way of a layer through a backend: program, age, compensate, multiply, read back.
#pragma once

#include "backends.h"
#include "meltquench/crossbar/tile_array.h"

namespace mq {

/// 70 x 90 weights on 32 x 48 tiles: 3 x 2 of them, with odd edges.
inline constexpr std::size_t kOutputs = 70, kInputs = 90, kBatch = 9;

inline Hardware small_tiles(const DeviceParams& device) {
  Hardware hardware;
  hardware.device = device;
  hardware.tile.rows = 48;
  hardware.tile.columns = 32;
  hardware.tile.output_noise = 0.02f;
  hardware.tile.read_noise = 0.01f;
  hardware.dac.range = 1.0;
  hardware.adc.range = 4.0;
  return hardware;
}

struct ArrayLife {
  std::vector<std::vector<float>> outputs;  // one per product
  std::vector<double> compensation;
  std::vector<double> weights;
  Counters counters;
};

inline std::vector<float> multiply(const Exec& exec, TileArray& array, MvmPlace place) {
  const Buffer<float> x = on_backend(exec, uniform_floats(kBatch * kInputs, -1.1f, 1.1f, 9));
  Buffer<float> y(exec, kBatch * kOutputs);
  array.mvm(exec, x.as_matrix(kBatch, kInputs), y.as_matrix(kBatch, kOutputs), place);
  return on_host(y);
}

inline TileArray programmed_array(const Exec& exec, const Hardware& hardware) {
  TileArray array(exec, hardware, {.seed = 4, .layer = 1, .chip = 3}, kOutputs, kInputs);
  const std::vector<float> w = uniform_floats(kOutputs * kInputs, -0.5f, 0.5f, 10);
  array.program(exec, {w.data(), kOutputs, kInputs});
  return array;
}

inline ArrayLife live(const Exec& exec, const Hardware& hardware) {
  TileArray array = programmed_array(exec, hardware);
  ArrayLife life;
  for (const double time : {0.0, 3600.0, 3.1536e7}) {
    array.advance_to(exec, time);
    life.outputs.push_back(multiply(exec, array, {.first_row = 1000, .call = 1}));
    array.compensate_drift(DriftCompensation::global);
    life.outputs.push_back(multiply(exec, array, {.first_row = 1001, .call = 2}));
  }
  life.compensation = array.compensation();
  life.weights = array.read_weights(exec);
  life.counters = array.counters();
  return life;
}

}  // namespace mq
