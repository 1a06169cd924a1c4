/// Measured changes of conductance: the distribution of one pulse's change, for states along the range.
///
/// Row k of a direction holds at x = k / (rows - 1) of the range; its entry j is the change that is not
/// exceeded with the probability Phi(z_j), Phi the normal distribution function and z_j = -3.5, -3, ..., 3.5.
/// So z_j turns into the change as a normal random number does, and a Gaussian change is a straight line.
/// Between entries and rows it is linear, beyond them constant. Entries are multiples of the device's step,
/// positive in the direction of the pulse. In TOML: { up = [[15 numbers], ...], down = [[...], ...] }, with 2
/// to 16 rows; without `down` it is the same as `up`.
///
/// The form, cumulative distributions of the change given the state, is that of S. Agarwal et al., IJCNN
/// 2016, doi:10.1109/IJCNN.2016.7727298 (lookup tables of CrossSim).
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "meltquench/core/fields.h"
#include "meltquench/core/math.h"

namespace mq {

/// Trivially copyable, so that it can be a member of parameters that travel to a device.
struct StepTables {
  static constexpr int kMaxRows = 16, kLevels = 15;
  static constexpr int kStride = kLevels + 1;  ///< the last entry of a row is its mean
  static constexpr int kDown = kMaxRows * kStride;
  static constexpr float kFirstLevel = -3.5f, kLevelsPerUnit = 2.0f;
  using Row = std::array<float, kLevels>;

  int rows = 0;
  float entries[2 * kDown]{};

  /// Expects as many rows up as down, 2 to kMaxRows.
  static StepTables from_rows(std::span<const Row> up, std::span<const Row> down);
  Row row(int k, bool is_up) const;

  friend bool operator==(const StepTables& a, const StepTables& b) {
    for (int i = 0; i < 2 * kDown; ++i) {
      if (a.entries[i] != b.entries[i]) return false;
    }
    return a.rows == b.rows;
  }

  template <class F>
  struct Change {
    F mean;   ///< over z
    F drawn;  ///< for z
  };

  /// The change at x in [0, 1] for the standard normal z.
  template <class F>
  MQ_HD Change<F> operator()(F x, typename LaneTraits<F>::Mask is_up, F z) const {
    const F place = clamp(x, F(0.0f), F(1.0f)) * F(float(rows - 1));
    const F row = to_float(to_int(min(place, F(float(rows - 2)))));
    const F level = clamp((z - F(kFirstLevel)) * F(kLevelsPerUnit), F(0.0f), F(float(kLevels - 1)));
    const F left = to_float(to_int(min(level, F(float(kLevels - 2)))));
    const F start = fma(row, F(float(kStride)), select(is_up, F(0.0f), F(float(kDown))));
    const auto at = [&](F column) { return gather(entries, to_int(start + column)); };
    const F below = mix(at(left), at(left + F(1.0f)), level - left);
    const F above = mix(at(left + F(float(kStride))), at(left + F(float(kStride + 1))), level - left);
    const F mean = mix(at(F(float(kLevels))), at(F(float(kLevels + kStride))), place - row);
    return {mean, mix(below, above, place - row)};
  }

 private:
  template <class F>
  MQ_HD static F mix(F a, F b, F share) {
    return fma(share, b - a, a);
  }
};

Value field_to_value(const StepTables& tables, Quantities quantities);
void field_from_value(StepTables& tables, const Value& value, std::string_view path);
void describe_field(const StepTables& tables, FieldInfo& info);

}  // namespace mq
