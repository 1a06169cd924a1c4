/// kernel_costs: what the CUDA kernels execute, as CSV on the standard output; a line per launch.
///
/// Runs what ships at sizes that stand for its use, on the PTX of MQ_PTX_ARCH. kernel_costs.py makes the
/// table.
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "meltquench/core/buffer.h"
#include "meltquench/crossbar/tile_array.h"
#include "meltquench/kernels/kernel_table.h"
#include "meltquench/training/evaluate.h"
#include "meltquench/training/layers.h"
#include "meltquench/training/trainer.h"
#include "on_cpu.h"

namespace mq {
namespace {

constexpr Exec kCuda{.backend = Backend::cuda};

std::vector<float> uniform(std::size_t size, std::uint32_t stream) {
  std::vector<float> values(size);
  for (std::size_t i = 0; i < size; ++i) {
    const RngKey key = RngKey(7, Purpose::sampling).at_event(stream);
    values[i] = 2.0f * Rng<float>(key, static_cast<std::uint32_t>(i)).uniform() - 1.0f;
  }
  return values;
}

Buffer<float> on_device(std::size_t size, std::uint32_t stream) {
  return Buffer<float>(kCuda, std::span<const float>(uniform(size, stream)));
}

void layer(const std::string& device, int bits, float noise, std::size_t n, std::size_t batch) {
  Hardware hardware;
  hardware.device = device_from_preset(device);
  hardware.tile = {.rows = 512, .columns = 512, .output_noise = noise, .read_noise = noise};
  hardware.dac = {.bits = bits, .range = 1.0};
  hardware.adc = {.bits = bits, .range = 40.0};
  TileArray array(kCuda, hardware, {.seed = 7}, n, n);
  const std::vector<float> w = uniform(n * n, 1);
  array.program(kCuda, {w.data(), n, n});
  array.advance_to(kCuda, 86400.0);
  const Buffer<float> x = on_device(batch * n, 2);
  Buffer<float> y(kCuda, batch * n);
  array.mvm(kCuda, x.as_matrix(batch, n), y.as_matrix(batch, n));
}

void float_product(std::size_t n) {
  const Buffer<float> a = on_device(n * n, 1), b = on_device(n * n, 2);
  Buffer<float> c(kCuda, n * n);
  kernels(Backend::cuda)
      .float_product(kCuda, {.rows = n,
                             .columns = n,
                             .depth = n,
                             .a = a.data(),
                             .a_row = n,
                             .a_column = 1,
                             .b = b.data(),
                             .b_row = 1,
                             .b_column = n,
                             .c = c.data(),
                             .c_row = n});
}

void pulses(const DeviceParams& params, std::size_t n, std::size_t batch) {
  const KernelTable& table = kernels(Backend::cuda);
  const auto trains = [&](std::uint32_t side) {
    const Buffer<float> values = on_device(batch * n, side + 1);
    Buffer<std::uint32_t> made(kCuda, batch * n);
    table.make_pulse_trains(kCuda, {.values = values.data(),
                                    .batch = batch,
                                    .lines = n,
                                    .gain = 0.5f,
                                    .length = 31,
                                    .key = RngKey(7, Purpose::pulse_trains).at_event(0, side),
                                    .trains = made.data()});
    return made;
  };
  const Buffer<std::uint32_t> x = trains(0), d = trains(1);
  Buffer<float> fields(kCuda, n * n * static_cast<std::size_t>(cell_fields(params)));
  Buffer<float> plane(kCuda, n * n);
  Buffer<std::int64_t> count(kCuda, 1);
  const CellsView cells{&params, fields.data(), n * n};
  table.fabricate_cells(kCuda, cells, RngKey(7, Purpose::fabrication));
  table.program_cells(kCuda,
                      {.cells = cells, .g_target = plane.data(), .key = RngKey(7, Purpose::programming)});
  table.pulse_cells(kCuda, {.cells = cells,
                            .outputs = n,
                            .inputs = n,
                            .batch = batch,
                            .x = x.data(),
                            .x_stride = n,
                            .d = d.data(),
                            .d_stride = n,
                            .key = RngKey(7, Purpose::pulse_steps),
                            .pulses = count.data()});
  table.settle_cells(kCuda, {.cells = cells, .key = RngKey(7, Purpose::read_noise), .plane = plane.data()});
}

void weight_noise(std::size_t size) {
  const Buffer<float> from = on_device(size, 1);
  Buffer<float> to(kCuda, size);
  kernels(Backend::cuda)
      .add_normals(
          kCuda,
          {.key = RngKey(7, Purpose::weight_noise), .from = from.data(), .to = to.data(), .size = size});
}

/// Images of 28 x 28 through both kinds of layers, three steps.
void training(Optimizer optimizer) {
  constexpr std::size_t kCount = 60, kPixels = 28 * 28;
  const std::vector<float> images = uniform(kCount * kPixels, 1);
  std::vector<std::uint8_t> labels(kCount);
  for (std::size_t i = 0; i < kCount; ++i) labels[i] = static_cast<std::uint8_t>(i % 10);
  Network network({1, 28, 28});
  network.append<InputRange>("range", 1.0f, 5)
      .append<Conv2d>("conv", ConvolutionParams{.filters = 8, .kernel = 5})
      .append<Relu>("relu1")
      .append<MaxPool2d>("max", 2, 2)
      .append<AvgPool2d>("mean", 2, 2)
      .append<Linear>("hidden", std::size_t(128))
      .append<Relu>("relu2")
      .append<Linear>("out", std::size_t(10));
  network.initialize(7);
  TrainParams params{.epochs = 1, .batch_size = 20, .optimizer = optimizer};
  params.weight_noise = 0.05f;
  params.weight_clip = 2.0f;
  const Samples samples{{images.data(), kCount, kPixels}, labels};
  Trainer(kCuda, network, samples, params.of(Variant::hardware_aware), 7).run();
  evaluate(kCuda, network, samples, {.batch = kCount});
}

struct Workload {
  const char* name;
  std::function<void()> run;
};

const Workload kWorkloads[] = {
    {"layer of 512x512, batch 64, 8 bits, noise", [] { layer("pcm-like", 8, 0.02f, 512, 64); }},
    {"layer of 512x512, batch 512, 8 bits, noise", [] { layer("pcm-like", 8, 0.02f, 512, 512); }},
    {"layer of 512x512, batch 512, 8 bits", [] { layer("pcm-like", 8, 0.0f, 512, 512); }},
    {"layer of 512x512, batch 512, 12 bits, noise", [] { layer("pcm-like", 12, 0.02f, 512, 512); }},
    {"layer of 512x512, batch 64, 12 bits, noise", [] { layer("pcm-like", 12, 0.02f, 512, 64); }},
    {"ideal cells, 256x256, batch 64, no converters", [] { layer("ideal", 0, 0.0f, 256, 64); }},
    {"256x256x256", [] { float_product(256); }},
    {"512x512x512", [] { float_product(512); }},
    {"update of 256x256, batch 16", [] { pulses(ConstantStep::Params{}, 256, 16); }},
    {"update of 256x256, batch 16", [] { pulses(SoftBounds::Params{}, 256, 16); }},
    {"512x512", [] { weight_noise(512 * 512); }},
    {"training on 28x28, batch 20", [] { training(Optimizer::sgd); }},
    {"training on 28x28, batch 20", [] { training(Optimizer::adam); }},
};

}  // namespace
}  // namespace mq

int main() {
  std::puts(
      "kernel,workload,blocks,threads,fp32,fp64,integer,special,tensor,warp_instructions,footprint,sectors,"
      "ideal_sectors,wavefronts,ideal_wavefronts");
  for (const mq::Workload& workload : mq::kWorkloads) {
    const std::vector<on_cpu::LaunchCost>& launches = on_cpu::record_launches();
    workload.run();
    if (!on_cpu::findings().empty()) return 1;
    for (const on_cpu::LaunchCost& cost : launches) {
      std::printf("%s,\"%s\"", cost.kernel.c_str(), workload.name);
      for (const std::uint64_t value :
           {cost.blocks, cost.threads, cost.fp32, cost.fp64, cost.integer, cost.special, cost.tensor,
            cost.warp_instructions, cost.footprint, cost.sectors, cost.ideal_sectors, cost.wavefronts,
            cost.ideal_wavefronts}) {
        std::printf(",%llu", static_cast<unsigned long long>(value));
      }
      std::puts("");
    }
  }
  return 0;
}
