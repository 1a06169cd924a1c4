#include <cmath>
#include <limits>

#include "../kernels/patch_codes_cases.h"
#include "backends.h"
#include "meltquench/kernels/cuda/panels.h"

namespace mq {
namespace {

TEST_F(OnCuda, FindsTheLargestMagnitudeWhereverItStands) {
  for (const std::size_t size : {1, 15, 16, 17, 4096, 10007}) {
    const std::vector<float> values = uniform_floats(size, -1.0f, 1.0f, 2);
    for (const std::size_t at : {std::size_t(0), size / 2, size - 1}) {
      std::vector<float> planted = values;
      planted[at] = -1.5f;
      EXPECT_EQ(kernels(Backend::cuda).largest_magnitude(kCuda, on_backend(kCuda, planted).data(), size),
                1.5f);
    }
    EXPECT_EQ(kernels(Backend::cuda).largest_magnitude(kCuda, on_backend(kCuda, values).data(), size),
              kernels(Backend::cpu).largest_magnitude(kCpu, values.data(), size));
  }
  EXPECT_EQ(kernels(Backend::cuda).largest_magnitude(kCuda, nullptr, 0), 0.0f);
}

/// Weights [padded outputs, padded inputs], wherever a backend keeps them.
struct Panels {
  std::vector<int> codes, magnitudes;
  std::vector<float> floats;
  std::int64_t sum;
};

Panels pack(const Exec& exec, const std::vector<float>& plane, std::size_t outputs, std::size_t inputs,
            float scale) {
  const std::size_t size = panel_size(outputs, inputs);
  const Buffer<float> on = on_backend(exec, plane);
  Buffer<std::int16_t> code_buffer(exec, size), magnitude_buffer(exec, size);
  Buffer<float> float_buffer(exec, size);
  Panels panels;
  panels.sum = kernels(exec.backend)
                   .pack_plane(exec, {.plane = on.data(),
                                      .outputs = outputs,
                                      .inputs = inputs,
                                      .codes_per_siemens = scale * kWeightLimit,
                                      .magnitudes_per_siemens = scale * kMagnitudeLimit,
                                      .codes = code_buffer.data(),
                                      .magnitudes = magnitude_buffer.data(),
                                      .floats = float_buffer.data()});
  const auto codes = on_host(code_buffer), magnitudes = on_host(magnitude_buffer);
  const auto floats = on_host(float_buffer);
  const auto byte = [](const std::vector<std::int16_t>& words, std::size_t i) {
    return reinterpret_cast<const std::uint8_t*>(words.data())[i];
  };
  for (std::size_t o = 0; o < padded_outputs(outputs); ++o) {
    for (std::size_t j = 0; j < padded_inputs(inputs); ++j) {
      if (exec.backend == Backend::cuda) {
        const std::size_t at = code_byte(o, j, inputs);
        panels.codes.push_back(256 * static_cast<std::int8_t>(byte(codes, at)) +
                               byte(codes, at + kFragmentBytes));
        panels.magnitudes.push_back(byte(magnitudes, magnitude_byte(o, j, inputs)));
      } else {
        panels.codes.push_back(codes[integer_panel_index(o, j, inputs)]);
        panels.magnitudes.push_back(magnitudes[integer_panel_index(o, j, inputs)]);
      }
      panels.floats.push_back(floats[float_panel_index(o, j, inputs)]);
    }
  }
  return panels;
}

TEST_F(OnCuda, PacksTheSameWeightsFromPlanesOfAnyShape) {
  const std::size_t shapes[][2] = {{1, 1}, {1, 7}, {16, 2}, {17, 33}, {100, 51}, {64, 128}};
  for (const auto& [outputs, inputs] : shapes) {
    const std::vector<float> plane = uniform_floats(outputs * inputs, -25e-6f, 25e-6f, 3);
    const std::string what = std::to_string(outputs) + " x " + std::to_string(inputs);
    const float scale = 1.0f / 24e-6f;  // the largest values are beyond the codes
    const Panels cpu = pack(kCpu, plane, outputs, inputs, scale),
                 cuda = pack(kCuda, plane, outputs, inputs, scale);
    EXPECT_EQ(cpu.codes, cuda.codes) << what;
    EXPECT_EQ(cpu.magnitudes, cuda.magnitudes) << what;
    expect_same_bits(cpu.floats, cuda.floats, what + ", floats");
    EXPECT_EQ(cpu.sum, cuda.sum) << what;
  }
}

TEST(CudaPanels, HaveAPlaceOfItsOwnForEveryByte) {
  for (const std::size_t inputs : {1, 31, 32, 33, 70}) {
    const std::size_t outputs = 40, padded = steps_of(inputs) * kStep;
    std::vector<int> visits(panel_size(outputs, inputs) * 2);
    for (std::size_t o = 0; o < padded_outputs(outputs); ++o) {
      for (std::size_t j = 0; j < padded; ++j) {
        ++visits.at(code_byte(o, j, inputs));
        ++visits.at(code_byte(o, j, inputs) + kFragmentBytes);
      }
    }
    EXPECT_EQ(visits, std::vector<int>(visits.size(), 1)) << inputs << " inputs";
  }
}

TEST_F(OnCuda, PacksAnEmptyPlaneAndLeavesOutPanelsThatNobodyWants) {
  const std::vector<float> plane(5 * 3, 0.0f);
  EXPECT_EQ(pack(kCuda, plane, 5, 3, 0.0f).codes, pack(kCpu, plane, 5, 3, 0.0f).codes);
  const Buffer<float> on = on_backend(kCuda, plane);
  EXPECT_EQ(kernels(Backend::cuda).pack_plane(kCuda, {.plane = on.data(), .outputs = 5, .inputs = 3}), 0);
}

struct Codes {
  std::vector<std::int16_t> codes;
  ConverterCounts counts;
};

Codes quantize(const Exec& exec, const std::vector<float>& x, std::size_t inputs, std::size_t block,
               float limit) {
  QuantizeInputs op{.batch = x.size() / inputs,
                    .inputs = inputs,
                    .block = block,
                    .codes_per_unit = limit,
                    .code_limit = limit};
  op.code_stride = (inputs + block - 1) / block * padded_inputs(block);
  const Buffer<float> on = on_backend(exec, x);
  Buffer<std::int16_t> codes(exec, op.batch * op.code_stride);
  op.x = on.data();
  op.codes = codes.data();
  Buffer<ConverterCounts> counts(exec, 1);
  op.counts = counts.data();
  kernels(exec.backend).quantize_inputs(exec, op);
  return {on_host(codes), on_host(counts)[0]};
}

TEST_F(OnCuda, QuantizesInputsInBlocksAndCountsWhatItClips) {
  const std::size_t cases[][3] = {
      {1, 1, 1}, {3, 10, 4}, {5, 33, 11}, {7, 100, 256}, {2, 512, 128}};  // batch, inputs, block
  for (const auto& [batch, inputs, block] : cases) {
    for (const float limit : {1.0f, 127.0f, 2047.0f}) {
      std::vector<float> x = uniform_floats(batch * inputs, -1.1f, 1.1f, 4);
      x.front() = 0.5f / limit;  // a tie
      x.back() = -std::numeric_limits<float>::infinity();
      const Codes cpu = quantize(kCpu, x, inputs, block, limit),
                  cuda = quantize(kCuda, x, inputs, block, limit);
      const std::string what = std::to_string(inputs) + " inputs, limit " + std::to_string(limit);
      expect_same_bits(cpu.codes, cuda.codes, what);
      EXPECT_EQ(cpu.counts.dac_clips, cuda.counts.dac_clips) << what;
      EXPECT_EQ(cpu.counts.sum_of_codes, cuda.counts.sum_of_codes) << what;
      EXPECT_GT(cuda.counts.dac_clips, 0) << what;
    }
  }
}

TEST_F(OnCuda, AnInputThatIsNoNumberCountsAsClippedOnBothSides) {
  const std::vector<float> x = {0.25f, std::nanf(""), -0.25f, 0.0f};
  const Codes cpu = quantize(kCpu, x, 4, 4, 127.0f), cuda = quantize(kCuda, x, 4, 4, 127.0f);
  expect_same_bits(cpu.codes, cuda.codes, "codes");
  EXPECT_EQ(cpu.counts.dac_clips, 1);
  EXPECT_EQ(cuda.counts.dac_clips, 1);
}

TEST_F(OnCuda, QuantizesPatchesAsIfTheyHadBeenGathered) {
  for (const PatchCodesCase& c : patch_codes_cases()) {
    const std::vector<float> images = uniform_floats(c.pixels(), -2.0f, 2.0f, 5);
    const PatchCodes cpu = patch_codes(kernels(Backend::cpu), kCpu, c, images, false),
                     cuda = patch_codes(kernels(Backend::cuda), kCuda, c, images, false);
    expect_same_bits(cpu.codes, cuda.codes, c.text());
    expect_same_bits(cpu.squares, cuda.squares, c.text() + ", squares");
    EXPECT_EQ(cpu.clips, cuda.clips) << c.text();
    EXPECT_EQ(cpu.sum, cuda.sum) << c.text();
  }
}

}  // namespace
}  // namespace mq
