/// Read noise with memory: contract in kernels/cell_noise.h.
#include "meltquench/kernels/cell_noise.h"

#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"

namespace mq::MQ_BACKEND {
namespace {

struct StepNoise {
  CellNoise op;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    using U = typename LaneTraits<F>::UInt;
    const U index = ascending_from<U>(i);
    const auto stays = (op.only == nullptr ? F(0.0f) : load<F>(op.only + i)) < F(0.0f);
    Rng<F> rng(op.key, index);
    const F white = rng.normal();
    F sum = F(0.0f);
    for (int k = 0; k < op.processes; ++k) {
      float* state = op.states + std::size_t(k) * op.size + i;
      const F before = load<F>(state), xi = rng.normal();
      const F moved = op.starts ? xi : fma(F(op.fresh[k]), xi, F(op.keep[k]) * before);
      const F now = select(stays, before, moved);
      store(state, now);
      sum = sum + now;
    }
    F deviate = fma(F(op.white), white, F(op.weight) * sum);
    if (op.levels != nullptr) deviate = deviate + defect<F>(i, index, stays);
    const F before = op.only == nullptr ? F(0.0f) : load<F>(op.deviates + i);
    store(op.deviates + i, select(stays, before, deviate));
  }

 private:
  template <class F, class U, class Mask>
  MQ_HD F defect(std::uint32_t i, U index, Mask stays) const {
    Rng<F> own(op.device, index, U(2u)), rng(op.key, index, U(1u));
    const TelegraphCell<F> cell = op.telegraph.draw(own);
    const F before = load<F>(op.levels + i);
    const F probability = op.starts ? cell.occupancy() : cell.probability(before, op.seconds);
    const F drawn = select(rng.uniform() < probability, F(1.0f), F(0.0f));
    const F level = select(stays, before, drawn);
    store(op.levels + i, level);
    return cell.step * (level - cell.occupancy());
  }
};

}  // namespace

void step_cell_noise(const Exec& exec, const CellNoise& op) { for_each(exec, op.size, StepNoise{op}); }

}  // namespace mq::MQ_BACKEND
