/// Loop over cells that are written until they verify. Physics: devices/write_verify.h.
#include "meltquench/devices/write_verify.h"

#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"

namespace mq::MQ_BACKEND {
namespace {

template <class Model>
struct WriteVerifyCell {
  typename Model::Params params;
  CellFields<Model> cells;
  WriteVerifyCells op;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    using U = typename LaneTraits<F>::UInt;
    const U index = ascending_from<U>(i);
    const F g_target = mq::load<F>(op.g_target + i);
    const auto before = cells.template load<F>(i);
    auto cell = before;

    const F found = op.faults.found == nullptr ? F(kWorkingCell) : mq::load<F>(op.faults.found + i);
    const WriteOutcome<F> outcome = write(g_target, cell, found, index);
    if (op.faults.found != nullptr) {
      Rng<F> rng(op.key, index, U(static_cast<std::uint32_t>(op.how.iterations) + 1u));
      cell.g = with_failures(op.faults, found, cell.g, g_target, rng.normal(), params.g_min, params.g_max);
    }
    if (op.faults.wear != nullptr) {
      const F wear = fma(outcome.resets, F(op.faults.reset_weight - 1.0f), outcome.pulses);
      mq::store(op.faults.wear + i, mq::load<F>(op.faults.wear + i) + wear);
    }
    if constexpr (kCellsAge<Model>) {
      // A cell that verified before the first pulse goes on ageing from its last one.
      const F written = op.age == nullptr ? F(0.0f) : mq::load<F>(op.age + i);
      cell.age = select(outcome.pulses > F(0.0f), written, before.age);
    }
    cells.template store<F>(i, select_cell<Model, F>(g_target < F(0.0f), before, cell));

    mq::store(op.iterations + i, outcome.iterations);
    mq::store(op.reads + i, outcome.reads);
    mq::store(op.pulses + i, outcome.pulses);
    mq::store(op.energy + i, outcome.energy);
    mq::store(op.is_converged + i, select(found < F(0.0f), outcome.is_accepted, F(0.0f)));
  }

 private:
  template <class F>
  MQ_HD WriteOutcome<F> write(F g_target, typename Model::template Cell<F>& cell, F found,
                              typename LaneTraits<F>::UInt index) const {
    using U = typename LaneTraits<F>::UInt;
    if constexpr (PulsedModel<Model>) {
      PulsedCell<Model, F> pulsed(params, cell, op.how);
      return write_until_verified<F>(op.how, params.g_max, g_target, pulsed, found, op.key, index);
    } else {
      Rng<F> response(op.response, index);
      MeltQuenchedCell<F> melted(op.how.pulse, params.g_max, op.how.gain, g_target, response);
      const auto outcome =
          write_until_verified<F>(op.how, params.g_max, g_target, melted, found, op.key, index);
      Rng<F> own(op.device, index, U(kProgrammingRow)), rng(op.programming, index);
      const F g_reachable = max(g_target, 0.0f);
      if constexpr (HoldingModel<Model>) {
        Model::hold(params, cell, g_reachable, melted.g, own, rng);
      } else {
        Model::program(params, cell, g_reachable, own, rng);
        cell.g = melted.g;
      }
      return outcome;
    }
  }
};

}  // namespace

void write_verify_cells(const Exec& exec, const WriteVerifyCells& op) {
  visit_model(*op.cells.params, [&]<class Model>(const typename Model::Params& params) {
    for_each(exec, op.cells.size, WriteVerifyCell<Model>{params, CellFields<Model>(op.cells), op});
  });
}

}  // namespace mq::MQ_BACKEND
