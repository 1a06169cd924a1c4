/// The contract is kernels/float_product.h: one thread follows the chain of one element.
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/float_product.h"
#include "meltquench/kernels/for_each.h"

namespace mq::MQ_BACKEND {
namespace {

struct ProductElement {
  FloatProduct op;

  template <class F>
  __device__ void operator()(std::uint32_t i) const {
    const std::size_t row = i / static_cast<std::uint32_t>(op.columns),
                      column = i % static_cast<std::uint32_t>(op.columns);
    float* c = op.c + row * op.c_row + column;
    F sum = op.adds ? *c : 0.0f;
    for (std::size_t k = 0; k < op.depth; ++k) {
      sum = fma(op.a[row * op.a_row + k * op.a_column], op.b[k * op.b_row + column * op.b_column], sum);
    }
    *c = sum;
  }
};

}  // namespace

void float_product(const Exec& exec, const FloatProduct& op) {
  for_each(exec, op.rows * op.columns, ProductElement{op});
}

}  // namespace mq::MQ_BACKEND
