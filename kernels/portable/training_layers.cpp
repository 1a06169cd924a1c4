/// Layers without images: rows of a minibatch, biases, rectifiers, limited inputs. Contracts:
/// kernels/training_ops.h.
#include "meltquench/core/math.h"
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"

namespace mq::MQ_BACKEND {
namespace {

struct GatherRow {
  GatherRows op;

  MQ_HD void operator()(std::uint32_t row, std::uint32_t first, std::uint32_t last) const {
    const std::size_t columns = op.columns, from_row = op.order[row];
    const float* from = op.images + from_row * columns;
    float* to = op.to + row * columns;
    for (std::uint32_t c = first; c < last; ++c) to[c] = from[c];
    if (first == 0) op.labels_to[row] = op.labels[from_row];
  }
};

struct AddBiasToRow {
  AddBias op;

  MQ_HD void operator()(std::uint32_t row, std::uint32_t first, std::uint32_t last) const {
    const float* bias = op.bias;
    float* y = op.y + row * op.columns;
    for (std::uint32_t c = first; c < last; ++c) y[c] += bias[c];
  }
};

struct SumColumn {
  SumRows op;

  template <class F>
  MQ_HD void operator()(std::uint32_t first) const {
    F sum(0.0f);
    const float* x = op.x + first;
    for (std::size_t r = 0; r < op.rows; ++r) sum = sum + load<F>(x + r * op.columns);
    store(op.sums + first, sum);
  }
};

struct RectifyElement {
  Rectify op;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    const F x = load<F>(op.x + i);
    store(op.to + i, select(x > F(0.0f), x, F(0.0f)));
  }
};

struct RectifyElementBackward {
  Rectify op;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    store(op.to + i, select(load<F>(op.x + i) > F(0.0f), load<F>(op.dy + i), F(0.0f)));
  }
};

MQ_HD float range_of(const LimitInputs& op) {
  if (op.learned == nullptr) return op.range;
  return *op.learned > kSmallestRange ? *op.learned : kSmallestRange;
}

struct LimitElement {
  LimitInputs op;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    const float range = range_of(op);
    F y = clamp(load<F>(op.x + i), F(-range), F(range));
    if (op.steps > 0.0f) y = rint(y * F(op.steps / range)) * F(range / op.steps);
    store(op.to + i, y);
  }
};

struct LimitElementBackward {
  LimitInputs op;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    store(op.to + i, select(abs(load<F>(op.x + i)) <= F(range_of(op)), load<F>(op.dy + i), F(0.0f)));
  }
};

struct LimitRangeBackward {
  LimitInputs op;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    const float range = range_of(op);
    const F x = load<F>(op.x + i), dy = load<F>(op.dy + i);
    store(op.to + i, select(x > F(range), dy, select(x < F(-range), -dy, F(0.0f))));
  }
};

}  // namespace

void gather_rows(const Exec& exec, const GatherRows& op) {
  for_each_row(exec, op.rows, op.columns, GatherRow{op});
}

void add_bias(const Exec& exec, const AddBias& op) {
  for_each_row(exec, op.rows, op.columns, AddBiasToRow{op});
}

void sum_rows(const Exec& exec, const SumRows& op) { for_each(exec, op.columns, SumColumn{op}); }

void rectify(const Exec& exec, const Rectify& op) { for_each(exec, op.size, RectifyElement{op}); }

void rectify_backward(const Exec& exec, const Rectify& op) {
  for_each(exec, op.size, RectifyElementBackward{op});
}

void limit_inputs(const Exec& exec, const LimitInputs& op) { for_each(exec, op.size, LimitElement{op}); }

void limit_inputs_backward(const Exec& exec, const LimitInputs& op) {
  for_each(exec, op.size, LimitElementBackward{op});
}

void limit_range_backward(const Exec& exec, const LimitInputs& op) {
  for_each(exec, op.size, LimitRangeBackward{op});
}

}  // namespace mq::MQ_BACKEND
