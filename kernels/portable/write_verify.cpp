/// Loop over cells that are written until they verify. Physics: devices/write_verify.h.
#include "meltquench/devices/write_verify.h"

#include "meltquench/devices/device.h"
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"

namespace mq::MQ_BACKEND {
namespace {

template <class Model>
struct WriteVerifyCell {
  template <class F>
  using Cell = typename Model::template Cell<F>;
  template <class F>
  using U = typename LaneTraits<F>::UInt;

  typename Model::Params params;
  CellFields<Model> cells;
  WriteVerifyCells op;
  float mean_step;  ///< of a PulsedModel

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    const U<F> index = ascending_from<U<F>>(i);
    const F g_target = mq::load<F>(op.g_target + i);
    const F found = op.faults.found == nullptr ? F(kWorkingCell) : mq::load<F>(op.faults.found + i);
    const Cell<F> before = cells.template load<F>(i);
    Cell<F> cell = before;
    const WriteOutcome<F> outcome = write(g_target, cell, found, index);
    if constexpr (kCellsAge<Model>) {
      // A cell that verified before the first pulse goes on ageing from its last one.
      const F written = op.age == nullptr ? F(0.0f) : mq::load<F>(op.age + i);
      cell.age = select(outcome.pulses > F(0.0f), written, before.age);
    }
    cells.template store<F>(i, select_cell<Model, F>(g_target < F(0.0f), before, cell));

    if (op.faults.wear != nullptr) {
      const F wear = fma(outcome.resets, F(op.faults.reset_weight - 1.0f), outcome.pulses);
      mq::store(op.faults.wear + i, mq::load<F>(op.faults.wear + i) + wear);
    }
    mq::store(op.iterations + i, outcome.iterations);
    mq::store(op.reads + i, outcome.reads);
    mq::store(op.pulses + i, outcome.pulses);
    mq::store(op.energy + i, outcome.energy);
    mq::store(op.is_converged + i, select(found < F(0.0f), outcome.is_accepted, F(0.0f)));
  }

 private:
  template <class F>
  MQ_HD WriteOutcome<F> write(F g_target, Cell<F>& cell, F found, U<F> index) const {
    Rng<F> own(op.device, index, U<F>(kProgrammingRow)), rng(op.programming, index);
    const F g_meant = max(g_target, params.g_min);
    if constexpr (PulsedModel<Model>) {
      PulsedCell<Model, F> pulsed(params, cell, own, rng, op.how, mean_step);
      const auto outcome =
          write_until_verified<F>(op.how, params.g_max, g_target, pulsed, found, op.key, index);
      if (op.faults.found != nullptr) {
        Cell<F> failed = cell;
        Model::hold(params, failed, g_meant, failed_to(g_meant, g_meant, found, index), own, rng);
        cell = select_cell<Model, F>(found == F(kFailingCell), failed, cell);
      }
      return outcome;
    } else {
      Rng<F> response(op.response, index);
      MeltQuenchedCell<F> melted(op.how.pulse, params.g_max, op.how.gain, g_target, response);
      const auto outcome =
          write_until_verified<F>(op.how, params.g_max, g_target, melted, found, op.key, index);
      F g = melted.g;
      if (op.faults.found != nullptr) g = failed_to(g, g_meant, found, index);
      Model::hold(params, cell, g_meant, g, own, rng);
      return outcome;
    }
  }
  /// Where a failing cell ends, or g.
  template <class F>
  MQ_HD F failed_to(F g, F g_meant, F found, U<F> index) const {
    Rng<F> rng(op.key, index, U<F>(static_cast<std::uint32_t>(op.how.iterations) + 1u));
    return with_failures(op.faults, found, g, g_meant, rng.normal(), params.g_min, params.g_max);
  }
};

}  // namespace

void write_verify_cells(const Exec& exec, const WriteVerifyCells& op) {
  require_process(*op.cells.params);
  visit_model(*op.cells.params, [&]<class Model>(const typename Model::Params& params) {
    if constexpr (HoldingModel<Model>) {
      float mean_step = 0.0f;
      if constexpr (PulsedModel<Model>) mean_step = Model::mean_step(params);
      for_each(exec, op.cells.size,
               WriteVerifyCell<Model>{params, CellFields<Model>(op.cells), op, mean_step});
    }
  });
}

}  // namespace mq::MQ_BACKEND
