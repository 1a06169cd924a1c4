// Converters and inputs: CUDA has the bits of the CPU.
#include "backends.h"

namespace mq {
namespace {

struct Codes {
  std::vector<float> converters, y;
  std::vector<std::uint32_t> clipped;
  std::vector<std::int64_t> histogram;
  std::int64_t clips = 0;
};

Codes codes_of(const Exec& exec, const AdcLaw& law, std::size_t outputs) {
  const KernelTable& table = kernels(exec.backend);
  const std::size_t batch = 9;
  const Buffer<float> y =
      on_backend(exec, uniform_floats(batch * outputs, -1.3f * law.limit, 1.3f * law.limit, 6));
  Buffer<float> converters(exec, converter_fields(law) * outputs), finished(exec, batch * outputs);
  Buffer<double> totals(exec, batch * outputs);
  Buffer<std::uint32_t> clipped(exec, batch);
  const Buffer<std::uint32_t> rounds =
      on_backend(exec, std::vector<std::uint32_t>{2, 2, 1, 2, 2, 0, 2, 2, 2});
  Buffer<std::int64_t> histogram(exec, 2 * std::size_t(law.limit) + 1);
  Buffer<ConverterCounts> counts(exec, 1);
  table.fabricate_converters(exec, {.adc = law,
                                    .spread = {.output_offset = 0.02f,
                                               .s_shape = 0.3f,
                                               .output_gain = 0.02f,
                                               .offset = 0.8f,
                                               .gain = 0.02f,
                                               .inl = 0.5f,
                                               .mismatch = 0.1f,
                                               .comparator = 0.03f},
                                    .outputs = outputs,
                                    .stride = outputs,
                                    .planes = converters.data(),
                                    .key = RngKey(3, Purpose::converters).at_place(2, 1)});
  ConvertOutputs op;
  op.batch = batch;
  op.outputs = op.y_stride = op.totals_stride = outputs;
  op.y = y.data();
  op.output = {.s_shape = 0.2f, .asymmetry = 0.05f, .gain = 1.1f};
  op.adc = law;
  op.converters = converters.data();
  op.converter_stride = outputs;
  op.multiplier = 3.0;
  // A range of its own for every output.
  const Buffer<float> per_units = on_backend(exec, uniform_floats(outputs, 0.8f, 1.2f, 7));
  const Buffer<double> multipliers = on_backend(exec, std::vector<double>(outputs, 5.0));
  if (law.kind == AdcKind::ramp) op.codes_per_units = per_units.data(), op.multipliers = multipliers.data();
  op.totals = totals.data();
  op.key = RngKey(3, Purpose::converter_noise).at_event(5);
  op.first_row = 40;
  op.clipped = clipped.data();
  op.rounds = rounds.data();
  op.round = 2;
  op.counts = counts.data();
  op.histogram = histogram.data();
  table.convert_outputs(exec, op);
  table.finish_outputs(
      exec,
      {.batch = batch, .outputs = outputs, .totals = totals.data(), .y_lsb = 0.1, .y = finished.data()});
  return {on_host(converters), on_host(finished), on_host(clipped), on_host(histogram),
          on_host(counts)[0].adc_clips};
}

TEST_F(OnCuda, ConvertersOfEveryArchitectureHaveTheBitsOfTheCpu) {
  for (const AdcKind kind : {AdcKind::uniform, AdcKind::ramp, AdcKind::sar, AdcKind::cco, AdcKind::pipeline,
                             AdcKind::cyclic, AdcKind::ideal}) {
    const AdcLaw law{.kind = kind,
                     .bits = 5,
                     .limit = 15.0f,
                     .noise = 0.3f,
                     .is_stochastic = true,
                     .compression = 0.1f,
                     .inverse_op_amp = 1e-3f};
    const Codes cpu = codes_of(kCpu, law, 19), cuda = codes_of(kCuda, law, 19);
    const std::string what = "architecture " + std::to_string(int(kind));
    expect_same_bits(cpu.converters, cuda.converters, "converters, " + what);
    expect_same_bits(cpu.y, cuda.y, "outputs, " + what);
    expect_same_bits(cpu.clipped, cuda.clipped, "clipped samples, " + what);
    expect_same_bits(cpu.histogram, cuda.histogram, "histogram, " + what);
    EXPECT_EQ(cpu.clips, cuda.clips) << what;
    EXPECT_EQ(cpu.clips > 0, kind != AdcKind::ideal);
  }
}

TEST_F(OnCuda, ScaledAndDisturbedInputsHaveTheBitsOfTheCpu) {
  const std::size_t rows = 5, columns = 72;
  const std::vector<float> x = uniform_floats(rows * columns, -3.0f, 3.0f, 8);
  std::vector<std::int16_t> codes(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) codes[i] = static_cast<std::int16_t>(42.0f * x[i]);
  struct Inputs {
    std::vector<float> factors, scaled;
    std::vector<std::int16_t> finer, squares;
  };
  const auto inputs = [&](const Exec& exec) {
    const KernelTable& table = kernels(exec.backend);
    const Buffer<float> on = on_backend(exec, x);
    const Buffer<std::int16_t> on_codes = on_backend(exec, codes);
    Buffer<float> factors(exec, rows), to(exec, x.size());
    Buffer<std::int16_t> finer(exec, x.size()), squares(exec, x.size());
    table.scale_rows(
        exec, {.x = on.data(), .rows = rows, .columns = columns, .factors = factors.data(), .to = to.data()});
    DisturbInputs op;
    op.codes = on_codes.data();
    op.batch = rows;
    op.code_stride = columns;
    op.deviation = 2.5f;
    op.asymmetry = 0.03f;
    op.shift = refinement_shift(127, op.deviation);
    op.largest = largest_finer_code(127, op.deviation, op.shift);
    op.key = RngKey(3, Purpose::input_noise);
    op.first_row = 11;
    op.finer = finer.data();
    op.squares = squares.data();
    table.disturb_inputs(exec, op);
    return Inputs{on_host(factors), on_host(to), on_host(finer), on_host(squares)};
  };
  const Inputs cpu = inputs(kCpu), cuda = inputs(kCuda);
  expect_same_bits(cpu.factors, cuda.factors, "factors of rows");
  expect_same_bits(cpu.scaled, cuda.scaled, "scaled inputs");
  expect_same_bits(cpu.finer, cuda.finer, "finer codes");
  expect_same_bits(cpu.squares, cuda.squares, "squares");
}

}  // namespace
}  // namespace mq
