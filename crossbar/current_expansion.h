/// The currents of cells as a sum of products: what makes products of nonlinear cells matrix products.
///
/// A cell of conductance g with the input u, relative to full scale, passes v_read y(g, u):
///
///     y(g, u) = sum_k cell_k(g) input_k(u)        [S]
///
/// so that a product is one linear product per term, of planes cell_k(G) and inputs input_k(u), summed before
/// the ADC. cell_0(g) is the conductance at v_read and input_0(u) the law of the device's largest
/// conductance, input_0(1) = 1; further terms are what is left, found where it is largest (adaptive cross
/// approximation, M. Bebendorf, Numer. Math. 86, 565 (2000), doi:10.1007/PL00005410). Ohmic and sinh laws
/// have one term, the polynomial three, access devices that saturate a few.
///
/// With inputs that are durations a line is at v_read, or at -v_read, for the time |u|: one term, two where
/// the polarities differ by more than a factor. With drivers of one polarity (dac.splits_sign) cells see no
/// negative voltage: this includes drivers of bit lines, which drive the way that currents flow.
#pragma once

#include <span>
#include <vector>

#include "meltquench/core/exec.h"
#include "meltquench/crossbar/hardware.h"
#include "meltquench/kernels/mvm.h"

namespace mq {

/// Largest error of the sum, relative to the device's largest conductance, for |u| <= 1 and for conductances
/// up to four times that.
inline constexpr double kExpansionTolerance = 1e-6;

class CurrentExpansion {
 public:
  /// Throws ConfigError where the law cannot have the device's conductances, falls, or needs more than 16
  /// terms.
  explicit CurrentExpansion(const Hardware& hardware);

  int terms() const { return static_cast<int>(pivots_.size()); }
  /// How large a term is, relative to the first.
  double share(int term) const;
  /// Whether all inputs that are driven count as they are: one term, proportional to u.
  bool is_proportional() const { return is_proportional_; }

  /// y(g, u) itself [S].
  double response(double g, double u) const;
  /// Slope at 0 V [S] of the cell alone, for the laws of current_law.h. Negative conductances, which read
  /// noise may leave, are those of the opposite sign. Throws ConfigError where there is no such cell.
  double slope(double g) const;
  /// The first `terms` of cell_0(g), cell_1(g), ... [S] of many cells: to[terms, g.size()], which may be g
  /// for one term. Throws likewise. The same bits for any number of threads.
  void cells(const Exec& exec, std::span<const float> g, int terms, std::span<float> to) const;
  /// input_0(u), input_1(u), ... of a product, to[terms()]; from outputs to inputs currents flow the other
  /// way through the cell.
  void inputs(Direction direction, double u, std::span<double> to) const;

 private:
  struct Pivot {
    double slope = 0.0;          // of the cell whose law an input function is [S]
    double u = 0.0;              // the input whose currents a plane holds
    double rest = 0.0;           // y of this cell and input that earlier terms left [S]
    std::vector<double> cells;   // cell_m of this cell, for all earlier m [S]
    std::vector<double> inputs;  // input_m of this input, likewise
  };
  /// cell_0, ..., of a cell of this slope.
  void cells_of(double slope, std::span<double> to) const;
  /// y of a cell of this slope.
  double response_of(double slope, double u) const;
  /// The first to.size() of them where cells see v_read u.
  void inputs_of(double u, std::span<double> to) const;
  void find_pivots(double g_max, const std::vector<double>& inputs);

  CurrentParams law_;
  double v_read_;
  InputCoding coding_;
  bool has_one_polarity_;
  bool is_proportional_ = false;
  std::vector<Pivot> pivots_;
};

/// Throws ConfigError for cells that are not linear together with what they cannot be had with.
void check_current(const Hardware& hardware);

}  // namespace mq
