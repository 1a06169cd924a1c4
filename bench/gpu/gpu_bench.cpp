/// Speed of the CUDA backend on device 0: one table, medians over repeats, inputs that take turns.
///
///     meltquench_gpu_bench [WORD]    only rows whose name holds WORD
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "meltquench/bench/gpu/device_timer.h"
#include "meltquench/bench/gpu/sgemm_of_cublas.h"
#include "meltquench/core/error.h"
#include "meltquench/crossbar/tile_array.h"
#include "meltquench/devices/device.h"

namespace mq {
namespace {

constexpr Exec kCuda{.backend = Backend::cuda};
constexpr int kInputs = 4;  // that take turns
std::string wanted;

std::vector<float> uniform(std::size_t n, std::uint64_t seed) {
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) {
    Rng<float> rng(RngKey(seed, Purpose::sampling), static_cast<std::uint32_t>(i));
    values[i] = 2.0f * rng.uniform() - 1.0f;
  }
  return values;
}

Buffer<float> on_device(const std::vector<float>& host) {
  return Buffer<float>(kCuda, std::span<const float>(host));
}

bool is_wanted(const std::string& name) { return name.find(wanted) != std::string::npos; }

/// `amount` of `unit` done per call, in units of 1.
void print_row(const std::string& name, double seconds, double amount, const char* unit) {
  std::printf("%-62s %12.2f us %12.4g %s/s\n", name.c_str(), seconds * 1e6, amount / seconds, unit);
  std::fflush(stdout);
}

/// x in, y out: DAC, product, noise and ADC; the planes stay as they are.
void time_products(const std::string& name, std::size_t outputs, std::size_t inputs, int tile, int bits,
                   float noise, const std::vector<std::size_t>& batches) {
  Hardware hardware;
  hardware.tile.rows = tile, hardware.tile.columns = tile;
  hardware.tile.output_noise = noise, hardware.tile.read_noise = noise;
  hardware.dac.bits = bits, hardware.dac.range = 1.0;
  hardware.adc.bits = bits, hardware.adc.range = 40.0;
  TileArray array(kCuda, hardware, {.seed = 7}, outputs, inputs);
  const std::vector<float> w = uniform(outputs * inputs, 1);
  array.program(kCuda, {w.data(), outputs, inputs});
  for (const std::size_t batch : batches) {
    const std::string row = name + ", batch " + std::to_string(batch);
    if (!is_wanted(row)) continue;
    std::vector<Buffer<float>> x;
    for (int i = 0; i < kInputs; ++i)
      x.push_back(on_device(uniform(batch * inputs, 2 + static_cast<std::uint64_t>(i))));
    Buffer<float> y(kCuda, batch * outputs);
    const double seconds = device_seconds([&](int i) {
      array.mvm(kCuda, std::as_const(x[static_cast<std::size_t>(i % kInputs)]).as_matrix(batch, inputs),
                y.as_matrix(batch, outputs));
    });
    print_row(row, seconds, 2.0 * double(batch * outputs) * double(inputs), "op");
  }
}

void time_float_product(std::size_t n, const SgemmOfCublas& cublas) {
  const std::string name = "float product " + std::to_string(n) + "^3";
  if (!is_wanted(name)) return;
  const Buffer<float> a = on_device(uniform(n * n, 1)), b = on_device(uniform(n * n, 2));
  Buffer<float> c(kCuda, n * n);
  const double operations = 2.0 * std::pow(double(n), 3);
  struct Layout {
    const char* name;
    std::size_t a_row, a_column, b_row, b_column;
  };
  for (const Layout& l :
       {Layout{", x W^T", n, 1, 1, n}, Layout{", d W", n, 1, n, 1}, Layout{", d^T x", 1, n, n, 1}}) {
    const FloatProduct op{.rows = n,
                          .columns = n,
                          .depth = n,
                          .a = a.data(),
                          .a_row = l.a_row,
                          .a_column = l.a_column,
                          .b = b.data(),
                          .b_row = l.b_row,
                          .b_column = l.b_column,
                          .c = c.data(),
                          .c_row = n};
    print_row(name + l.name, device_seconds([&](int) { kernels(Backend::cuda).float_product(kCuda, op); }),
              operations, "flop");
  }
  if (!cublas.is_there()) return;
  print_row(name + ", cuBLAS sgemm x W^T",
            device_seconds([&](int) { cublas.multiply(static_cast<int>(n), a.data(), b.data(), c.data()); }),
            operations, "flop");
}

void time_cells(const char* preset) {
  const std::size_t n = std::size_t(1) << 22;
  const DeviceParams params = device_from_preset(preset);
  Buffer<float> fields(kCuda, n * static_cast<std::size_t>(cell_fields(params))), plane(kCuda, n);
  const CellsView cells{&params, fields.data(), n};
  std::vector<float> host = uniform(n, 3);
  for (float& g : host) g = std::abs(g) * g_max(params);
  const Buffer<float> target = on_device(host);
  const KernelTable& table = kernels(Backend::cuda);
  const RngKey key(7, Purpose::programming);
  table.program_cells(kCuda, {.cells = cells, .g_target = target.data(), .key = key});
  const std::string program = std::string("program ") + preset, settle = std::string("settle ") + preset;
  if (is_wanted(program)) {
    print_row(program, device_seconds([&](int) {
                table.program_cells(kCuda, {.cells = cells, .g_target = target.data(), .key = key});
              }),
              double(n), "cell");
  }
  if (is_wanted(settle)) {
    const double seconds = device_seconds([&](int i) {
      table.settle_cells(kCuda, {.cells = cells, .time = 86400.0 + i, .key = key, .plane = plane.data()});
    });
    print_row(settle, seconds, double(n), "cell");
  }
}

void time_normals() {
  const std::size_t n = std::size_t(1) << 24;
  if (!is_wanted("normals")) return;
  const Buffer<float> from(kCuda, n);
  Buffer<float> to(kCuda, n);
  const double seconds = device_seconds([&](int) {
    kernels(Backend::cuda)
        .add_normals(kCuda,
                     {.key = RngKey(7, Purpose::sampling), .from = from.data(), .to = to.data(), .size = n});
  });
  print_row("normals", seconds, double(n), "normal");
}

/// What settling a tile costs beside its cells: the largest magnitude and the packing, each with a number
/// that goes back to the host.
void time_planes() {
  const std::size_t n = 512;
  const Buffer<float> plane = on_device(uniform(n * n, 5));
  const KernelTable& table = kernels(Backend::cuda);
  if (is_wanted("largest magnitude of 512^2")) {
    print_row("largest magnitude of 512^2",
              device_seconds([&](int) { table.largest_magnitude(kCuda, plane.data(), n * n); }),
              double(n * n), "cell");
  }
  if (!is_wanted("pack 512^2")) return;
  Buffer<std::int16_t> codes(kCuda, panel_size(n, n)), magnitudes(kCuda, panel_size(n, n));
  const PackPlane op{.plane = plane.data(),
                     .outputs = n,
                     .inputs = n,
                     .codes_per_siemens = 32767.0f,
                     .magnitudes_per_siemens = 127.0f,
                     .codes = codes.data(),
                     .magnitudes = magnitudes.data()};
  print_row("pack 512^2", device_seconds([&](int) { table.pack_plane(kCuda, op); }), double(n * n), "cell");
}

/// Cells of 0.1 to 25 uS, lines of 1 ohm per segment, to 1e-6.
void time_effective_matrix(std::size_t n) {
  const std::string name = "effective matrix " + std::to_string(n) + "^2";
  if (!is_wanted(name)) return;
  std::vector<float> host = uniform(n * n, 5);
  for (float& g : host) g = 12.55e-6f + 12.45e-6f * g;
  const Buffer<float> cells = on_device(host);
  Buffer<float> effective(kCuda, n * n);
  EffectiveMatrix op{.outputs = n, .inputs = n, .g = cells.data(), .effective = effective.data()};
  op.wires.word.segment = op.wires.bit.segment = 1.0;
  const auto solve = [&](int) { kernels(Backend::cuda).effective_matrix(kCuda, op); };
  print_row(name, device_seconds(solve), double(n * n), "cell");
}

/// Values uniform in +-1; with trains of 31 slots a cell sees 31 gain^2 / 4 coincidences per sample on
/// average.
void time_pulses(const std::string& model, const DeviceParams& params, float gain) {
  const std::size_t n = 512, batch = 64;
  const std::string name = "pulsed update 512^2, batch 64, " + model + ", gain " + std::to_string(gain);
  if (!is_wanted(name)) return;
  const KernelTable& table = kernels(Backend::cuda);
  Buffer<std::uint32_t> trains[2] = {Buffer<std::uint32_t>(kCuda, batch * n),
                                     Buffer<std::uint32_t>(kCuda, batch * n)};
  for (std::uint32_t side = 0; side < 2; ++side) {
    const Buffer<float> values = on_device(uniform(batch * n, 6 + side));
    table.make_pulse_trains(kCuda, {.values = values.data(),
                                    .batch = batch,
                                    .lines = n,
                                    .gain = gain,
                                    .key = RngKey(7, Purpose::pulse_trains).at_event(0, side),
                                    .trains = trains[side].data()});
  }
  Buffer<float> fields(kCuda, n * n * static_cast<std::size_t>(cell_fields(params)));
  Buffer<std::int64_t> pulses(kCuda, 1);
  const CellsView cells{&params, fields.data(), n * n};
  table.fabricate_cells(kCuda, cells, RngKey(7, Purpose::fabrication));
  const double seconds = device_seconds([&](int i) {
    table.pulse_cells(kCuda, {.cells = cells,
                              .outputs = n,
                              .inputs = n,
                              .batch = batch,
                              .x = trains[0].data(),
                              .x_stride = n,
                              .d = trains[1].data(),
                              .d_stride = n,
                              .key = RngKey(7, Purpose::pulse_steps).at_event(static_cast<std::uint32_t>(i)),
                              .pulses = pulses.data()});
  });
  print_row(name, seconds, double(n * n * batch), "cell-sample");
}

void run() {
  kernels(Backend::cuda);
  std::printf("%s\n", describe_device());
  const std::vector<std::size_t> batches = {1, 64, 512, 4096};
  time_products("MVM 512^2, DAC and ADC", 512, 512, 512, 8, 0.0f, batches);
  time_products("MVM 512^2, all noise", 512, 512, 512, 8, 0.02f, batches);
  time_products("MVM 512^2, 12 bits, all noise", 512, 512, 512, 12, 0.02f, batches);
  time_products("MVM 512^2, no converters", 512, 512, 512, 0, 0.0f, batches);
  time_products("layer of 8 x 8 tiles of 256^2, all noise", 2048, 2048, 256, 8, 0.02f, batches);
  const SgemmOfCublas cublas;
  if (!cublas.is_there()) std::printf("cuBLAS is not there, so nothing to compare float products with\n");
  for (const std::size_t n : {512, 2048, 4096}) time_float_product(n, cublas);
  for (const char* preset : {"pcm-like", "hermes-1"}) time_cells(preset);
  time_normals();
  time_planes();
  for (const std::size_t n : {128, 256, 512}) time_effective_matrix(n);
  for_each_model([]<class Model>() {
    if constexpr (PulsedModel<Model>) {
      for (const float gain : {0.5f, 0.08f})
        time_pulses(std::string(Model::kName), typename Model::Params{}, gain);
    }
  });
}

}  // namespace
}  // namespace mq

int main(int argc, char** argv) {
  if (argc > 1) mq::wanted = argv[1];
  try {
    mq::run();
  } catch (const mq::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
