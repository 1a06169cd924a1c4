/// Pulse trains: contract in kernels/pulse_trains.h.
#include "meltquench/kernels/pulse_trains.h"

#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"

namespace mq::MQ_BACKEND {
namespace {

/// Index i: line i % padded of sample i / padded. Lines are padded to whole vectors, so that the lanes of one
/// call belong to one sample.
struct MakeTrain {
  PulseTrains op;
  std::uint32_t padded;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    using U = typename LaneTraits<F>::UInt;
    constexpr std::uint32_t kWidth = LaneTraits<F>::kWidth;
    const std::uint32_t sample = i / padded, line = i % padded;
    const auto lines = static_cast<std::uint32_t>(op.lines);
    if (line >= lines) return;
    const std::size_t at = std::size_t(sample) * lines + line;
    const U index = ascending_from<U>(line);
    if (line + kWidth <= lines) {
      store(op.trains + at, pulse_train(op, index, op.first_sample + sample, load<F>(op.values + at)));
      return;
    }
    float values[kWidth] = {};
    std::uint32_t trains[kWidth];
    for (std::uint32_t l = 0; line + l < lines; ++l) values[l] = op.values[at + l];
    store(trains, pulse_train(op, index, op.first_sample + sample, load<F>(values)));
    for (std::uint32_t l = 0; line + l < lines; ++l) op.trains[at + l] = trains[l];
  }
};

}  // namespace

void make_pulse_trains(const Exec& exec, const PulseTrains& op) {
  MQ_EXPECTS(op.length >= 1 && op.length <= kLongestTrain && op.gain >= 0.0f);
  const std::size_t padded = (op.lines + 15) / 16 * 16;
  for_each(exec, op.batch * padded, MakeTrain{op, static_cast<std::uint32_t>(padded)});
}

}  // namespace mq::MQ_BACKEND
