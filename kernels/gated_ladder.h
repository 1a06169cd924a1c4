/// The ladder of one column, cell after cell: what gated_products computes for one (sample, output).
///
/// Kirchhoff's matrix-tree theorem writes what a network conducts as a quotient of sums over spanning trees
/// and forests, each the product of its conductances. Between the voltage source at the head, h, and the ends
/// x and y of both rails (x: the rail that is tied to the head), these five sums are all there is to know; a
/// segment counts its resistance where it is *not* in the forest:
///
///     tree                       all of h, x, y connected
///     x_apart, y_apart, h_apart  two trees, of which one holds that terminal alone
///     all_apart                  three trees
///
/// A segment P of rail x, a segment Q of rail y and a rung g between them then are, one after the other,
///
///     all_apart += P (y_apart + h_apart)     x_apart += P tree
///     all_apart += Q (x_apart + h_apart)     y_apart += Q tree
///     tree += g (x_apart + y_apart)          h_apart += g all_apart
///
/// No term is subtracted and nothing is divided until the end, where the resistance of the column is
/// (h_apart + y_apart) / tree. Closed gates only make a segment longer. y_apart is 1 at the start and hardly
/// grows where wires conduct well: it is kept as `one` + `more`, so that small segments are not rounded off.
/// Source: G. Kirchhoff, Ann. Phys. 148, 497 (1847); S. Chaiken, SIAM J. Algebraic Discrete Methods 3, 319
/// (1982), doi:10.1137/0603033.
#pragma once

#include <cstdint>

#include "meltquench/core/contract.h"
#include "meltquench/core/math.h"
#include "meltquench/kernels/gated_products.h"

namespace mq {

/// Which ends of the rails have terminals.
enum class LadderShape {
  one_head,   ///< rail x has one at the head, rail y none there
  open_head,  ///< neither has: both end at the tail
  tied_head,  ///< both have
};

/// A GatedNetwork turned so that the head is where fewer terminals are, in gated_unit. By reciprocity source
/// and bit line may trade places.
struct LadderPlan {
  LadderShape shape = LadderShape::one_head;
  bool is_turned = false;       ///< node j is input n - 1 - j
  float x = 0.0f, y = 0.0f;     ///< segments
  float head = 0.0f;            ///< from rail x to its terminal at the head
  float x_tail = 0.0f;          ///< from the rails to their terminals at the tail
  float y_tail = 0.0f;          //
  bool is_x_open = true;        ///< rail x has no terminal at the tail
  bool rescales_often = false;  ///< sums may grow by more than 2^60 within 64 cells
  float y_head = 0.0f;          ///< tied_head: from rail y to its terminal at the head
  double unit = 1.0;            ///< [Ohm]
};

MQ_HD LadderPlan ladder_plan(const GatedNetwork& network, std::size_t inputs, float largest) {
  const auto is_open = [](double r) { return r == WireLine::kOpen; };
  const WireLine &source = network.source, &bit = network.bit;
  LadderPlan plan;
  plan.unit = gated_unit(network, inputs);
  const auto counted = [&](double ohm) { return is_open(ohm) ? 0.0f : static_cast<float>(ohm / plan.unit); };
  plan.rescales_often = double(largest) * path_resistance(network, inputs) > 0.3;
  // The head is an end where one rail, or both, have no terminal.
  const bool is_bit_last = is_open(bit.first), is_bit_first = is_open(bit.last);
  const bool is_source_last = is_open(source.first), is_source_first = is_open(source.last);
  WireLine x = source, y = bit;
  if (is_bit_last || is_source_last) {
    if (is_source_last && !is_bit_last) x = bit, y = source;
  } else if (is_bit_first || is_source_first) {
    plan.is_turned = true;
    if (is_source_first && !is_bit_first) x = bit, y = source;
    const auto turn = [](WireLine line) { return WireLine{line.segment, line.last, line.first}; };
    x = turn(x), y = turn(y);
  } else {
    plan.shape = LadderShape::tied_head;
  }
  if (is_open(x.first)) plan.shape = LadderShape::open_head;
  plan.x = counted(x.segment), plan.y = counted(y.segment);
  plan.head = counted(x.first), plan.y_head = counted(y.first);
  plan.x_tail = counted(x.last), plan.y_tail = counted(y.last);
  plan.is_x_open = is_open(x.last);
  return plan;
}

/// Sums of one column, or of several in lanes.
template <class F, LadderShape kShape>
struct Ladder {
  static constexpr bool kHasHead = kShape == LadderShape::one_head;
  F one, more, tree, x_apart, h_apart, all_apart;

  MQ_HD void start(const LadderPlan& plan) {
    one = F(1.0f);
    more = tree = x_apart = h_apart = F(0.0f);
    all_apart = F(plan.head);
  }
  /// Both rails go on by p and q.
  MQ_HD void pass(float p, float q) {
    if constexpr (kHasHead) all_apart = fma(F(p), (more + h_apart) + one, all_apart);
    x_apart = fma(F(p), tree, x_apart);
    if constexpr (kHasHead) all_apart = fma(F(q), x_apart + h_apart, all_apart);
    more = fma(F(q), tree, more);
  }
  MQ_HD void add_rung(F g) {
    tree = fma(g, (x_apart + more) + one, tree);
    if constexpr (kHasHead) h_apart = fma(g, all_apart, h_apart);
  }
  /// Quotients do not change; powers of two cost no digit. No other sum exceeds the largest of these much.
  MQ_HD void rescale() {
    const F factor = select(max(max(tree, more), one) > F(0x1p60f), F(0x1p-60f), F(1.0f));
    one = one * factor, more = more * factor, tree = tree * factor, x_apart = x_apart * factor;
    if constexpr (kHasHead) h_apart = h_apart * factor, all_apart = all_apart * factor;
  }
  /// What the column conducts, `nodes` segments behind the last rung.
  MQ_HD F finish(const LadderPlan& plan, std::uint32_t nodes) {
    const float n = static_cast<float>(nodes);
    more = fma(F(fma(n, plan.y, plan.y_tail)), tree, more);
    if (kHasHead && plan.is_x_open) return tree / (h_apart + (more + one));
    x_apart = fma(F(fma(n, plan.x, plan.x_tail)), tree, x_apart);
    if constexpr (!kHasHead) return tree / (x_apart + (more + one));
    // Head and tail of rail x are terminals of one potential: their resistances are parallel.
    const F both = x_apart + h_apart;
    const F share = select(both > F(0.0f), x_apart / select(both > F(0.0f), both, F(1.0f)), F(0.0f));
    return tree / fma(h_apart, share, more + one);
  }
};

/// Both rails have terminals at both ends: four terminals, by elimination of node after node (star to mesh).
/// Conductances between the source h, ground 0 and the ends of the rails; two divisions per cell.
template <class F>
struct TiedLadder {
  F h0, hx, hy, x0, y0, xy;

  /// A terminal without resistance; nothing is ever subtracted from it.
  template <class T>
  MQ_HD static T conductance(T ohm) {
    return T(1) / (ohm > T(1e-15) ? ohm : T(1e-15));
  }
  MQ_HD void start(F x_head, F y_head) {
    h0 = hy = x0 = xy = F(0.0f);
    hx = x_head, y0 = y_head;
  }
  /// Rail x goes on behind a resistance: its node becomes one of the wire.
  MQ_HD void pass(F p, F q) {
    const F gx = F(1.0f) / (F(1.0f) + p * ((hx + x0) + xy));
    const F px = p * gx;
    h0 = h0 + hx * (px * x0), hy = hy + hx * (px * xy), y0 = y0 + x0 * (px * xy);
    hx = hx * gx, x0 = x0 * gx, xy = xy * gx;
    const F gy = F(1.0f) / (F(1.0f) + q * ((hy + y0) + xy));
    const F qy = q * gy;
    h0 = h0 + hy * (qy * y0), hx = hx + hy * (qy * xy), x0 = x0 + y0 * (qy * xy);
    hy = hy * gy, y0 = y0 * gy, xy = xy * gy;
  }
  MQ_HD void add_rung(F g) { xy = xy + g; }
  /// With the terminals at the tail.
  MQ_HD F finish(F x_tail, F y_tail) {
    hx = hx + x_tail;
    const F share_x = xy / ((hx + x0) + xy);
    h0 = h0 + x0 * (hx / ((hx + x0) + xy));
    hy = hy + hx * share_x, y0 = (y0 + x0 * share_x) + y_tail;
    return h0 + y0 * (hy / (hy + y0));
  }
};

}  // namespace mq
