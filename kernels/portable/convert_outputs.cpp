/// Output stages and ADCs: contracts in kernels/convert_outputs.h, formulas in kernels/adc_codes.h.
#include "meltquench/kernels/convert_outputs.h"

#include "meltquench/kernels/adc_codes.h"
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"

namespace mq::MQ_BACKEND {
namespace {

/// The planes of the converters from `first` on. Field f of a converter is the normal with the row f.
struct FabricateConverter {
  FabricateConverters op;

  template <class F>
  MQ_HD F draw(std::uint32_t first, std::uint32_t field) const {
    using UInt = typename LaneTraits<F>::UInt;
    return Rng<F>(op.key, ascending_from<UInt>(first), UInt(field)).normal();
  }
  template <class F>
  MQ_HD void set(std::uint32_t first, std::uint32_t field, F value) const {
    store(op.planes + field * op.stride + first, value);
  }
  template <class F>
  MQ_HD void set_normal(std::uint32_t first, std::uint32_t field, float mean, float deviation) const {
    set(first, field, fma(draw<F>(first, field), deviation, F(mean)));
  }

  /// A capacitor of 2^k units varies by the square root of their number; the sum of all, with the last unit
  /// that only terminates the array, is the reference.
  template <class F>
  MQ_HD void set_capacitors(std::uint32_t first) const {
    F sum = fma(draw<F>(first, kFirstOfKind + op.adc.bits), op.spread.mismatch, F(1.0f));
    for (std::uint32_t bit = 0; bit < op.adc.bits; ++bit) {
      const float units = static_cast<float>(1u << bit);
      const F capacitor = fma(draw<F>(first, kFirstOfKind + bit), op.spread.mismatch * sqrt(units), F(units));
      set(first, kFirstOfKind + bit, capacitor);
      sum = sum + capacitor;
    }
    const F scale = F(static_cast<float>(1u << op.adc.bits)) / sum;
    for (std::uint32_t bit = 0; bit < op.adc.bits; ++bit) {
      const std::uint32_t field = kFirstOfKind + bit;
      set(first, field, load<F>(op.planes + field * op.stride + first) * scale);
    }
  }

  /// Steps of a ramp that never goes back and whose first and last threshold are right: gain and offset have
  /// errors of their own.
  template <class F>
  MQ_HD void set_thresholds(std::uint32_t first) const {
    const std::uint32_t thresholds = (1u << op.adc.bits) - 1;
    const float lowest = -op.adc.limit + 0.5f, distance = 2.0f * op.adc.limit - 1.0f;
    set(first, kFirstOfKind, F(-3.0e38f));  // below code -L, which is cut to
    F sum(0.0f);
    for (std::uint32_t t = 1; t < thresholds; ++t) {
      set(first, kFirstOfKind + t, sum);
      sum = sum + max(fma(draw<F>(first, kFirstOfKind + t), op.spread.mismatch, F(1.0f)), F(0.0f));
      if (t + 2 == thresholds) break;
    }
    set(first, kFirstOfKind + thresholds - 1, sum);
    sum = max(sum, F(1e-30f));
    for (std::uint32_t t = 1; t < thresholds; ++t) {
      const std::uint32_t field = kFirstOfKind + t;
      const F passed = load<F>(op.planes + field * op.stride + first);
      set(first, field, passed * F(distance) / sum + lowest);  // without spread exact: a quotient of integers
    }
  }

  template <class F>
  MQ_HD void operator()(std::uint32_t first) const {
    const ConverterSpread& s = op.spread;
    set_normal<F>(first, kOutputOffset, 0.0f, s.output_offset);
    set_normal<F>(first, kSShapeFactor, 1.0f, s.s_shape);
    set_normal<F>(first, kOutputGain, 1.0f, s.output_gain);
    set_normal<F>(first, kAdcOffset, 0.0f, s.offset);
    set_normal<F>(first, kAdcGain, 1.0f, s.gain);
    set_normal<F>(first, kBow, 0.0f, s.inl);
    set_normal<F>(first, kSBow, 0.0f, s.inl);
    switch (op.adc.kind) {
      case AdcKind::ramp:
        set_thresholds<F>(first);
        break;
      case AdcKind::sar:
        set_capacitors<F>(first);
        break;
      case AdcKind::cco:
        for (std::uint32_t i = 0; i < 2; ++i) set_normal<F>(first, kFirstOfKind + i, 1.0f, s.mismatch);
        break;
      case AdcKind::pipeline:
      case AdcKind::cyclic:
        for (std::uint32_t i = 0; i < converter_fields(op.adc) - kFirstOfKind; ++i) {
          set_normal<F>(first, kFirstOfKind + i, 0.0f, i % 3 == 0 ? s.mismatch : s.comparator);
        }
        break;
      case AdcKind::uniform:
      case AdcKind::ideal:
        break;
    }
  }
};

/// Some outputs of one sample.
struct ConvertRow {
  ConvertOutputs op;

  /// Returns how many of the outputs [o, o + lanes) were cut.
  template <class F>
  MQ_HD std::uint32_t convert(std::uint32_t row, std::uint32_t o) const {
    using UInt = typename LaneTraits<F>::UInt;
    constexpr std::uint32_t kWidth = LaneTraits<F>::kWidth;
    const ConverterView converter{op.converters, op.converter_stride, o};
    F v = load<F>(op.y + row * op.y_stride + o);
    v = v * (op.codes_per_units == nullptr ? F(op.codes_per_unit) : load<F>(op.codes_per_units + o));
    if (op.line_factors != nullptr) v = v * load<F>(op.line_factors + o);
    v = output_stage(op.output, op.adc.limit, converter, v);
    v = adc_front_end(op.adc.limit, converter, v);
    F phase(0.0f);
    if (op.adc.noise > 0.0f || op.adc.is_stochastic) {
      Rng<F> rng(op.key, ascending_from<UInt>(o), UInt(static_cast<std::uint32_t>(op.first_row + row)));
      v = fma(rng.normal(), op.adc.noise, v);
      phase = rng.uniform();
    }
    typename LaneTraits<F>::Mask is_clipped;
    const F code = adc_code_of(op.adc, converter, v, phase, is_clipped);
    float codes[kWidth], cuts[kWidth];
    store(codes, code);
    store(cuts, select(is_clipped, F(1.0f), F(0.0f)));
    double* totals = op.totals + row * op.totals_stride + o;
    std::uint32_t clips = 0;
    for (std::uint32_t l = 0; l < kWidth; ++l) {
      const double part = double(codes[l]) *
                          (op.multipliers == nullptr ? op.multiplier : op.multiplier * op.multipliers[o + l]);
      totals[l] = op.adds ? totals[l] + part : part;
      clips += cuts[l] > 0.0f;
      if (op.histogram != nullptr && op.adc.kind != AdcKind::ideal) {
        add_from_any_thread(op.histogram + to_int(codes[l] + op.adc.limit), std::int64_t(1));
      }
    }
    return clips;
  }

  MQ_HD void operator()(std::uint32_t row, std::uint32_t first, std::uint32_t last) const {
    if (op.rounds != nullptr && op.rounds[row] != op.round) return;
    std::uint32_t clips = 0;
    std::uint32_t o = first;
    constexpr std::uint32_t kWidth = LaneTraits<WideFloat>::kWidth;
    if constexpr (kWidth > 1) {
      for (; o + kWidth <= last; o += kWidth) clips += convert<WideFloat>(row, o);
    }
    for (; o < last; ++o) clips += convert<float>(row, o);
    if (clips == 0) return;
    if (op.clipped != nullptr) add_from_any_thread(op.clipped + row, clips);
    if (op.counts != nullptr) add_from_any_thread(&op.counts->adc_clips, std::int64_t(clips));
  }
};

struct FinishRow {
  FinishOutputs op;

  MQ_HD void operator()(std::uint32_t row, std::uint32_t first, std::uint32_t last) const {
    const double scale = op.row_factors == nullptr ? op.y_lsb : op.y_lsb * double(op.row_factors[row]);
    const std::size_t at = row * op.outputs;
    if (op.shared == nullptr) {
      for (std::uint32_t o = first; o < last; ++o)
        op.y[at + o] = static_cast<float>(op.totals[at + o] * scale);
      return;
    }
    const double* shared = op.shared + row * ((op.outputs + op.block - 1) / op.block);
    for (std::uint32_t o = first; o < last; ++o) {
      op.y[at + o] = static_cast<float>((op.totals[at + o] + shared[o / op.block]) * scale);
    }
  }
};

}  // namespace

void fabricate_converters(const Exec& exec, const FabricateConverters& op) {
  MQ_EXPECTS(op.stride >= op.outputs && op.adc.bits <= (op.adc.kind == AdcKind::ramp ? 12u : 16u));
  for_each(exec, op.outputs, FabricateConverter{op});
}

void convert_outputs(const Exec& exec, const ConvertOutputs& op) {
  MQ_EXPECTS(op.first_row + op.batch <= std::uint64_t(1) << 32 && op.y_stride >= op.outputs &&
             op.totals_stride >= op.outputs);
  for_each_row(exec, op.batch, op.outputs, ConvertRow{op});
}

void finish_outputs(const Exec& exec, const FinishOutputs& op) {
  for_each_row(exec, op.batch, op.outputs, FinishRow{op});
}

}  // namespace mq::MQ_BACKEND
