// Products of gated arrays: floats against doubles, the same bits on every instruction set and thread count.
#include "meltquench/kernels/gated_products.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tables.h"

namespace mq {
namespace {

constexpr double kOpen = WireLine::kOpen;

struct Case {
  std::string name;
  std::size_t outputs, inputs;
  GatedNetwork network;
  float negative = 0.3f;  // share of negative codes
  bool has_shorts = false;
};

std::vector<Case> cases() {
  const WireLine first{2.0, 7.0, kOpen}, last{3.0, kOpen, 5.0}, both{1.5, 4.0, 9.0};
  return {{"one cell", 1, 1, {first, last}},
          {"two cells of one output", 1, 2, {first, last}},
          {"opposite ends", 65, 130, {first, last}},
          {"the same end", 40, 130, {first, {3.0, 5.0, kOpen}}},
          {"source at the last end", 40, 70, {{2.0, kOpen, 7.0}, {3.0, 5.0, kOpen}}},
          {"double drive", 33, 130, {both, last}},
          {"double drive, sensed at the first", 33, 64, {both, {3.0, 5.0, kOpen}}},
          {"sensed at both ends", 33, 65, {first, both}},
          {"both ends of both", 47, 130, {both, {2.0, 6.0, 3.0}}},
          {"both ends of both without terminals", 20, 40, {{1.0, 0.0, 0.0}, {1.0, 0.0, 0.0}}},
          {"no resistance at all", 20, 40, {{0.0, 0.0, kOpen}, {0.0, kOpen, 0.0}}},
          {"weak wires", 48, 256, {{1e-4, 1e-4, kOpen}, {1e-4, kOpen, 1e-4}}},
          {"strong wires and shorts", 48, 256, {{1e3, 1e4, kOpen}, {2e3, kOpen, 1e3}}, 0.3f, true},
          {"shorts between both ends of both", 17, 100, {both, both}, 0.3f, true},
          {"shorts at the same end", 17, 100, {{500.0, 1.0, kOpen}, {700.0, 1.0, kOpen}}, 0.0f, true},
          {"no negative codes", 16, 100, {first, last}, 0.0f}};
}

struct Array {
  std::vector<float> g;
  std::vector<std::int16_t> codes;
  std::size_t batch, stride;

  explicit Array(const Case& c, std::size_t samples = 9) : batch(samples), stride(c.inputs + 3) {
    g = uniforms(c.outputs * c.inputs, 1, 0.1e-6f, 25e-6f);
    for (std::size_t k = 3; k < g.size(); k += 17) g[k] = 0.0f;
    for (std::size_t k = 5; c.has_shorts && k < g.size(); k += 61) g[k] = 1.0f;
    for (const float u : uniforms(batch * stride, 2, 0.0f, 1.0f)) {
      codes.push_back(static_cast<std::int16_t>(u < c.negative ? -1 : u < 0.6f ? 1 : 0));
    }
    if (batch > 1) std::fill_n(codes.begin() + static_cast<std::ptrdiff_t>(stride), stride, std::int16_t(0));
  }
  float largest() const { return *std::max_element(g.begin(), g.end()); }
};

std::vector<float> products(const KernelTable& table, const Case& c, const Array& array, int threads,
                            bool adds = false, const std::vector<std::int16_t>* codes = nullptr) {
  constexpr std::size_t kBehind = 64;  // floats that nobody is to write
  std::vector<float> cells(padded_outputs(c.outputs) * c.inputs), y(array.batch * c.outputs + kBehind, 1.0f);
  table.pack_gated({.threads = threads}, {.network = c.network,
                                          .g = array.g.data(),
                                          .outputs = c.outputs,
                                          .inputs = c.inputs,
                                          .cells = cells.data()});
  table.gated_products({.threads = threads}, {.network = c.network,
                                              .cells = cells.data(),
                                              .largest = array.largest(),
                                              .outputs = c.outputs,
                                              .inputs = c.inputs,
                                              .codes = (codes != nullptr ? *codes : array.codes).data(),
                                              .code_stride = array.stride,
                                              .batch = array.batch,
                                              .scale = 1e4f,
                                              .adds = adds,
                                              .y = y.data()});
  for (std::size_t i = array.batch * c.outputs; i < y.size(); ++i) EXPECT_EQ(y[i], 1.0f) << c.name;
  y.resize(array.batch * c.outputs);
  return y;
}

TEST(GatedProducts, InFloatsAreThoseInDoubles) {
  for (const Case& c : cases()) {
    const Array array(c);
    for (const std::int16_t sign : {1, -1}) {
      // One sign at a time: a difference of currents has fewer digits than they have.
      std::vector<std::int16_t> codes = array.codes;
      for (std::int16_t& code : codes) code = code == sign ? code : std::int16_t(0);
      const std::vector<float> exact = products(kernels(Backend::reference), c, array, 1, false, &codes),
                               y = products(*cpu_tables().back(), c, array, 1, false, &codes);
      double error = 0.0;
      for (std::size_t i = 0; i < y.size(); ++i) {
        if (exact[i] == 0.0f) {
          ASSERT_EQ(y[i], 0.0f) << c.name;
        } else {
          error = std::max(error, std::abs(double(y[i]) / exact[i] - 1.0));
        }
      }
      EXPECT_LT(error, 5e-6) << c.name;
    }
  }
}

TEST(GatedProducts, HaveTheSameBitsOnEveryInstructionSetAndThreadCount) {
  for (const Case& c : cases()) {
    const Array array(c);
    const std::vector<float> expected = products(*cpu_tables().front(), c, array, 1);
    for (const KernelTable* table : cpu_tables()) {
      EXPECT_EQ(products(*table, c, array, 2), expected) << c.name << ", " << table->name;
    }
  }
}

TEST(GatedProducts, AreAddedToWhatIsThere) {
  const Case c = cases()[2];
  const Array array(c);
  for (const KernelTable* table : {&kernels(Backend::reference), cpu_tables().back()}) {
    const std::vector<float> alone = products(*table, c, array, 1),
                             added = products(*table, c, array, 1, true);
    for (std::size_t i = 0; i < alone.size(); ++i) EXPECT_NEAR(added[i], 1.0f + alone[i], 5e-7);
    for (std::size_t o = 0; o < c.outputs; ++o) EXPECT_EQ(added[c.outputs + o], 1.0f) << "closed gates";
  }
}

TEST(PackGated, KnowsWhatACellConductsAlone) {
  for (const Case& c : cases()) {
    if (c.inputs > 130) continue;
    Array array(c, c.inputs);
    std::vector<float> alone(array.g.size());
    kernels(Backend::reference)
        .pack_gated({}, {.network = c.network,
                         .g = array.g.data(),
                         .outputs = c.outputs,
                         .inputs = c.inputs,
                         .alone = alone.data()});
    std::fill(array.codes.begin(), array.codes.end(), std::int16_t(0));
    for (std::size_t i = 0; i < c.inputs; ++i) array.codes[i * array.stride + i] = 1;
    const std::vector<float> y = products(kernels(Backend::reference), c, array, 1);
    for (std::size_t i = 0; i < y.size(); ++i) {
      const double expected = 1e4 * double(alone[i % c.outputs * c.inputs + i / c.outputs]);
      ASSERT_NEAR(y[i], expected, 2e-7 * std::abs(expected)) << c.name;
    }
  }
}

}  // namespace
}  // namespace mq
