#include "meltquench/models/fashion_mnist.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <system_error>

#include "meltquench/core/error.h"
#include "meltquench/models/idx.h"

namespace mq {
namespace {

constexpr std::size_t kClasses = 10;

/// The file as it is, or with .gz.
std::filesystem::path find_file(const std::filesystem::path& folder, const std::string& name) {
  std::error_code failure;
  for (const std::string& candidate : {name + ".gz", name}) {
    if (std::filesystem::exists(folder / candidate, failure)) return folder / candidate;
  }
  throw MissingError(
      fmt::format("the data set fashion-mnist is not in {} ({}.gz is missing); install it with "
                  "'apt-get install {}', or set data.path to a folder that holds it",
                  folder.string(), name, kFashionMnistPackage));
}

}  // namespace

std::filesystem::path fashion_mnist_folder() { return "/usr/share/datasets/fashion-mnist"; }

Dataset load_idx_pair(const std::filesystem::path& folder, const std::string& prefix) {
  const auto image_file = find_file(folder, prefix + "-images-idx3-ubyte");
  const auto label_file = find_file(folder, prefix + "-labels-idx1-ubyte");
  const IdxArray images = read_idx(image_file, 3);
  IdxArray labels = read_idx(label_file, 1);
  if (images.shape[0] != labels.shape[0]) {
    throw DataError(fmt::format("{} holds {} images but {} holds {} labels; get both files from one place",
                                image_file.string(), images.shape[0], label_file.string(), labels.shape[0]));
  }
  if (images.shape[1] > 4096 || images.shape[2] > 4096) {
    throw DataError(fmt::format(
        "{} claims images of {} x {}, which makes no sense for a data set; get the data set again",
        image_file.string(), images.shape[1], images.shape[2]));
  }
  const auto wrong = std::ranges::find_if(labels.bytes, [](std::uint8_t label) { return label >= kClasses; });
  if (wrong != labels.bytes.end()) {
    throw DataError(
        fmt::format("{}: label {} of image {} is out of range (must be in [0, {}]); the file is damaged",
                    label_file.string(), *wrong, wrong - labels.bytes.begin(), kClasses - 1));
  }
  Dataset set;
  set.shape = {1, images.shape[1], images.shape[2]};
  set.classes = kClasses;
  set.labels = std::move(labels.bytes);
  set.images.resize(images.bytes.size());
  for (std::size_t i = 0; i < images.bytes.size(); ++i)
    set.images[i] = static_cast<float>(images.bytes[i]) / 255.0f;
  return set;
}

DatasetPair load_fashion_mnist(const std::filesystem::path& folder) {
  DatasetPair pair{load_idx_pair(folder, "train"), load_idx_pair(folder, "t10k")};
  if (pair.train.shape != pair.test.shape) {
    throw DataError(
        fmt::format("training images in {} are {} but test images are {}; get both from one place",
                    folder.string(), format_shape(pair.train.shape), format_shape(pair.test.shape)));
  }
  return pair;
}

}  // namespace mq
