/// The double-precision oracle of the effective matrix.
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/wire_solver.h"

namespace mq::reference {

std::int64_t effective_matrix(const Exec&, const EffectiveMatrix& op) {
  EffectiveMatrix accurate = op;
  accurate.tolerance = 1e-9f;
  return effective_matrix_in_double(accurate, 1);
}

}  // namespace mq::reference
