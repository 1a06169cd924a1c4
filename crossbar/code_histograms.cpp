#include "meltquench/crossbar/code_histograms.h"

#include <algorithm>
#include <numeric>

#include "meltquench/core/error.h"

namespace mq {

std::int64_t CodeHistogram::conversions() const {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t(0));
}

double CodeHistogram::clipped_share() const {
  const std::int64_t all = conversions();
  return all > 0 ? double(clipped) / double(all) : 0.0;
}

double CodeHistogram::mean_code() const {
  double sum = 0.0;
  for (std::size_t i = 0; i < counts.size(); ++i)
    sum += double(std::int64_t(i) - limit()) * double(counts[i]);
  const std::int64_t all = conversions();
  return all > 0 ? sum / double(all) : 0.0;
}

std::size_t CodeHistogram::codes_used() const {
  return static_cast<std::size_t>(
      std::count_if(counts.begin(), counts.end(), [](std::int64_t n) { return n > 0; }));
}

std::vector<CodeHistogram> code_histograms(TileArray& array, const Exec& exec, MatrixView<const float> x,
                                           MatrixView<float> y, MvmPlace place) {
  const CodeCounter counter(array, exec);
  array.mvm(exec, x, y, place);
  return counter.histograms();
}

CodeCounter::CodeCounter(TileArray& array, const Exec& exec) : array_(array) {
  if (array.hardware().adc.bits == 0) {
    throw ConfigError(
        "adc.bits = 0: outputs are not converted, so there are no codes to count; set adc.bits");
  }
  if (array.code_counts_) throw StateError("the codes of this array are being counted already");
  const std::size_t conversions = array.tiles_.size() * array.conversions_per_tile();
  array.code_counts_.emplace(TileArray::CodeCounts{
      .codes = Buffer<std::int64_t>(
          exec, conversions * (2 * static_cast<std::size_t>(largest_code(array.hardware().adc.bits)) + 1)),
      .clips = Buffer<ConverterCounts>(exec, conversions)});
  array.forward_.is_stale = array.transposed_.is_stale = true;
}

CodeCounter::~CodeCounter() {
  array_.counters_.adc_clips += array_.counted_clips();
  array_.code_counts_.reset();
  array_.forward_.is_stale = array_.transposed_.is_stale = true;
}

std::vector<CodeHistogram> CodeCounter::histograms() const {
  array_.check_programmed();
  std::vector<std::int64_t> codes(array_.code_counts_->codes.size());
  std::vector<ConverterCounts> clips(array_.code_counts_->clips.size());
  array_.code_counts_->codes.copy_to(codes);
  array_.code_counts_->clips.copy_to(clips);
  const std::size_t entries = 2 * static_cast<std::size_t>(largest_code(array_.hardware().adc.bits)) + 1;
  std::vector<CodeHistogram> histograms;
  for (std::size_t t = 0; t < array_.tiles_.size(); ++t) {
    const std::vector<Plane>& planes = array_.tiles_[t].planes();
    for (std::size_t p = 0; p < planes.size(); ++p) {
      if (planes[p].role.kind == PlaneKind::computed_zero) continue;
      for (std::uint32_t phase = 0; phase < array_.phases_.conversions(); ++phase) {
        const std::size_t c = array_.conversion(t, p, phase);
        CodeHistogram one{.tile = t,
                          .plane = p,
                          .role = planes[p].role,
                          .phase = phase,
                          .first_output = t / array_.grid_.columns() * array_.grid_.tile_outputs,
                          .outputs = planes[p].outputs,
                          .range = array_.forward_.ranges.adc[c]};
        const std::int64_t* first = codes.data() + c * entries;
        one.counts.assign(first, first + entries);
        one.clipped = clips[c].adc_clips;
        const std::vector<float>& columns = array_.forward_.ranges.columns;
        if (!columns.empty()) {
          const float* of_outputs = columns.data() + c * array_.grid_.tile_outputs;
          one.ranges.assign(of_outputs, of_outputs + planes[p].outputs);
        }
        histograms.push_back(std::move(one));
      }
    }
  }
  return histograms;
}

std::int64_t TileArray::counted_clips() const {
  if (!code_counts_) return 0;
  std::vector<ConverterCounts> clips(code_counts_->clips.size());
  code_counts_->clips.copy_to(clips);
  std::int64_t sum = 0;
  for (const ConverterCounts& one : clips) sum += one.adc_clips;
  return sum;
}

}  // namespace mq
