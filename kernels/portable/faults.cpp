/// Loop over cells: which of them are faulty. The law is devices/faults.h.
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"

namespace mq::MQ_BACKEND {
namespace {

struct FindFault {
  FindFaults op;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    const F pulses = op.wear == nullptr ? F(0.0f) : mq::load<F>(op.wear + i);
    mq::store(op.found + i, fault_of(op.faults, ascending_from<typename LaneTraits<F>::UInt>(i), pulses));
  }
};

}  // namespace

void find_faults(const Exec& exec, const FindFaults& op) { for_each(exec, op.size, FindFault{op}); }

}  // namespace mq::MQ_BACKEND
