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
  RngKey key;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    Rng<F> rng = cell_rng<F>(key, i);
    auto cell = cells.template load<F>(i);
    Model::program(params, cell, mq::load<F>(g_target + i), rng);
    cells.template store<F>(i, cell);
  }
};

template <class Model>
struct SettleCell {
  typename Model::Params params;
  CellFields<Model> cells;
  Moment moment;
  RngKey key;
  float sign;
  bool adds;
  float* plane;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    Rng<F> rng = cell_rng<F>(key, i);
    const auto cell = cells.template load<F>(i);
    F g = Model::read(params, cell, moment, rng) * F(sign);
    if (adds) g = g + mq::load<F>(plane + i);
    mq::store(plane + i, g);
  }
};

}  // namespace

void fabricate_cells(const Exec& exec, const CellsView& cells, const RngKey& key) {
  visit_model(*cells.params, [&]<class Model>(const typename Model::Params& params) {
    for_each(exec, cells.size, FabricateCell<Model>{params, CellFields<Model>(cells), key});
  });
}

void program_cells(const Exec& exec, const CellsView& cells, const float* g_target, const RngKey& key) {
  visit_model(*cells.params, [&]<class Model>(const typename Model::Params& params) {
    for_each(exec, cells.size, ProgramCell<Model>{params, CellFields<Model>(cells), g_target, key});
  });
}

void settle_cells(const Exec& exec, const SettleCells& op) {
  visit_model(*op.cells.params, [&]<class Model>(const typename Model::Params& params) {
    for_each(exec, op.cells.size,
             SettleCell<Model>{params, CellFields<Model>(op.cells), Model::at(params, op.time), op.key,
                               op.sign, op.adds, op.plane});
  });
}

}  // namespace mq::MQ_BACKEND
