#include "meltquench/crossbar/line_choice.h"

#include <algorithm>
#include <tuple>

#include "meltquench/core/stop.h"
#include "meltquench/crossbar/line_assignment.h"
#include "meltquench/devices/faults.h"
#include "meltquench/kernels/gather_lines.h"

namespace mq {
namespace {

/// A round of assignments that gains less than this share is the last one.
constexpr double kWorthARound = 0.01;
/// Sums of another order differ by less.
constexpr double kRounding = 1e-9;

/// A cell that does not work, on `line` where it meets the line `across` of the other kind.
struct Defect {
  std::uint32_t line = 0, across = 0, array = 0;
  float found = 0.0f;
};

/// The lines of one kind, given those of the other kind.
class Lines {
 public:
  Lines(std::span<const ArrayDefects> arrays, std::span<const float> full_scales, const LineMap& map,
        bool are_outputs)
      : are_outputs_(are_outputs),
        size_((are_outputs ? map.outputs : map.inputs).size()),
        all_(are_outputs ? map.bit_lines : map.word_lines),
        across_((are_outputs ? map.inputs : map.outputs).size()),
        all_across_(are_outputs ? map.word_lines : map.bit_lines),
        full_scales_(full_scales.begin(), full_scales.end()),
        first_(all_ + 1) {
    full_scales_.resize(map.outputs.size(), 1.0f);
    for (std::uint32_t a = 0; a < arrays.size(); ++a) add(arrays[a], a, map.word_lines);
    std::sort(defects_.begin(), defects_.end(), [](const Defect& x, const Defect& y) {
      return std::tie(x.line, x.across, x.array) < std::tie(y.line, y.across, y.array);
    });
    for (const Defect& defect : defects_) ++first_[defect.line + 1];
    for (std::size_t p = 0; p < all_; ++p) first_[p + 1] += first_[p];
  }

  /// Where the lines of the other kind are.
  void cross(const std::vector<std::uint32_t>& lines) { crossing_ = inverse_lines(lines, all_across_); }

  /// E of a line of the matrix on a line of the arrays.
  double cost(std::size_t line, std::size_t at) const {
    double sum = 0.0;
    for (std::size_t i = first_[at]; i < first_[at + 1];) {
      const std::uint32_t place = defects_[i].across;
      double error = 0.0, variance = 0.0;
      for (; i < first_[at + 1] && defects_[i].across == place; ++i) {
        if (crossing_[place] == kNoLine) continue;
        const Array& array = arrays_[defects_[i].array];
        if (defects_[i].found == kFailingCell) {
          variance += array.failing_variance;
        } else {
          error +=
              array.scale * (double(defects_[i].found) - array.targets[line * across_ + crossing_[place]]);
        }
      }
      if (crossing_[place] == kNoLine) continue;
      const double full_scale = full_scales_[are_outputs_ ? line : crossing_[place]];
      sum += (error * error + variance) * full_scale * full_scale;
    }
    return sum;
  }

  double cost(const std::vector<std::uint32_t>& lines) const {
    double sum = 0.0;
    for (std::size_t l = 0; l < size_; ++l) sum += cost(l, lines[l]);
    return sum;
  }

  /// The best lines of the arrays, the others given.
  std::vector<std::uint32_t> assigned(Remap how) const {
    return how == Remap::permute ? permuted() : replaced();
  }

 private:
  struct Array {
    std::vector<float> targets;  // [lines, lines across]
    double scale = 0.0, failing_variance = 0.0;
  };

  void add(const ArrayDefects& array, std::uint32_t index, std::size_t word_lines) {
    const double failing = array.weight_per_siemens * array.failing_deviation;
    Array& mine = arrays_.emplace_back();
    mine.scale = array.weight_per_siemens;
    mine.failing_variance = failing * failing;
    mine.targets = array.targets;
    if (!are_outputs_) {
      for (std::size_t i = 0; i < mine.targets.size(); ++i) {
        mine.targets[i] = array.targets[i % across_ * size_ + i / across_];
      }
    }
    for (std::size_t i = 0; i < array.found.size(); ++i) {
      if (array.found[i] == kWorkingCell) continue;
      const auto bit = static_cast<std::uint32_t>(i / word_lines),
                 word = static_cast<std::uint32_t>(i % word_lines);
      defects_.push_back({are_outputs_ ? bit : word, are_outputs_ ? word : bit, index, array.found[i]});
    }
  }

  std::vector<std::uint32_t> permuted() const {
    std::vector<double> costs(size_ * all_);
    for (std::size_t l = 0; l < size_; ++l) {
      throw_if_stopped();
      for (std::size_t p = 0; p < all_; ++p) costs[l * all_ + p] = cost(l, p);
    }
    return least_assignment({costs.data(), size_, all_});
  }

  std::vector<std::uint32_t> replaced() const {
    std::vector<std::uint32_t> lines(size_);
    std::iota(lines.begin(), lines.end(), 0u);
    // Rows are spare lines; a column is a line that one may take, or that none needs.
    const std::size_t spares = all_ - size_, columns = std::max(size_, spares);
    std::vector<double> gains(spares * columns);
    for (std::size_t l = 0; l < size_; ++l) {
      throw_if_stopped();
      const double own = cost(l, l);
      for (std::size_t s = 0; s < spares && own > 0.0; ++s) {
        gains[s * columns + l] = std::min(cost(l, size_ + s) - own, 0.0);
      }
    }
    const std::vector<std::uint32_t> taken = least_assignment({gains.data(), spares, columns});
    for (std::size_t s = 0; s < spares; ++s) {
      if (gains[s * columns + taken[s]] < 0.0) lines[taken[s]] = static_cast<std::uint32_t>(size_ + s);
    }
    return lines;
  }

  bool are_outputs_;
  std::size_t size_, all_, across_, all_across_;
  std::vector<float> full_scales_;  // [outputs]
  std::vector<Array> arrays_;
  std::vector<Defect> defects_;
  std::vector<std::size_t> first_;  // [all_ + 1] of the defects of each line
  std::vector<std::uint32_t> crossing_;
};

class LineChoice {
 public:
  LineChoice(std::span<const ArrayDefects> arrays, std::span<const float> full_scales, const LineMap& map)
      : outputs_(arrays, full_scales, map, true), inputs_(arrays, full_scales, map, false) {}

  double error(const LineMap& map) {
    outputs_.cross(map.inputs);
    return outputs_.cost(map.outputs);
  }

  /// Assigns lines of both kinds in turns, while that helps.
  LineMap improved(Remap how, LineMap map, bool outputs_first) {
    double best = error(map);
    while (best > 0.0) {
      const double before = best;
      if (outputs_first) best = improve(how, outputs_, map.outputs, map.inputs, best);
      best = improve(how, inputs_, map.inputs, map.outputs, best);
      if (!outputs_first) best = improve(how, outputs_, map.outputs, map.inputs, best);
      if (best >= before * (1.0 - kWorthARound)) break;
    }
    return map;
  }

 private:
  /// Assigns `lines` anew; returns E.
  static double improve(Remap how, Lines& side, std::vector<std::uint32_t>& lines,
                        const std::vector<std::uint32_t>& across, double error) {
    if (error == 0.0) return error;
    side.cross(across);
    const std::vector<std::uint32_t> better = side.assigned(how);
    const double after = side.cost(better);
    if (after >= side.cost(lines) * (1.0 - kRounding)) return error;
    lines = better;
    return after;
  }

  Lines outputs_, inputs_;
};

}  // namespace

double squared_error(const LineMap& map, std::span<const ArrayDefects> arrays,
                     std::span<const float> full_scales) {
  return LineChoice(arrays, full_scales, map).error(map);
}

LineMap choose_lines(Remap how, const LineMap& in_order, std::span<const ArrayDefects> arrays,
                     std::span<const float> full_scales) {
  if (how == Remap::none) return in_order;
  LineChoice choice(arrays, full_scales, in_order);
  const LineMap bits_first = choice.improved(Remap::replace, in_order, true),
                words_first = choice.improved(Remap::replace, in_order, false);
  const LineMap& replaced = choice.error(words_first) < choice.error(bits_first) ? words_first : bits_first;
  return how == Remap::replace ? replaced : choice.improved(Remap::permute, replaced, true);
}

}  // namespace mq
