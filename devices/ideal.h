/// A perfect memory cell: keeps exactly what was written, for ever. The reference that real devices are
/// compared with.
#pragma once

#include <string>
#include <string_view>

#include "meltquench/core/fields.h"
#include "meltquench/devices/device_model.h"

namespace mq {

struct Ideal {
  static constexpr std::string_view kName = "ideal";
  static constexpr std::string_view kSummary = "A perfect cell: keeps exactly what was written.";

  struct Params {
    float g_min = 0.0_S;
    float g_max = 25.0_uS;

    static constexpr auto describe() {
      using enum Unit;
      return fields(
          field("g_min", &Params::g_min, siemens, between(0, 1e-3), "Conductance that stands for weight 0."),
          field("g_max", &Params::g_max, siemens, between(1e-9, 1e-3),
                "Conductance that stands for the largest weight."));
    }
    std::string problem() const { return g_min >= g_max ? "g_min must be below g_max" : ""; }
  };

  template <class F>
  struct Cell {
    F g;  ///< conductance [S]
  };

  template <class T>
  MQ_HD static Moment<T> at(const Params&, T) {
    return {};
  }

  template <class F>
  MQ_HD static Cell<F> fabricate(const Params& p, Rng<F>&) {
    return {.g = F(p.g_min)};
  }
  template <class F>
  MQ_HD static void program(const Params&, Cell<F>& cell, F g_target, Rng<F>&, Rng<F>&) {
    cell.g = g_target;
  }
  template <class F>
  MQ_HD static void hold(const Params&, Cell<F>& cell, F, F g, Rng<F>&, Rng<F>&) {
    cell.g = g;
  }
  template <class F>
  MQ_HD static F conductance(const Params&, const Cell<F>& cell, const Moment<F>&) {
    return cell.g;
  }
  template <class F>
  MQ_HD static F read(const Params&, const Cell<F>& cell, const Moment<F>&, F) {
    return cell.g;
  }
  MQ_HD static float read_noise(const Params&) { return 0.0f; }
};

static_assert(HoldingModel<Ideal>);

}  // namespace mq
