#include "backends.h"
#include "meltquench/devices/device.h"

namespace mq {
namespace {

struct Sizes {
  std::size_t outputs, inputs, batch;
};

struct Updated {
  std::vector<std::uint32_t> x, d;
  std::vector<float> cells;
  std::vector<std::int64_t> pulses;
};

Updated update(const Exec& exec, const DeviceParams& params, Sizes n, float gain, PulseSteps steps,
               std::uint32_t first_sample, bool is_mirrored = false) {
  const KernelTable& table = kernels(exec.backend);
  const auto trains = [&](std::size_t lines, std::uint32_t side) {
    const Buffer<float> values = on_backend(exec, uniform_floats(n.batch * lines, -1.0f, 1.0f, side + 1));
    Buffer<std::uint32_t> made(exec, n.batch * lines);
    table.make_pulse_trains(exec, {.values = values.data(),
                                   .batch = n.batch,
                                   .lines = lines,
                                   .gain = gain,
                                   .length = side == 0 ? 31 : 17,
                                   .key = RngKey(5, Purpose::pulse_trains, 2).at_event(3, side),
                                   .first_sample = first_sample,
                                   .trains = made.data()});
    return made;
  };
  const Buffer<std::uint32_t> x = trains(n.inputs, 0), d = trains(n.outputs, 1);
  const std::size_t size = n.outputs * n.inputs;
  Buffer<float> cells(exec, size * static_cast<std::size_t>(cell_fields(params)));
  Buffer<std::int64_t> pulses(exec, 1);
  const CellsView view{&params, cells.data(), size};
  table.fabricate_cells(exec, view, RngKey(5, Purpose::fabrication));
  table.pulse_cells(exec, {.cells = view,
                           .outputs = n.outputs,
                           .inputs = n.inputs,
                           .batch = n.batch,
                           .x = x.data(),
                           .x_stride = n.inputs,
                           .d = d.data(),
                           .d_stride = n.outputs,
                           .steps = steps,
                           .is_mirrored = is_mirrored,
                           .key = RngKey(5, Purpose::pulse_steps, 2).at_event(3).at_place(4, 6),
                           .first_sample = first_sample,
                           .pulses = pulses.data()});
  return {on_host(x), on_host(d), on_host(cells), on_host(pulses)};
}

TEST_F(OnCuda, PulsesMoveCellsAsOnTheCpu) {
  for_each_model([]<class Model>() {
    if constexpr (PulsedModel<Model>) {
      const DeviceParams params = typename Model::Params{};
      for (const PulseSteps steps : {PulseSteps::aggregated, PulseSteps::single}) {
        for (const Sizes n : {Sizes{1, 1, 1}, Sizes{9, 33, 70}, Sizes{17, 70, 6}, Sizes{8, 64, 131}}) {
          for (const float gain : {0.05f, 0.4f, 2.0f}) {
            if (n.batch == 131 && gain != 0.4f) continue;  // many blocks of samples: most of the work
            const Updated cpu = update(kCpu, params, n, gain, steps, 5),
                          cuda = update(kCuda, params, n, gain, steps, 5);
            const std::string what = std::string(Model::kName) + ", gain " + std::to_string(gain);
            expect_same_bits(cpu.x, cuda.x, what + ": trains of word lines");
            expect_same_bits(cpu.d, cuda.d, what + ": trains of bit lines");
            expect_same_bits(cpu.cells, cuda.cells, what + ": cells");
            EXPECT_EQ(cpu.pulses, cuda.pulses) << what;
          }
        }
      }
    }
  });
}

TEST_F(OnCuda, PulsesMoveBothSidesOfOneSidedPairsAsOnTheCpu) {
  LookupStep::Params two_sided;
  two_sided.one_sided = false;
  for (const DeviceParams& params :
       {device_from_preset("pcm-one-sided"), device_from_preset("reram-om"), DeviceParams(two_sided)}) {
    for (const PulseSteps steps : {PulseSteps::aggregated, PulseSteps::single}) {
      for (const float gain : {0.05f, 1.0f}) {
        for (const bool is_mirrored : {false, true}) {
          const Sizes n{9, 33, 38};
          const Updated cpu = update(kCpu, params, n, gain, steps, 5, is_mirrored),
                        cuda = update(kCuda, params, n, gain, steps, 5, is_mirrored);
          const std::string what = std::string(model_name(params)) + ", gain " + std::to_string(gain);
          expect_same_bits(cpu.cells, cuda.cells, what + ": cells");
          EXPECT_EQ(cpu.pulses, cuda.pulses) << what;
        }
      }
    }
  }
}

TEST_F(OnCuda, PulsesAreRefusedByModelsThatOnlyTakeProgramming) {
  EXPECT_THROW(update(kCuda, Pcm::Params{}, {2, 2, 1}, 1.0f, PulseSteps::aggregated, 0), ConfigError);
}

}  // namespace
}  // namespace mq
