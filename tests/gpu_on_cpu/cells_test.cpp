#include "backends.h"
#include "meltquench/devices/device.h"

namespace mq {
namespace {

constexpr RngKey kKey(std::uint64_t index) {
  return RngKey(2026, Purpose::programming, 3).at_event(static_cast<std::uint32_t>(index), 1).at_place(5, 11);
}

/// What cells hold after fabrication and programming, and their conductances over time: plain, and as a pair.
std::vector<std::vector<float>> life_of_cells(const Exec& exec, const DeviceParams& params,
                                              std::size_t size) {
  const KernelTable& table = kernels(exec.backend);
  std::vector<std::vector<float>> seen;
  Buffer<float> fields(exec, size * static_cast<std::size_t>(cell_fields(params)));
  const CellsView cells{&params, fields.data(), size};
  table.fabricate_cells(exec, cells, kKey(0));
  seen.push_back(on_host(fields));

  std::vector<float> targets = uniform_floats(size, 0.0f, g_max(params), 1);
  targets.front() = 0.0f;
  targets.back() = g_max(params);
  const Buffer<float> g_target = on_backend(exec, targets);
  table.program_cells(exec, {.cells = cells, .g_target = g_target.data(), .key = kKey(1), .device = kKey(0)});
  seen.push_back(on_host(fields));

  Buffer<float> plane(exec, size);
  for (const double time : {0.0, 25.0, 86400.0, 3.1536e7}) {
    table.settle_cells(exec, {.cells = cells, .time = time, .key = kKey(2), .plane = plane.data()});
    seen.push_back(on_host(plane));
    table.settle_cells(
        exec,
        {.cells = cells, .time = time, .key = kKey(3), .sign = -1.0f, .adds = true, .plane = plane.data()});
    seen.push_back(on_host(plane));
  }
  return seen;
}

void compare_life(const DeviceParams& params, std::size_t size, const std::string& what) {
  const auto cpu = life_of_cells(kCpu, params, size), cuda = life_of_cells(kCuda, params, size);
  ASSERT_EQ(cpu.size(), cuda.size());
  for (std::size_t i = 0; i < cpu.size(); ++i)
    expect_same_bits(cpu[i], cuda[i], what + ", step " + std::to_string(i));
  const std::vector<float>& first_plane = cuda[2];
  EXPECT_NEAR(first_plane.back(), g_max(params), 0.5f * g_max(params))
      << what << ": nobody programmed these cells";
}

TEST_F(OnCuda, CellsOfEveryPresetLiveAsOnTheCpu) {
  ASSERT_FALSE(presets().empty());
  for (const Preset& preset : presets()) {
    compare_life(device_from_preset(preset.name), 1537, std::string(preset.name));
  }
}

TEST_F(OnCuda, CellsOfEveryModelLiveAsOnTheCpu) {
  for_each_model([]<class Model>() {
    compare_life(DeviceParams(typename Model::Params{}), 1000, "model " + std::string(Model::kName));
  });
}

TEST_F(OnCuda, CellsWithMeasuredCurvesLiveAsOnTheCpu) {
  Pcm::Params params;
  params.nu_mean.shape = LawShape::table;
  params.nu_mean.table = {3, {0.0f, 0.3f, 1.0f}, {0.1f, 0.06f, 0.03f}};
  params.nu_sigma.shape = LawShape::power;
  compare_life(DeviceParams(params), 777, "measured curves");
  // Enough knots that loops which nvcc unrolls run more than once.
  params.nu_mean.table = {11, {}, {}};
  for (std::size_t i = 0; i < 11; ++i) {
    params.nu_mean.table.x[i] = 0.1f * static_cast<float>(i);
    params.nu_mean.table.y[i] = 0.1f - 0.007f * static_cast<float>(i * i % 11);
  }
  for (StateLaw* law : {&params.nu_sigma, &params.read_noise}) {
    law->shape = LawShape::table;
    law->table = params.nu_mean.table;
  }
  compare_life(DeviceParams(params), 777, "curves of many knots");
}

TEST_F(OnCuda, CellsWithAgesAndDeviatesLiveAsOnTheCpu) {
  Pcm::Params device;
  device.prog_noise_device_share = 0.3f;
  device.nu_device_share = 0.5f;
  device.read_noise_spread = 0.2f;
  device.read_noise_device_share = 0.7f;
  device.projection = 0.4f;
  const DeviceParams params = device;
  const std::size_t size = 1033;
  const auto life = [&](const Exec& exec) {
    const KernelTable& table = kernels(exec.backend);
    Buffer<float> fields(exec, size * 4), plane(exec, size);
    const CellsView cells{&params, fields.data(), size};
    table.fabricate_cells(exec, cells, kKey(0));
    std::vector<float> targets = uniform_floats(size, -10.0_uS, 25.0_uS, 1);  // some are left alone
    const Buffer<float> g_target = on_backend(exec, targets);
    const Buffer<float> age = on_backend(exec, uniform_floats(size, 0.0f, 1e4f, 2));
    const Buffer<float> deviates = on_backend(exec, uniform_floats(size, -9.0f, 9.0f, 3));
    table.program_cells(
        exec,
        {.cells = cells, .g_target = g_target.data(), .key = kKey(1), .device = kKey(0), .age = age.data()});
    table.age_cells(exec, cells, 12.5);
    std::vector<std::vector<float>> seen{on_host(fields)};
    for (const float* given : {static_cast<const float*>(nullptr), deviates.data()}) {
      table.settle_cells(exec, {.cells = cells,
                                .time = 3600.0,
                                .has_ages = true,
                                .inverse_heat = -2.0f,
                                .key = kKey(2),
                                .deviates = given,
                                .plane = plane.data()});
      seen.push_back(on_host(plane));
    }
    return seen;
  };
  const auto cpu = life(kCpu), cuda = life(kCuda);
  for (std::size_t i = 0; i < cpu.size(); ++i) expect_same_bits(cpu[i], cuda[i], std::to_string(i));
  EXPECT_NE(cuda[1], cuda[2]);
}

TEST_F(OnCuda, ReadNoiseRemembersAsOnTheCpu) {
  const std::size_t size = 777;
  const auto life = [&](const Exec& exec) {
    Buffer<float> states(exec, 3 * size), levels(exec, size), deviates(exec, size);
    const Buffer<float> only = on_backend(exec, uniform_floats(size, -1.0f, 1.0f, 4));
    CellNoise op;
    op.size = size;
    op.processes = 3;
    for (int k = 0; k < 3; ++k) op.keep[k] = 0.9f - 0.3f * float(k), op.fresh[k] = 0.4f + 0.2f * float(k);
    op.weight = 0.7f;
    op.white = 0.3f;
    op.states = states.data();
    op.levels = levels.data();
    op.telegraph = TelegraphLaw(CellNoiseParams{.correlated = true, .telegraph_share = 0.5});
    op.deviates = deviates.data();
    op.device = kKey(0);
    std::vector<std::vector<float>> seen;
    for (int n = 0; n < 3; ++n) {
      op.starts = n != 1;
      op.only = n == 2 ? only.data() : nullptr;
      op.seconds = 2.0f * float(n);
      op.key = kKey(std::uint64_t(5 + n));
      kernels(exec.backend).step_cell_noise(exec, op);
      for (const Buffer<float>* buffer : {&states, &levels, &deviates}) seen.push_back(on_host(*buffer));
    }
    return seen;
  };
  const auto cpu = life(kCpu), cuda = life(kCuda);
  for (std::size_t i = 0; i < cpu.size(); ++i) expect_same_bits(cpu[i], cuda[i], std::to_string(i));
}

TEST_F(OnCuda, ArraysOfEverySizeAroundABlockLiveAsOnTheCpu) {
  const DeviceParams params = device_from_preset("pcm-like");
  for (const std::size_t size : {1, 31, 255, 256, 257, 4097})
    compare_life(params, size, std::to_string(size) + " cells");
}

}  // namespace
}  // namespace mq
