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
    // Normal 0 of Rng(key, i) needs no memory, normal k + 1 moves process k. Whole blocks of four, so that
    // every one of them has a fixed place.
    F white = F(0.0f), sum = F(0.0f);
    for (std::uint32_t block = 0; block <= static_cast<std::uint32_t>(op.processes) / 4; ++block) {
      const auto words = philox(index, U(op.key.event | block), U(0u), U(op.key.place), op.key.key);
      F z[4];
      box_muller<F>(words.w[0], words.w[1], z[0], z[1]);
      box_muller<F>(words.w[2], words.w[3], z[2], z[3]);
      MQ_UNROLL
      for (int n = 0; n < 4; ++n) {
        const int k = 4 * static_cast<int>(block) + n - 1;
        if (k < 0) white = z[n];
        if (k >= 0 && k < op.processes) sum = sum + moved(i, k, z[n], stays);
      }
    }
    F deviate = fma(F(op.white), white, F(op.weight) * sum);
    if (op.levels != nullptr) deviate = deviate + defect<F>(i, index, stays);
    const F before = op.only == nullptr ? F(0.0f) : load<F>(op.deviates + i);
    store(op.deviates + i, select(stays, before, deviate));
  }

 private:
  template <class F, class Mask>
  MQ_HD F moved(std::uint32_t i, int k, F xi, Mask stays) const {
    float* state = op.states + std::size_t(k) * op.size + i;
    const F before = load<F>(state);
    const F after = op.starts ? xi : fma(F(op.fresh[k]), xi, F(op.keep[k]) * before);
    const F now = select(stays, before, after);
    store(state, now);
    return now;
  }
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
