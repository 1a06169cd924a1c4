/// Likelihood of the chain of the model `pcm` (devices/pcm.h) for cells that were read at times of their own.
///
/// With u = g / g_max, x the relative target, l_j = ln(age_j / t0), L_j^2 = ln((age_j + t_read) / (2
/// t_read)):
///     u_p ~ N(x, sigma_p(x)^2), cut at 0          sigma_p(x) = p0 + p1 x + ...
///     z ~ N(nu_mean(x), nu_sigma(x)^2), nu = |z|
///     u_j = u_p exp(-nu l_j) (1 + q(u_p) L_j xi_j), cut at 0,   q(u) = c u^b
/// Given z and u_p the reads are independent and Gaussian. Both are integrated out by adaptive Gauss-Hermite
/// quadrature: J. C. Naylor and A. F. M. Smith, Appl. Stat. 31, 214 (1982). Reads cut at 0 enter with the
/// probability of being cut, cells that show nothing else with that of having been written to 0. A cell with
/// one read, as in a programming histogram, is a cell like any other.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "meltquench/devices/fit/maximize.h"
#include "meltquench/devices/fit/measurements.h"
#include "meltquench/devices/fit/pcm_law.h"

namespace mq {

/// What is known before the fit.
struct PcmSetting {
  double g_max = 25e-6;    ///< [S]
  double t0 = 20.0;        ///< [s]
  double t_read = 250e-9;  ///< [s]
};

/// Which parameters there are; the vector of parameters is
///     p0 ... of sigma_p / g_max | nu_mean | nu_sigma | c, b of the read noise unless they are held.
struct PcmForm {
  int prog_terms = 3;  ///< 1 to 4
  LawForm nu_mean = LawForm::clipped;
  LawForm nu_sigma = LawForm::clipped;
  /// nu_mean and nu_sigma stay where they start, for cells that were read once. Their scores are 0 up to
  /// what rounding leaves of the quadrature, and steps along that leftover lead nowhere.
  bool holds_drift = false;
  int read_terms = 2;  ///< 0: held at `read_noise`; 1: c only, with b = 0; 2: both
  double read_noise[2] = {0.0088, -0.65};

  int nu_mean_at() const { return prog_terms; }
  int nu_sigma_at() const { return nu_mean_at() + parameters(nu_mean); }
  int read_at() const { return nu_sigma_at() + parameters(nu_sigma); }
  int size() const { return read_at() + read_terms; }
};

/// What the cells of similar targets say for themselves, errors from the curvature of their own likelihood.
struct PcmPoint {
  double x = 0.0, log_x = 0.0;
  int cells = 0;
  /// prog_noise / g_max, nu_mean, nu_sigma, read noise relative to the fitted one; and their standard errors.
  double value[4] = {}, error[4] = {};
};

class PcmLikelihood {
 public:
  PcmLikelihood(const ReadsByCell& reads, const PcmSetting& setting, const PcmForm& form);

  /// Puts the nodes of the quadrature where the cells' own posteriors lie under `theta`. Needed before the
  /// first evaluation, and again after `theta` has moved by more than a few of its errors. False, and nothing
  /// placed, where the likelihood is not defined for some cell.
  bool place_nodes(std::span<const double> theta);

  std::size_t cells() const { return cells_.size(); }
  std::size_t reads() const { return log_age_.size() + zero_growth_.size(); }

  /// From now on every cell stays on the side of a law's clip on which it is under `theta`, so that the
  /// likelihood has second derivatives.
  void fix_clips(std::span<const double> theta);

  /// -inf where a standard deviation would not be positive for some cell, or so far from what the nodes were
  /// placed for that they would no longer carry the integral.
  Scores operator()(std::span<const double> theta) const;

  /// The cells in groups of similar targets, each moved by one Newton step from the common law to its own
  /// optimum.
  std::vector<PcmPoint> points(std::span<const double> theta, std::size_t most_points) const;

  /// For each cell whose reads scatter by less than 15 %: chi2 of what its most probable nu and conductance
  /// leave over, priors included, as a probability; uniform in [0, 1] if the model is true.
  std::vector<double> cell_probabilities(std::span<const double> theta) const;

 private:
  struct Local;      // parameters at the x of one cell
  struct CellScore;  // log likelihood of one cell, and its derivatives by these
  struct Node {
    double z, g, log_g;  // exponent before folding, conductance, and its logarithm
    double residual;     // sum of ((h_j - g) / L_j)^2 with h_j = u_j exp(nu l_j)
    double log_weight;   // of the node, Jacobians included
  };
  struct Cell {
    double x, log_x;
    std::size_t first, reads;  // in log_age_, ...: reads above 0
    std::size_t first_zero, zeros;
    double sum_inverse, sum_log_age;
    bool mean_on_plateau, sigma_on_plateau;
    std::size_t first_node;
    double placed_sigma, placed_prog_sigma;  // spreads for which the nodes were placed; 0: none
  };
  struct Profile;

  bool local(std::span<const double> theta, const Cell& cell, Local& at) const;
  Profile profile(const Cell& cell, const Local& at, double z) const;
  double mode(const Cell& cell, const Local& at, double& width) const;
  CellScore cell_score(const Cell& cell, const Local& at) const;
  void add_hidden(const Cell& cell, const Local& at, CellScore& score) const;
  void add_nodes(const Cell& cell, const Local& at, CellScore& score) const;

  PcmForm form_;
  bool clips_are_fixed_ = false;
  std::vector<Cell> cells_;
  std::vector<double> log_age_, u_, inverse_;  // per read above 0; inverse_ = 1 / L^2
  std::vector<double> zero_growth_;            // L of the reads at 0
  std::vector<Node> nodes_;                    // of the cells with reads above 0, side by side
};

}  // namespace mq
