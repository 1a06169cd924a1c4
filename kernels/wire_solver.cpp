#include "meltquench/kernels/wire_solver.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "meltquench/core/stop.h"
#include "meltquench/core/thread_team.h"

namespace mq {
namespace {

constexpr std::size_t kRows = 8;  // bit lines whose recurrences run side by side
constexpr int kMostStarts = 5;

/// Eight running sums: one order, which a compiler can keep in vectors.
double dot(const double* a, const double* b, std::size_t n) {
  double sums[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (std::size_t l = 0; l < 8; ++l) sums[l] += a[i + l] * b[i + l];
  }
  double sum = 0.0;
  for (; i < n; ++i) sum += a[i] * b[i];
  for (const double s : sums) sum += s;
  return sum;
}

/// Bit lines solved side by side: x = (C + D)^-1 (g word + amps), the terminals at `volts`. `elimination` is
/// scratch of kCount numbers per node; what is left at node 0 goes to `head`. Null pointers stand for 0.
template <std::size_t kCount>
void solve_rows(const TurnedLine& line, std::size_t nodes, std::size_t stride, const double* g,
                const double* factor, const double* word, const double* amps, const double* volts,
                double* elimination, double* x, double* head) {
  double y[kCount] = {}, f[kCount] = {};
  for (std::size_t j = nodes; j-- > 0;) {
    double* const kept = elimination + j * kCount;
    for (std::size_t q = 0; q < kCount; ++q) {
      const std::size_t at = q * stride + j;
      y[q] = g[at] * word[at] + f[q] * y[q];
      f[q] = factor[at];
      if (amps != nullptr) y[q] += amps[at];
      if (volts != nullptr && j + 1 == nodes) y[q] += line.tail * volts[q];
      kept[q] = y[q];
    }
  }
  double before[kCount];
  for (std::size_t q = 0; q < kCount; ++q) {
    if (head != nullptr) head[q] = y[q];
    before[q] = volts != nullptr ? volts[q] : 0.0;
  }
  for (std::size_t j = 0; j < nodes; ++j) {
    const double rho = line.before(j);
    const double* const kept = elimination + j * kCount;
    for (std::size_t q = 0; q < kCount; ++q) {
      const std::size_t at = q * stride + j;
      before[q] = factor[at] * (rho * kept[q] + before[q]);
      x[at] = before[q];
    }
  }
}

}  // namespace

WireSolver::WireSolver(const WireNetwork& network, std::size_t outputs, std::size_t inputs)
    : word_(turned(network.word)), bit_(turned(network.bit)), outputs_(outputs), inputs_(inputs) {
  MQ_EXPECTS(outputs > 0 && inputs > 0);
  // An odd number of cache lines per row: rows that are solved side by side do not compete for one set.
  stride_ = (inputs + 7) / 8 * 8;
  if (stride_ / 8 % 2 == 0) stride_ += 8;
  for (Plane* plane : {&g_, &word_factor_, &bit_factor_, &u_, &v_, &before_, &r_, &z_, &s_, &p_, &w_}) {
    plane->assign(outputs * stride_, 0.0);
  }
  word_sum_.resize(inputs);
  word_head_.resize(inputs);
  bit_sum_.resize(outputs);
  bit_head_.resize(outputs);
  scratch_.resize(kRows * inputs);
}

std::size_t WireSolver::place(std::size_t node, std::size_t column) const {
  return word_.cell(node, outputs_) * inputs_ + bit_.cell(column, inputs_);
}

void WireSolver::read(std::span<const double> from, Plane& to) const {
  MQ_EXPECTS(from.size() == outputs_ * inputs_);
  to.resize(outputs_ * stride_);
  for (std::size_t o = 0; o < outputs_; ++o) {
    for (std::size_t i = 0; i < inputs_; ++i) to[o * stride_ + i] = from[place(o, i)];
  }
}

void WireSolver::write(const Plane& from, std::span<double> to) const {
  MQ_EXPECTS(to.size() == outputs_ * inputs_);
  for (std::size_t o = 0; o < outputs_; ++o) {
    for (std::size_t i = 0; i < inputs_; ++i) to[place(o, i)] = from[o * stride_ + i];
  }
}

void WireSolver::set_conductances(std::span<const double> g) {
  read(g, g_);
  std::fill(word_sum_.begin(), word_sum_.end(), word_.tail);
  for (std::size_t o = outputs_; o-- > 0;) {
    const double rho = word_.before(o);
    const double* const cell = &g_[o * stride_];
    double* const factor = &word_factor_[o * stride_];
    for (std::size_t i = 0; i < inputs_; ++i) {
      const double s = word_sum_[i] + cell[i];
      factor[i] = 1.0 / (1.0 + rho * s);
      word_sum_[i] = o > 0 ? factor[i] * s : s;
    }
  }
  for (std::size_t first = 0; first < outputs_; first += kRows) {
    const std::size_t count = std::min(kRows, outputs_ - first);
    std::fill_n(&bit_sum_[first], count, bit_.tail);
    for (std::size_t i = inputs_; i-- > 0;) {
      const double rho = bit_.before(i);
      for (std::size_t o = first; o < first + count; ++o) {
        const double s = bit_sum_[o] + g_[o * stride_ + i];
        const double factor = 1.0 / (1.0 + rho * s);
        bit_factor_[o * stride_ + i] = factor;
        bit_sum_[o] = i > 0 ? factor * s : s;
      }
    }
  }
}

void WireSolver::take(const WireSources& sources) {
  word_volts_.assign(inputs_, 0.0);
  bit_volts_.assign(outputs_, 0.0);
  MQ_EXPECTS(sources.word_volts.empty() || sources.word_volts.size() == inputs_);
  MQ_EXPECTS(sources.bit_volts.empty() || sources.bit_volts.size() == outputs_);
  for (std::size_t i = 0; i < sources.word_volts.size(); ++i) {
    word_volts_[i] = sources.word_volts[bit_.cell(i, inputs_)];
  }
  for (std::size_t o = 0; o < sources.bit_volts.size(); ++o) {
    bit_volts_[o] = sources.bit_volts[word_.cell(o, outputs_)];
  }
  word_amps_.clear();
  bit_amps_.clear();
  if (!sources.word_amps.empty()) read(sources.word_amps, word_amps_);
  if (!sources.bit_amps.empty()) read(sources.bit_amps, bit_amps_);
}

/// word = (R + D)^-1 (sources + D bit)
void WireSolver::solve_words(const Plane& bit, Plane& word) {
  for (std::size_t o = outputs_; o-- > 0;) {
    const std::size_t row = o * stride_, behind = row + stride_;
    const bool is_last = o + 1 == outputs_;
    for (std::size_t i = 0; i < inputs_; ++i) word[row + i] = g_[row + i] * bit[row + i];
    if (!word_amps_.empty()) {
      for (std::size_t i = 0; i < inputs_; ++i) word[row + i] += word_amps_[row + i];
    }
    for (std::size_t i = 0; i < inputs_; ++i) {
      word[row + i] += is_last ? word_.tail * word_volts_[i] : word_factor_[behind + i] * word[behind + i];
    }
  }
  std::copy_n(word.begin(), inputs_, word_head_.begin());
  for (std::size_t o = 0; o < outputs_; ++o) {
    const std::size_t row = o * stride_;
    const double rho = word_.before(o);
    const double* const before = o == 0 ? word_volts_.data() : &word[row - stride_];
    for (std::size_t i = 0; i < inputs_; ++i) {
      word[row + i] = word_factor_[row + i] * (rho * word[row + i] + before[i]);
    }
  }
}

/// bit = (C + D)^-1 (sources + D word)
void WireSolver::solve_bits(const Plane& word, Plane& bit) {
  const auto solve_from = [&]<std::size_t kCount>(std::size_t o) {
    const std::size_t row = o * stride_;
    solve_rows<kCount>(bit_, inputs_, stride_, &g_[row], &bit_factor_[row], &word[row],
                       bit_amps_.empty() ? nullptr : &bit_amps_[row], &bit_volts_[o], scratch_.data(),
                       &bit[row], &bit_head_[o]);
  };
  std::size_t o = 0;
  for (; o + kRows <= outputs_; o += kRows) solve_from.template operator()<kRows>(o);
  for (; o < outputs_; ++o) solve_from.template operator()<1>(o);
}

/// |D (a - b)|, or |D a| without b; D (a - b) is left in r_.
double WireSolver::norm_of_currents(const Plane& a, const Plane* b) {
  double sum = 0.0;
  for (std::size_t o = 0; o < outputs_; ++o) {
    const std::size_t row = o * stride_;
    for (std::size_t at = row; at < row + inputs_; ++at) {
      r_[at] = g_[at] * (b != nullptr ? a[at] - (*b)[at] : a[at]);
    }
    sum += dot(&r_[row], &r_[row], inputs_);
  }
  return std::sqrt(sum);
}

/// Adds the solution of S x = r_ to u_ until the norm of the residual, which takes the place of r_, is at
/// most `wanted`; returns the number of iterations. Each walks over the array twice: from the heads of the
/// word lines to their tails and back.
int WireSolver::iterate(double wanted, int most) {
  std::fill(p_.begin(), p_.end(), 0.0);
  std::fill(w_.begin(), w_.end(), 0.0);
  double alpha = 0.0, beta = 0.0, gamma_before = 0.0;
  for (int iteration = 0;; ++iteration) {
    throw_if_stopped();
    double residual = 0.0;
    for (std::size_t o = outputs_; o-- > 0;) {
      const std::size_t row = o * stride_, behind = o + 1 < outputs_ ? row + stride_ : row;
      double* const z = &z_[row];
      if (iteration > 0) {
        for (std::size_t i = 0; i < inputs_; ++i) p_[row + i] = z[i] + beta * p_[row + i];
        for (std::size_t i = 0; i < inputs_; ++i) u_[row + i] += alpha * p_[row + i];
        for (std::size_t i = 0; i < inputs_; ++i) w_[row + i] = s_[row + i] + beta * w_[row + i];
        for (std::size_t i = 0; i < inputs_; ++i) r_[row + i] -= alpha * w_[row + i];
        residual += dot(&r_[row], &r_[row], inputs_);
      }
      if (behind == row) {
        std::copy_n(&r_[row], inputs_, z);
      } else {
        for (std::size_t i = 0; i < inputs_; ++i)
          z[i] = r_[row + i] + word_factor_[behind + i] * z_[behind + i];
      }
    }
    if (iteration > 0 && std::sqrt(residual) <= wanted) return iteration;
    if (iteration == most) return iteration;

    double gamma = 0.0, delta = 0.0;
    const auto precondition = [&]<std::size_t kCount>(std::size_t first) {
      for (std::size_t o = first; o < first + kCount; ++o) {
        const std::size_t row = o * stride_;
        const double rho = word_.before(o);
        for (std::size_t i = 0; i < inputs_; ++i) {
          z_[row + i] = word_factor_[row + i] * (rho * z_[row + i] + (o == 0 ? 0.0 : z_[row - stride_ + i]));
        }
      }
      const std::size_t start = first * stride_;
      solve_rows<kCount>(bit_, inputs_, stride_, &g_[start], &bit_factor_[start], &z_[start], nullptr,
                         nullptr, scratch_.data(), &s_[start], nullptr);
      for (std::size_t o = first; o < first + kCount; ++o) {
        const std::size_t row = o * stride_;
        for (std::size_t i = 0; i < inputs_; ++i) s_[row + i] = r_[row + i] - g_[row + i] * s_[row + i];
        gamma += dot(&r_[row], &z_[row], inputs_);
        delta += dot(&s_[row], &z_[row], inputs_);
      }
    };
    std::size_t o = 0;
    for (; o + kRows <= outputs_; o += kRows) precondition.template operator()<kRows>(o);
    for (; o < outputs_; ++o) precondition.template operator()<1>(o);

    beta = iteration == 0 ? 0.0 : gamma / gamma_before;
    const double curvature = iteration == 0 ? delta : delta - beta * gamma / alpha;
    if (!(gamma > 0.0) || !(curvature > 0.0)) return iteration;  // as accurate as doubles allow
    alpha = gamma / curvature;
    gamma_before = gamma;
  }
}

void WireSolver::write_currents(const Potentials& result) const {
  MQ_EXPECTS(result.word_current.size() == inputs_ && result.bit_current.size() == outputs_);
  for (std::size_t i = 0; i < inputs_; ++i) {
    const double volts = word_volts_[i];
    result.word_current[bit_.cell(i, inputs_)] = word_factor_[i] * (word_head_[i] - word_sum_[i] * volts) +
                                                 word_.tail * (u_[(outputs_ - 1) * stride_ + i] - volts);
  }
  for (std::size_t o = 0; o < outputs_; ++o) {
    const double volts = bit_volts_[o];
    const std::size_t row = o * stride_;
    result.bit_current[word_.cell(o, outputs_)] =
        bit_factor_[row] * (bit_head_[o] - bit_sum_[o] * volts) + bit_.tail * (v_[row + inputs_ - 1] - volts);
  }
}

WireConvergence WireSolver::solve(const WireSources& sources, const WireAccuracy& accuracy,
                                  const Potentials& result) {
  take(sources);
  read(result.bit, v_);
  WireConvergence how;
  for (int start = 0;; ++start) {
    solve_words(v_, u_);
    before_.swap(v_);
    solve_bits(u_, v_);
    // Where cells short lines, they carry far less than conductance times potential: that is a lower bound.
    const double ideal = norm_of_currents(u_, nullptr) + norm_of_currents(v_, nullptr);
    const double scale = std::max(norm_of_currents(u_, &v_), 1e-3 * ideal);
    // The bit lines fit the word lines exactly; the word lines were solved for what bit lines were before.
    const double missing = norm_of_currents(v_, &before_);
    how.residual = scale > 0.0 ? missing / scale : 0.0;
    how.has_converged = missing <= accuracy.tolerance * scale;
    if (how.has_converged || start == kMostStarts || how.iterations >= accuracy.most_iterations) break;
    how.iterations += iterate(accuracy.tolerance * scale, accuracy.most_iterations - how.iterations);
    solve_bits(u_, v_);
  }
  write(u_, result.word);
  write(v_, result.bit);
  write_currents(result);
  return how;
}

std::int64_t effective_matrix_in_double(const EffectiveMatrix& op, int threads) {
  const std::size_t cells = op.outputs * op.inputs;
  if (cells == 0) return 0;
  const std::vector<double> g(op.g, op.g + cells);
  const bool has_fewer_outputs = op.outputs <= op.inputs;
  const auto sides = static_cast<std::int64_t>(has_fewer_outputs ? op.outputs : op.inputs);
  const WireAccuracy accuracy{.tolerance = 1e-3 * static_cast<double>(op.tolerance),
                              .most_iterations = op.most_iterations};
  std::atomic<std::int64_t> failed = 0;
  parallel_ranges(threads, sides, [&](std::int64_t first, std::int64_t last, int) {
    WireSolver solver(op.wires, op.outputs, op.inputs);
    solver.set_conductances(g);
    std::vector<double> volts(static_cast<std::size_t>(sides)), word(cells), bit(cells), inputs(op.inputs),
        outputs(op.outputs);
    for (auto side = static_cast<std::size_t>(first); side < static_cast<std::size_t>(last); ++side) {
      std::fill(volts.begin(), volts.end(), 0.0);
      std::fill(bit.begin(), bit.end(), 0.0);
      volts[side] = 1.0;
      WireSources sources;
      (has_fewer_outputs ? sources.bit_volts : sources.word_volts) = volts;
      failed += solver.solve(sources, accuracy, {word, bit, inputs, outputs}).has_converged ? 0 : 1;
      for (std::size_t k = 0; k < (has_fewer_outputs ? op.inputs : op.outputs); ++k) {
        const std::size_t at = has_fewer_outputs ? side * op.inputs + k : k * op.inputs + side;
        op.effective[at] = static_cast<float>(has_fewer_outputs ? inputs[k] : outputs[k]);
      }
    }
  });
  return failed;
}

}  // namespace mq
