/// Loops over cells: fabricate, program, settle. The physics is the model's; here it only meets its arrays.
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"

namespace mq::MQ_BACKEND {
namespace {

template <class F>
MQ_HD Rng<F> cell_rng(const RngKey& key, std::uint32_t first) {
  return Rng<F>(key, ascending_from<typename LaneTraits<F>::UInt>(first));
}

template <class Model>
struct FabricateCell {
  typename Model::Params params;
  CellFields<Model> cells;
  RngKey key;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    Rng<F> rng = cell_rng<F>(key, i);
    cells.template store<F>(i, Model::template fabricate<F>(params, rng));
  }
};

template <class Model>
struct ProgramCell {
  typename Model::Params params;
  CellFields<Model> cells;
  const float* g_target;
  RngKey key, device;
  const float* age;
  WriteFaults faults;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    using U = typename LaneTraits<F>::UInt;
    Rng<F> rng = cell_rng<F>(key, i), own(device, ascending_from<U>(i), U(kProgrammingRow));
    const F g = mq::load<F>(g_target + i);
    const auto before = cells.template load<F>(i);
    auto cell = before;
    F g_reached = max(g, 0.0f);
    if (faults.found != nullptr) {  // a failing cell is written towards somewhere else
      Rng<F> failing(key, ascending_from<U>(i), U(1u));
      g_reached = with_failures(faults, mq::load<F>(faults.found + i), g_reached, g_reached, failing.normal(),
                                params.g_min, params.g_max);
    }
    Model::program(params, cell, g_reached, own, rng);
    if (faults.wear != nullptr) {  // a write is one RESET and one SET pulse
      const F wear = select(g < F(0.0f), F(0.0f), F(1.0f + faults.reset_weight));
      mq::store(faults.wear + i, mq::load<F>(faults.wear + i) + wear);
    }
    if constexpr (kCellsAge<Model>) cell.age = age == nullptr ? F(0.0f) : mq::load<F>(age + i);
    cells.template store<F>(i, select_cell<Model, F>(g < F(0.0f), before, cell));
  }
};

template <class Model>
struct AgeCell {
  CellFields<Model> cells;
  float seconds;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    auto cell = cells.template load<F>(i);
    cell.age = cell.age + F(seconds);
    cells.template store<F>(i, cell);
  }
};

template <class Model>
struct SettleCell {
  typename Model::Params params;
  CellFields<Model> cells;
  Moment<float> moment;
  float time;
  bool has_ages;
  RngKey key, writes;
  const float *deviates, *faults;
  float sign;
  bool adds;
  float* plane;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    const auto cell = cells.template load<F>(i);
    Moment<F> now = moment.template rounded<F>();
    if constexpr (kCellsAge<Model>) {
      if (has_ages) {
        now = Model::at(params, cell.age + F(time));
        now.inverse_heat = moment.inverse_heat;
      }
    }
    F z = F(0.0f);
    if (deviates != nullptr) {
      z = mq::load<F>(deviates + i);
      now.noise_growth = F(1.0f);
    } else if (Model::read_noise(params) != 0.0f) {
      z = normal(i, cell);
    }
    F g = Model::read(params, cell, now, z);
    if (faults != nullptr) {
      const F found = mq::load<F>(faults + i);
      g = select(found < F(0.0f), g, found);
    }
    g = g * F(sign);
    if (adds) g = g + mq::load<F>(plane + i);
    mq::store(plane + i, g);
  }

 private:
  template <class F>
  MQ_HD F normal(std::uint32_t i, const typename Model::template Cell<F>& cell) const {
    if constexpr (WriteNoiseModel<Model>) {
      using U = typename LaneTraits<F>::UInt;
      return Rng<F>(writes, ascending_from<U>(i), as_unsigned(to_int(Model::writes(cell)))).normal();
    } else {
      return cell_rng<F>(key, i).normal();
    }
  }
};

}  // namespace

void fabricate_cells(const Exec& exec, const CellsView& cells, const RngKey& key) {
  visit_model(*cells.params, [&]<class Model>(const typename Model::Params& params) {
    for_each(exec, cells.size, FabricateCell<Model>{params, CellFields<Model>(cells), key});
  });
}

void program_cells(const Exec& exec, const ProgramCells& op) {
  visit_model(*op.cells.params, [&]<class Model>(const typename Model::Params& params) {
    for_each(exec, op.cells.size,
             ProgramCell<Model>{params, CellFields<Model>(op.cells), op.g_target, op.key, op.device, op.age,
                                op.faults});
  });
}

void age_cells(const Exec& exec, const CellsView& cells, double seconds) {
  visit_model(*cells.params, [&]<class Model>(const typename Model::Params&) {
    if constexpr (kCellsAge<Model>) {
      for_each(exec, cells.size, AgeCell<Model>{CellFields<Model>(cells), static_cast<float>(seconds)});
    }
  });
}

void settle_cells(const Exec& exec, const SettleCells& op) {
  visit_model(*op.cells.params, [&]<class Model>(const typename Model::Params& params) {
    Moment<float> moment = Model::at(params, op.time).template rounded<float>();
    moment.inverse_heat = op.inverse_heat;
    for_each(exec, op.cells.size,
             SettleCell<Model>{params, CellFields<Model>(op.cells), moment, static_cast<float>(op.time),
                               op.has_ages, op.key, op.writes, op.deviates, op.faults, op.sign, op.adds,
                               op.plane});
  });
}

}  // namespace mq::MQ_BACKEND
