#include "meltquench/models/model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "meltquench/core/error.h"
#include "meltquench/models/dataset.h"
#include "meltquench/models/synthetic.h"
#include "meltquench/training/evaluate.h"
#include "meltquench/training/trainer.h"

namespace mq {
namespace {

std::string message_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Mlp, HasTheLayersOfTheConfig) {
  const Network network = make_network({}, {1, 28, 28}, 10);
  ASSERT_EQ(network.weighted_layers().size(), 3u);
  EXPECT_EQ(network.weighted_layers()[0].name, "fc1");
  EXPECT_EQ(network.weights(0).rows, 256u);
  EXPECT_EQ(network.weights(0).columns, 784u);
  EXPECT_EQ(network.weights(1).rows, 128u);
  EXPECT_EQ(network.weights(2).rows, 10u);
  EXPECT_EQ(network.parameters().size(), 784u * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10);
}

TEST(LeNet5, HasTheShapesOfThePaper) {
  const Network network = make_network({.kind = ModelKind::lenet5}, {1, 28, 28}, 10);
  const auto layers = network.weighted_layers();
  ASSERT_EQ(layers.size(), 5u);
  EXPECT_EQ(layers[0].name, "conv1");
  EXPECT_EQ(layers[0].shape.rows_per_sample, 784u);
  EXPECT_EQ(layers[1].name, "conv2");
  EXPECT_EQ(layers[1].shape.inputs, 150u);
  EXPECT_EQ(layers[1].shape.rows_per_sample, 100u);
  EXPECT_EQ(layers[2].shape.inputs, 400u);
  EXPECT_EQ(network.parameters().size(), 61706u);  // of the well-known variant with full connections to conv2
  EXPECT_EQ(network.output(), (SampleShape{10}));
}

TEST(LeNet5, LearnsInAFewSteps) {
  SyntheticParams synthetic{.train = 256, .test = 10, .shape = {1, 16, 16}, .classes = 4};
  const DatasetPair data = make_synthetic(synthetic, 1);
  Network network = lenet5(data.train.shape, 4);
  network.initialize(1);
  const TrainParams params{.epochs = 4, .batch_size = 32, .learning_rate = 0.003};
  const double before = evaluate({}, network, data.train.samples()).mean_loss();
  Trainer trainer({.threads = 2}, network, data.train.samples(), params.of(Variant::plain), 1);
  trainer.run();
  EXPECT_LT(evaluate({}, network, data.train.samples()).mean_loss(), 0.5 * before);
}

TEST(Models, LimitTheInputsOfEveryLayerWithWeights) {
  const Network network = make_network({.layers = {8}}, {6}, 3, {.range = 1.5f, .bits = 8});
  std::vector<std::string> names;
  for (std::size_t i = 0; i < network.layer_count(); ++i) names.push_back(network.layer(i).name());
  EXPECT_EQ(names, (std::vector<std::string>{"fc1.input", "fc1", "relu1", "fc2.input", "fc2"}));
}

TEST(Models, RefuseWhatMakesNoSense) {
  EXPECT_EQ(message_of([] {
              make_network({.layers = {256, 0}}, {784}, 10);
            }),
            "model: layers[1] = 0 is out of range (must be in [1, 65536])");
  EXPECT_EQ(message_of([] {
              make_network({.kind = ModelKind::lenet5}, {1, 12, 12}, 10);
            }),
            "lenet-5 needs images of at least 16 x 16 but these are 12 x 12; use model.kind = \"mlp\"");
}

TEST(Synthetic, IsAFunctionOfItsSeedAndTheSameForAnyCount) {
  const DatasetPair a = make_synthetic({.train = 50, .test = 20}, 3),
                    b = make_synthetic({.train = 30, .test = 25}, 3);
  EXPECT_TRUE(std::equal(b.train.images.begin(), b.train.images.end(), a.train.images.begin()));
  EXPECT_TRUE(std::equal(b.train.labels.begin(), b.train.labels.end(), a.train.labels.begin()));
  EXPECT_NE(make_synthetic({.train = 50, .test = 20}, 4).train.images, a.train.images);
  EXPECT_NE(std::vector(a.train.images.begin(), a.train.images.begin() + 144),
            std::vector(a.test.images.begin(), a.test.images.begin() + 144));
  const auto [low, high] = std::ranges::minmax(a.train.images);
  EXPECT_GE(low, 0.0f);
  EXPECT_LE(high, 1.0f);
}

TEST(Synthetic, IsLearnedByAnMlp) {
  const DatasetPair data = load_dataset({.name = "synthetic"}, 2);
  EXPECT_EQ(data.train.count(), 2000u);
  Network network = make_network({.layers = {32}}, data.train.shape, data.train.classes);
  network.initialize(2);
  const TrainParams params{.epochs = 6, .batch_size = 50, .learning_rate = 0.01};
  Trainer trainer({.threads = 2}, network, data.train.samples(), params.of(Variant::plain), 2);
  trainer.run();
  EXPECT_GT(evaluate({}, network, data.test.samples()).accuracy(), 0.9);
}

TEST(Datasets, AreListedWithHowToGetThem) {
  const auto list = known_datasets();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].name, "fashion-mnist");
  EXPECT_EQ(list[0].how_to_get, "apt-get install dataset-fashion-mnist");
  EXPECT_EQ(list[1].name, "synthetic");
  EXPECT_TRUE(list[1].is_installed);
}

TEST(Datasets, RefuseNamesAndCountsThatDoNotExist) {
  EXPECT_NE(message_of([] { load_dataset({.name = "fashion-mnits"}, 1); }).find("fashion-mnist"),
            std::string::npos);
  EXPECT_NE(message_of([] { load_dataset({.path = "/nowhere"}, 1); }).find("dataset-fashion-mnist"),
            std::string::npos);
  EXPECT_NE(message_of([] { load_dataset({.name = "synthetic", .path = "x"}, 1); }).find("data.path"),
            std::string::npos);
  EXPECT_NE(message_of([] { load_dataset({.train_images = -1}, 1); }).find("data.train_images"),
            std::string::npos);
}

TEST(FashionMnist, IsReadFromItsPackage) {
  const auto list = known_datasets();
  if (!list[0].is_installed) GTEST_SKIP() << "the package dataset-fashion-mnist is not installed";
  const DatasetPair data = load_dataset({.test_images = 1000}, 1);
  EXPECT_EQ(data.train.count(), 60000u);
  EXPECT_EQ(data.test.count(), 1000u);
  EXPECT_EQ(data.train.shape, (SampleShape{1, 28, 28}));
  EXPECT_EQ(std::ranges::count(data.train.labels, 3), 6000);  // every class has 6000 images
  EXPECT_NE(message_of([] {
              load_dataset({.test_images = 10001}, 1);
            }).find("data.test_images = 10001 is more than the 10000 images that there are"),
            std::string::npos);
}

}  // namespace
}  // namespace mq
