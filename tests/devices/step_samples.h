/// Cells of update models, and moments of samples, for the tests of those models.
#pragma once

#include <cmath>
#include <vector>

#include "meltquench/devices/device.h"

namespace mq {

template <class Model>
std::vector<typename Model::template Cell<float>> new_cells(const typename Model::Params& params,
                                                            std::uint32_t n) {
  std::vector<typename Model::template Cell<float>> cells;
  for (std::uint32_t i = 0; i < n; ++i) {
    Rng<float> rng(RngKey(11, Purpose::fabrication), i);
    cells.push_back(Model::template fabricate<float>(params, rng));
  }
  return cells;
}

struct Moments {
  double sum = 0.0, squares = 0.0, n = 0.0;
  void add(double x) { sum += x, squares += x * x, n += 1.0; }
  double mean() const { return sum / n; }
  double sigma() const { return std::sqrt(std::max(squares / n - mean() * mean(), 0.0)); }
};

/// Every factor named *_scale at 0.
template <class Params>
Params all_scales_off(Params params = {}) {
  for (const FieldInfo& info : field_infos<Params>()) {
    if (!info.name.ends_with("_scale")) continue;
    Value table = Value::table();
    table.set_key(info.name, 0.0);
    from_value(params, table, "device");
  }
  return params;
}

/// The conductance [S] after one train of `count` pulses, from `g`.
template <class Model>
double pulsed(const typename Model::Params& params, typename Model::template Cell<float> cell, float g,
              bool is_up, float count = 1.0f, float z = 0.0f) {
  cell.g = g;
  Model::template pulse<float>(params, cell, is_up, count, z);
  return cell.g;
}

}  // namespace mq
