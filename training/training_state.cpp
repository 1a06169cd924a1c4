#include "meltquench/training/training_state.h"

#include <fmt/format.h>

#include <algorithm>

#include "meltquench/core/error.h"
#include "meltquench/core/storage.h"

namespace mq {
namespace {

constexpr std::string_view kKind = "training";
constexpr int kVersion = 1;

std::string weight_path(const WeightedLayer& layer) { return "/layers/" + layer.name + "/weight"; }
std::string bias_path(const WeightedLayer& layer) { return "/layers/" + layer.name + "/bias"; }

/// Calls f(path, first, count) for the parameters of layers without weights.
template <class F>
void for_each_other(const Network& network, F&& f) {
  for (std::size_t i = 0; i < network.layer_count(); ++i) {
    const Layer& layer = network.layer(i);
    if (layer.weights() || layer.parameters() == 0) continue;
    f("/layers/" + layer.name() + "/parameters", network.offset(i), layer.parameters());
  }
}

std::string text_attribute(const H5Reader& file, std::string_view name) {
  const Value value = file.attribute("/", name);
  return value.is_text() ? value.as_text() : std::string();
}

void check_identity(const H5Reader& file, const std::filesystem::path& path,
                    const TrainingIdentity& identity) {
  const auto refuse = [&](std::string_view what) {
    throw ConfigError(
        fmt::format("{} is a checkpoint of another training: it differs in {}; remove the file to train "
                    "from the start, or restore the config that wrote it",
                    path.string(), what));
  };
  if (text_attribute(file, "seed") != fmt::to_string(identity.seed)) refuse("the seed");
  if (text_attribute(file, "samples") != fmt::to_string(identity.samples))
    refuse("the number of training images");
  if (file.read_text("/params") != identity.params) refuse("the [train] table");
}

void check_layers(const H5Reader& file, const std::filesystem::path& path, const Network& network) {
  for (const WeightedLayer& layer : network.weighted_layers()) {
    const Shape expected{layer.shape.outputs, layer.shape.inputs};
    if (!file.contains(weight_path(layer)) || file.info(weight_path(layer)).shape != expected) {
      throw ConfigError(
          fmt::format("{} is a checkpoint of another network: it has no layer {} with weights {}; remove "
                      "the file to train from the start",
                      path.string(), layer.name, format_shape(expected)));
    }
  }
}

}  // namespace

void save_training(const std::filesystem::path& path, const Network& network, const TrainingState& state,
                   const TrainingIdentity& identity) {
  H5Writer file(path, kKind, kVersion);
  file.set_attribute("/", "seed", fmt::to_string(identity.seed));
  file.set_attribute("/", "samples", fmt::to_string(identity.samples));
  file.write_text("/params", identity.params);
  for (std::size_t i = 0; i < network.weighted_layers().size(); ++i) {
    const WeightedLayer& layer = network.weighted_layers()[i];
    const auto w = network.weights(i);
    file.write<float>(weight_path(layer), std::span(w.data, w.size()), {w.rows, w.columns});
    file.write<float>(bias_path(layer), network.bias(i), {w.rows});
  }
  for_each_other(network, [&](const std::string& at, std::size_t first, std::size_t count) {
    file.write<float>(at, network.parameters().subspan(first, count), {count});
  });
  file.write("/optimizer/first", state.optimizer.first);
  file.write("/optimizer/second", state.optimizer.second);
  file.write("/optimizer/powers", std::vector{state.optimizer.beta1_power, state.optimizer.beta2_power});
  file.write("/place", std::vector<std::uint64_t>{state.epoch, state.step});
  file.write("/sums", std::vector<std::int64_t>{state.sums.loss, state.sums.correct, state.sums.samples,
                                                state.sums.not_finite});
  std::vector<double> loss, accuracy;
  for (const EpochResult& epoch : state.history) {
    loss.push_back(epoch.loss);
    accuracy.push_back(epoch.accuracy);
  }
  file.write("/history/loss", loss);
  file.write("/history/accuracy", accuracy);
  file.commit();
}

void load_training(const std::filesystem::path& path, Network& network, TrainingState& state,
                   const TrainingIdentity& identity) {
  const H5Reader file(path, kKind, kVersion);
  check_identity(file, path, identity);
  check_layers(file, path, network);

  std::vector<float> parameters(network.parameters().size());
  for (const WeightedLayer& layer : network.weighted_layers()) {
    const std::span<float> all(parameters);
    file.read_into<float>(weight_path(layer), all.subspan(layer.offset, layer.weights()),
                          {layer.shape.outputs, layer.shape.inputs});
    file.read_into<float>(bias_path(layer), all.subspan(layer.offset + layer.weights(), layer.shape.outputs),
                          {layer.shape.outputs});
  }
  for_each_other(network, [&](const std::string& at, std::size_t first, std::size_t count) {
    file.read_into<float>(at, std::span(parameters).subspan(first, count), {count});
  });
  TrainingState read;
  read.optimizer.first = file.read<float>("/optimizer/first", {state.optimizer.first.size()});
  read.optimizer.second = file.read<float>("/optimizer/second", {state.optimizer.second.size()});
  const auto powers = file.read<double>("/optimizer/powers", {2});
  const auto place = file.read<std::uint64_t>("/place", {2});
  const auto sums = file.read<std::int64_t>("/sums", {4});
  read.optimizer.beta1_power = powers[0];
  read.optimizer.beta2_power = powers[1];
  read.epoch = static_cast<std::uint32_t>(place[0]);
  read.step = place[1];
  read.sums = {sums[0], sums[1], sums[2], sums[3]};
  const auto loss = file.read<double>("/history/loss", {read.epoch});
  const auto accuracy = file.read<double>("/history/accuracy", {read.epoch});
  for (std::size_t i = 0; i < read.epoch; ++i) read.history.push_back({loss[i], accuracy[i]});

  std::ranges::copy(parameters, network.parameters().begin());
  state = std::move(read);
}

}  // namespace mq
