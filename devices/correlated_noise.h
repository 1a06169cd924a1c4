/// Read noise that remembers: 1/f noise as a sum of relaxation processes, and telegraph noise of one defect.
///
/// A spectrum S/g^2 = q^2/f between 1/longest and 1/(2 t_read) is the sum of Ornstein-Uhlenbeck processes
/// with rates lambda_k at equal logarithmic distances over 2 pi [f_low, f_high], each of relative variance
/// q^2 d ln(lambda): one-sided spectrum sum_k 4 v_k lambda_k / (lambda_k^2 + omega^2). Two processes per
/// decade follow 1/f within 7 % from one decade inside the band on and within 2 % from one and a half; at its
/// ends, where half of the neighbours are missing, they have half of it. The variance is exactly q^2
/// ln(f_high / f_low), that of white noise when a cell is `longest` - t_read old. A step over any time is
/// exact: r <- r e^(-lambda dt) + sqrt(1 - e^(-2 lambda dt)) xi. A process that forgets between any two reads
/// needs no memory: all of those together are one normal per read.
/// Sources: M. B. Weissman, Rev. Mod. Phys. 60, 537 (1988) (1/f noise as a superposition of relaxation
/// processes); D. T. Gillespie, Phys. Rev. E 54, 2084 (1996) (exact step of the process).
#pragma once

#include <string>

#include "meltquench/core/fields.h"
#include "meltquench/core/random.h"

namespace mq {

/// How the read noise of cells behaves in time.
struct CellNoiseParams {
  bool correlated = false;
  double longest = 365 * 86400.0;  ///< [s]
  double resolution = 1.0;         ///< [s]
  double telegraph_share = 0.0;
  double telegraph_amplitude = 5.0;
  double telegraph_spread = 0.5;
  double telegraph_fastest = 1e-3;  ///< [s]
  double telegraph_slowest = 3600;  ///< [s]

  static constexpr auto describe() {
    constexpr auto has_memory = [](const CellNoiseParams& p) { return p.correlated; };
    constexpr auto switches = [](const CellNoiseParams& p) {
      return p.correlated && p.telegraph_share > 0.0;
    };
    using P = CellNoiseParams;
    using enum Unit;
    return fields(
        field("correlated", &P::correlated,
              "true: read noise is 1/f noise from read to read; false: each moment draws its own."),
        field("longest", &P::longest, second, between(1e-3, 1e10),
              "Correlated noise: the lowest frequency is 1 over this time.")
            .acts_where("cell_noise.correlated is true", has_memory),
        field("resolution", &P::resolution, second, between(1e-9, 1e9),
              "Correlated noise: the shortest time between reads. Faster processes are drawn anew at each "
              "read; every decade from here to `longest` costs two floats per cell.")
            .acts_where("cell_noise.correlated is true", has_memory),
        field("telegraph_share", &P::telegraph_share, between(0, 1),
              "Share of the cells with a defect that switches their conductance.")
            .acts_where("cell_noise.correlated is true", has_memory),
        field("telegraph_amplitude", &P::telegraph_amplitude, non_negative,
              "Median step of the switching, in units of the read-noise amplitude q of the cell.")
            .acts_where("cell_noise.telegraph_share > 0", switches),
        field("telegraph_spread", &P::telegraph_spread, between(0, 3), "Spread of ln(step) between cells.")
            .acts_where("cell_noise.telegraph_share > 0", switches),
        field("telegraph_fastest", &P::telegraph_fastest, second, positive,
              "Shortest mean dwell time; the two of a cell are drawn log-uniformly.")
            .acts_where("cell_noise.telegraph_share > 0", switches),
        field("telegraph_slowest", &P::telegraph_slowest, second, positive, "Longest mean dwell time.")
            .acts_where("cell_noise.telegraph_share > 0", switches));
  }
  std::string problem() const {
    return telegraph_fastest > telegraph_slowest ? "telegraph_fastest must not exceed telegraph_slowest" : "";
  }
};

/// The processes of one spectrum.
struct NoiseProcesses {
  static constexpr int kMost = 32;

  int count = 0;         ///< with memory
  double rate[kMost]{};  ///< lambda [1/s], from slow to fast
  double weight = 0.0;   ///< standard deviation of each, in units of q
  double white = 0.0;    ///< the same of all processes without memory together
};

/// Processes from 1 / `longest` to 1 / (2 t_read), two per decade; those with memory are slower than
/// 10 / `resolution`. Throws ConfigError if there are more than NoiseProcesses::kMost of them, or `longest`
/// is not longer than 2 t_read.
NoiseProcesses noise_processes(const CellNoiseParams& params, double t_read);

/// The defect of one cell; recomputed from its numbers, never stored.
template <class F>
struct TelegraphCell {
  F step;      ///< in units of q; 0: no defect
  F up, down;  ///< rates [1/s] of the switching to 1 and to 0

  /// Share of the time that the defect spends at 1.
  MQ_HD F occupancy() const { return up / (up + down); }
  /// Probability to be at 1 `seconds` after it was at `level`, 0 or 1.
  MQ_HD F probability(F level, float seconds) const {
    return fma(level - occupancy(), exp(-(up + down) * F(seconds)), occupancy());
  }
};

/// Parameters of the defects, as kernels need them.
struct TelegraphLaw {
  float share = 0.0f, step = 0.0f, spread = 0.0f;
  float log_fastest = 0.0f, log_slowest = 0.0f;  ///< ln of dwell times [s]

  TelegraphLaw() = default;
  explicit TelegraphLaw(const CellNoiseParams& params);

  template <class F>
  MQ_HD TelegraphCell<F> draw(Rng<F>& device) const {
    const auto rate = [&] {
      return exp(-fma(device.uniform(), F(log_slowest - log_fastest), F(log_fastest)));
    };
    const F chance = device.uniform();
    TelegraphCell<F> cell;
    cell.up = rate();
    cell.down = rate();
    device.uniform();  // the fourth word of the block: normals start a new one
    cell.step = select(chance < F(share), exp(device.normal() * F(spread)) * F(step), F(0.0f));
    return cell;
  }
};

}  // namespace mq
