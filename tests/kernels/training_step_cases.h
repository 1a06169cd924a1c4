/// Cases, as in training_cases.h, for rows, biases, rectifiers, loss, sums and steps.
#pragma once

#include "training_cases.h"

namespace mq {

namespace training_cases_detail {

/// An operation that turns x (and dy) into an array of the same size, element by element.
template <class Op, class Element>
TrainingCase element_case(std::string name, std::size_t size,
                          void (*TrainingKernels::*kernel)(const Exec&, const Op&), Op op, Element element) {
  return {std::move(name),
          [=](const KernelTable& table, const Exec& exec) {
            const auto x = there(exec, values(size, 10)), dy = there(exec, values(size, 11));
            Buffer<float> to(exec, size);
            Op call = op;
            call.size = size;
            call.x = x.data();
            call.dy = dy.data();
            call.to = to.data();
            (table.training.*kernel)(exec, call);
            return TrainingOutcome{back(to), {}};
          },
          [=] {
            const auto x = values(size, 10), dy = values(size, 11);
            std::vector<float> to(size);
            for (std::size_t i = 0; i < size; ++i) to[i] = element(x[i], dy[i]);
            return TrainingOutcome{to, {}};
          }};
}

inline TrainingCase gather_case() {
  static constexpr std::size_t kRows = 5, kColumns = 19, kAll = 11;
  static const std::vector<std::uint32_t> order{10, 0, 3, 3, 7};
  const auto labels = [] {
    std::vector<std::uint8_t> all(kAll);
    for (std::size_t i = 0; i < kAll; ++i) all[i] = static_cast<std::uint8_t>(7 * i);
    return all;
  };
  return {"gather_rows",
          [=](const KernelTable& table, const Exec& exec) {
            const auto images = there(exec, values(kAll * kColumns, 12));
            const auto classes = there(exec, labels());
            const auto places = there(exec, order);
            Buffer<float> to(exec, kRows * kColumns);
            Buffer<std::uint8_t> labels_to(exec, kRows);
            table.training.gather_rows(exec, {.rows = kRows,
                                              .columns = kColumns,
                                              .images = images.data(),
                                              .labels = classes.data(),
                                              .order = places.data(),
                                              .to = to.data(),
                                              .labels_to = labels_to.data()});
            const auto chosen = back(labels_to);
            return TrainingOutcome{back(to), {chosen.begin(), chosen.end()}};
          },
          [=] {
            const auto images = values(kAll * kColumns, 12);
            TrainingOutcome expected;
            for (const std::uint32_t place : order) {
              for (std::size_t c = 0; c < kColumns; ++c)
                expected.floats.push_back(images[place * kColumns + c]);
              expected.integers.push_back(labels()[place]);
            }
            return expected;
          }};
}

/// Bias, its gradient and the transpose within samples, on [samples * rows, columns].
inline void add_bias_cases(std::vector<TrainingCase>& cases, std::size_t samples, std::size_t rows,
                           std::size_t columns) {
  const std::size_t all = samples * rows, size = all * columns;
  const std::string shape = ", " + std::to_string(all) + " x " + std::to_string(columns);
  cases.push_back({"add_bias" + shape,
                   [=](const KernelTable& table, const Exec& exec) {
                     auto y = there(exec, values(size, 13));
                     const auto bias = there(exec, values(columns, 14));
                     table.training.add_bias(
                         exec, {.rows = all, .columns = columns, .bias = bias.data(), .y = y.data()});
                     return TrainingOutcome{back(y), {}};
                   },
                   [=] {
                     auto y = values(size, 13);
                     const auto bias = values(columns, 14);
                     for (std::size_t i = 0; i < size; ++i) y[i] += bias[i % columns];
                     return TrainingOutcome{y, {}};
                   }});
  cases.push_back({"sum_rows" + shape,
                   [=](const KernelTable& table, const Exec& exec) {
                     const auto x = there(exec, values(size, 13));
                     Buffer<float> sums(exec, columns);
                     table.training.sum_rows(
                         exec, {.rows = all, .columns = columns, .x = x.data(), .sums = sums.data()});
                     return TrainingOutcome{back(sums), {}};
                   },
                   [=] {
                     const auto x = values(size, 13);
                     std::vector<float> sums(columns);
                     for (std::size_t i = 0; i < size; ++i) sums[i % columns] += x[i];
                     return TrainingOutcome{sums, {}};
                   }});
  for (const bool has_bias : {true, false}) {
    cases.push_back({(has_bias ? "transpose_samples with bias" : "transpose_samples") + shape,
                     [=](const KernelTable& table, const Exec& exec) {
                       const auto from = there(exec, values(size, 13)),
                                  bias = there(exec, values(columns, 14));
                       Buffer<float> to(exec, size);
                       table.training.transpose_samples(exec, {.samples = samples,
                                                               .rows = rows,
                                                               .columns = columns,
                                                               .from = from.data(),
                                                               .bias = has_bias ? bias.data() : nullptr,
                                                               .to = to.data()});
                       return TrainingOutcome{back(to), {}};
                     },
                     [=] {
                       const auto from = values(size, 13), bias = values(columns, 14);
                       std::vector<float> to(size);
                       for (std::size_t i = 0; i < size; ++i) {
                         const std::size_t sample = i / (rows * columns), row = i / columns % rows;
                         const float value = has_bias ? from[i] + bias[i % columns] : from[i];
                         to[(sample * columns + i % columns) * rows + row] = value;
                       }
                       return TrainingOutcome{to, {}};
                     }});
  }
}

inline std::vector<float> outputs_of(std::size_t rows, std::size_t classes, bool has_infinities) {
  auto z = values(rows * classes, 15);
  for (std::size_t i = 0; i < z.size(); i += 7) z[i] *= 20.0f;
  if (has_infinities) {
    z[0] = INFINITY;
    z[classes + 1] = NAN;
    z[2 * classes] = 3e6f;
  }
  return z;
}

inline TrainingCase loss_case(std::size_t rows, std::size_t classes, bool has_infinities,
                              bool is_training = true) {
  const auto labels = [=] {
    std::vector<std::uint8_t> all(rows);
    for (std::size_t r = 0; r < rows; ++r) all[r] = static_cast<std::uint8_t>((r * 5 + 1) % classes);
    return all;
  };
  return {"softmax_loss, " + std::to_string(rows) + " rows" + (has_infinities ? ", not finite" : "") +
              (is_training ? "" : ", evaluated"),
          [=](const KernelTable& table, const Exec& exec) {
            const auto z = there(exec, outputs_of(rows, classes, has_infinities));
            const auto classes_of = there(exec, labels());
            auto counts = there(exec, std::vector<std::int64_t>{1, 2, 3, 4});  // added to
            Buffer<float> dz(exec, rows * classes);
            table.training.softmax_loss(exec, {.rows = rows,
                                               .classes = classes,
                                               .outputs = z.data(),
                                               .labels = classes_of.data(),
                                               .scale = 0.25f,
                                               .d_outputs = is_training ? dz.data() : nullptr,
                                               .counts = counts.data()});
            // Nobody reads the gradient of a step that fails, and the bits of a NaN mean nothing.
            return TrainingOutcome{has_infinities || !is_training ? std::vector<float>{} : back(dz),
                                   back(counts)};
          },
          [=] {
            const auto z = outputs_of(rows, classes, has_infinities);
            std::vector<std::int64_t> counts{1, 2, 3, 4};
            std::vector<float> dz;
            for (std::size_t r = 0; r < rows; ++r) {
              const float* row = z.data() + r * classes;
              const float* best = std::max_element(row, row + classes);
              float sum = 0.0f;
              bool is_finite = true;
              for (std::size_t i = 0; i < classes; ++i) {
                sum += mq::exp(row[i] - *best);
                is_finite = is_finite && std::isfinite(row[i]);
              }
              const float loss = mq::log(sum) + (*best - row[labels()[r]]);
              if (is_finite && (loss <= 1e6f || !is_training)) {
                const double most = is_training ? 1e6 : 1e4;
                counts[kLoss] += std::llrint(std::clamp(double(loss), 0.0, most) * 0x1p32);
              } else {
                ++counts[kNotFinite];
              }
              counts[kCorrect] += best - row == labels()[r] ? 1 : 0;
              ++counts[kSamples];
              for (std::size_t i = 0; i < classes && !has_infinities && is_training; ++i) {
                dz.push_back(mq::fma(mq::exp(row[i] - *best), 0.25f / sum, i == labels()[r] ? -0.25f : 0.0f));
              }
            }
            return TrainingOutcome{dz, counts};
          }};
}

inline TrainingCase step_case(StepRule rule, std::int64_t failed) {
  static constexpr std::size_t kSize = 1003;
  const ParameterStep settings{.size = kSize,
                               .rule = rule,
                               .learning_rate = 0.01f,
                               .decay = 0.1f,
                               .momentum = 0.9f,
                               .first_scale = 5.3f,
                               .second_scale = 333.0f};
  const auto sums = [] {
    std::vector<std::int64_t> all(kSize);
    const auto g = values(kSize, 16);
    for (std::size_t i = 0; i < kSize; ++i) all[i] = std::llrint(double(g[i]) * 0x1p39) + std::int64_t(i);
    return all;
  };
  const auto squares = [] {
    auto v = values(kSize, 19);
    for (float& x : v) x *= x;
    return v;
  };
  return {std::string("step_parameters, ") + (rule == StepRule::adam ? "adam" : "sgd") +
              (failed != 0 ? ", failed" : ""),
          [=](const KernelTable& table, const Exec& exec) {
            auto w = there(exec, values(kSize, 17)), m = there(exec, values(kSize, 18)),
                 v = there(exec, squares());
            const auto gradient = there(exec, sums());
            const auto failure = there(exec, std::vector{failed});
            ParameterStep op = settings;
            op.sums = gradient.data();
            op.failed = failure.data();
            op.parameters = w.data();
            op.first = m.data();
            op.second = v.data();
            table.training.step_parameters(exec, op);
            TrainingOutcome outcome{back(w), {}};
            for (const auto& more : {back(m), back(v)}) {
              outcome.floats.insert(outcome.floats.end(), more.begin(), more.end());
            }
            return outcome;
          },
          [=] {
            auto w = values(kSize, 17), m = values(kSize, 18), v = squares();
            for (std::size_t i = 0; i < kSize && failed == 0; ++i) {
              const auto g = static_cast<float>(static_cast<double>(sums()[i]) * kGradientUnit);
              if (rule == StepRule::sgd) {
                m[i] = 0.9f * m[i] + (g + 0.1f * w[i]);
                w[i] -= 0.01f * m[i];
                continue;
              }
              m[i] += static_cast<float>(1.0 - 0.9) * (g - m[i]);
              v[i] += static_cast<float>(1.0 - 0.999) * (g * g - v[i]);
              w[i] -= 0.01f * (m[i] * 5.3f / (std::sqrt(v[i] * 333.0f) + 1e-8f) + 0.1f * w[i]);
            }
            TrainingOutcome outcome{w, {}};
            for (const auto* more : {&m, &v}) {
              outcome.floats.insert(outcome.floats.end(), more->begin(), more->end());
            }
            return outcome;
          }};
}

}  // namespace training_cases_detail

/// What networks and optimizers do beside images.
inline std::vector<TrainingCase> step_cases() {
  using namespace training_cases_detail;
  std::vector<TrainingCase> cases{gather_case()};
  add_bias_cases(cases, 1, 33, 10);
  add_bias_cases(cases, 3, 5, 21);
  cases.push_back(element_case("rectify", 1003, &TrainingKernels::rectify, Rectify{},
                               [](float x, float) { return x > 0.0f ? x : 0.0f; }));
  cases.push_back(element_case("rectify_backward", 1003, &TrainingKernels::rectify_backward, Rectify{},
                               [](float x, float dy) { return x > 0.0f ? dy : 0.0f; }));
  const LimitInputs rounded{.range = 0.75f, .steps = 7.0f}, clipped{.range = 0.75f};
  cases.push_back(
      element_case("limit_inputs", 1003, &TrainingKernels::limit_inputs, rounded, [](float x, float) {
        return std::nearbyint(std::clamp(x, -0.75f, 0.75f) * (7.0f / 0.75f)) * (0.75f / 7.0f);
      }));
  cases.push_back(element_case("limit_inputs, not rounded", 1003, &TrainingKernels::limit_inputs, clipped,
                               [](float x, float) { return std::clamp(x, -0.75f, 0.75f); }));
  cases.push_back(element_case("limit_inputs_backward", 1003, &TrainingKernels::limit_inputs_backward,
                               clipped, [](float x, float dy) { return std::abs(x) <= 0.75f ? dy : 0.0f; }));
  cases.push_back(element_case("limit_range_backward", 1003, &TrainingKernels::limit_range_backward, clipped,
                               [](float x, float dy) { return x > 0.75f    ? dy
                                                              : x < -0.75f ? -dy
                                                                           : 0.0f; }));
  for (const std::size_t rows : {1u, 8u, 29u}) cases.push_back(loss_case(rows, 10, false));
  cases.push_back(loss_case(11, 3, true));
  cases.push_back(loss_case(11, 3, true, false));
  for (const StepRule rule : {StepRule::sgd, StepRule::adam}) {
    for (const std::int64_t failed : {0, 3}) cases.push_back(step_case(rule, failed));
  }
  return cases;
}

}  // namespace mq
