/// The networks that a config can name, the `[model]` table.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "meltquench/core/fields.h"
#include "meltquench/training/network.h"
#include "meltquench/training/samples.h"

namespace mq {

enum class ModelKind { mlp, lenet5 };
constexpr std::array<std::string_view, 2> names(ModelKind) { return {"mlp", "lenet-5"}; }

struct ModelParams {
  ModelKind kind = ModelKind::mlp;
  std::vector<int> layers{256, 128};

  static constexpr auto describe() {
    constexpr auto has_layers = [](const ModelParams& p) { return p.kind == ModelKind::mlp; };
    return fields(field("kind", &ModelParams::kind, "Network."),
                  field("layers", &ModelParams::layers, "Widths of the hidden layers of an mlp.")
                      .acts_where("model.kind is mlp", has_layers));
  }
  /// What is wrong between the members.
  std::string problem() const;
};

/// Limits the inputs of every layer with weights (`train.input_range`, `input_bits`, `learn_input_range`); a
/// range of 0 does not.
struct InputLimit {
  float range = 0.0f;
  int bits = 0;
  bool learns = false;
};

/// A multilayer perceptron with rectifiers: layers fc1, fc2, ..., one output per class.
Network mlp(const SampleShape& input, std::span<const int> hidden, std::size_t classes,
            const InputLimit& limit = {});

/// LeNet-5 with rectifiers and maximum pooling: conv1 (6 filters of 5 x 5; padded by 2 for images of 28 x
/// 28), conv2 (16 of 5 x 5), fc1 (120), fc2 (84), fc3. After Y. LeCun et al., Proc. IEEE 86, 2278 (1998),
/// doi:10.1109/5.726791. Throws ShapeError for images below 16 x 16.
Network lenet5(const SampleShape& input, std::size_t classes, const InputLimit& limit = {});

/// The network of a config, with weights of 0: call `Network::initialize`. Throws ConfigError, ShapeError.
Network make_network(const ModelParams& params, const SampleShape& input, std::size_t classes,
                     const InputLimit& limit = {});

}  // namespace mq
