/// Noise on every element of an array: contract in kernels/add_normals.h.
#include "meltquench/kernels/add_normals.h"

#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"

namespace mq::MQ_BACKEND {
namespace {

/// Index b: the four normals of one Philox block, for elements that are 8 apart.
template <Tail kTail>
struct AddNormalsOfBlock {
  AddNormals op;

  template <class F>
  MQ_HD void operator()(std::uint32_t first) const {
    constexpr std::size_t kWidth = LaneTraits<F>::kWidth;
    static_assert(8 % kWidth == 0);  // the lanes of one call never straddle a group of 32 elements
    const float scale = op.factor != nullptr ? op.scale * *op.factor : op.scale;
    Rng<F, kTail> rng(op.key, ascending_from<typename LaneTraits<F>::UInt>(first));
    for (std::size_t draw = 0; draw < 4; ++draw) {
      const F z = rng.normal();
      const std::size_t i = std::size_t(first) / 8 * 32 + first % 8 + 8 * draw;
      if (i + kWidth <= op.size) {
        store(op.to + i, fma(F(scale), z, load<F>(op.from + i)));
      } else {
        float lanes[kWidth];
        store(lanes, z);
        for (std::size_t l = 0; l < kWidth && i + l < op.size; ++l) {
          op.to[i + l] = fma(scale, lanes[l], op.from[i + l]);
        }
      }
    }
  }
};

}  // namespace

void add_normals(const Exec& exec, const AddNormals& op) {
  const std::size_t blocks = (op.size + 31) / 32 * 8;
  if (op.tail == Tail::bits_23) {
    for_each(exec, blocks, AddNormalsOfBlock<Tail::bits_23>{op});
  } else {
    for_each(exec, blocks, AddNormalsOfBlock<Tail::bits_32>{op});
  }
}

}  // namespace mq::MQ_BACKEND
