#include "meltquench/models/dataset.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "meltquench/core/error.h"
#include "meltquench/models/fashion_mnist.h"
#include "meltquench/models/synthetic.h"

namespace mq {
namespace {

/// Keeps the first `count` images; 0 keeps all.
void limit_images(Dataset& set, std::int64_t count, std::string_view key) {
  if (count == 0) return;
  const auto wanted = static_cast<std::size_t>(count);
  if (wanted > set.count()) {
    throw ConfigError(
        fmt::format("data.{} = {} is more than the {} images that there are; use at most that, or 0 for all",
                    key, count, set.count()));
  }
  set.images.resize(wanted * set.shape.size());
  set.labels.resize(wanted);
}

/// Throws ResourceError for images that the memory of this machine cannot hold: the kernel may grant it all
/// and end the process once it is used.
void check_memory(const SyntheticParams& params) {
  const double images = static_cast<double>(params.train) + static_cast<double>(params.test);
  const double bytes =
      images * static_cast<double>(params.shape.size() * sizeof(float) + sizeof(std::uint8_t));
  const double memory =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  if (bytes <= memory) return;
  throw ResourceError(fmt::format(
      "data.train_images = {} and data.test_images = {} would take {:.3g} GB, and this machine has "
      "{:.3g} GB of memory; ask for fewer images",
      params.train, params.test, bytes * 1e-9, memory * 1e-9));
}

}  // namespace

Samples Dataset::first(std::size_t count) const {
  const std::size_t n = std::min(count, labels.size());
  return {{images.data(), n, shape.size()}, std::span(labels).first(n)};
}

DatasetPair load_dataset(const DataParams& params, std::uint64_t seed) {
  check_fields(params, "data");
  if (params.name == "synthetic") {
    if (!params.path.empty()) {
      throw ConfigError("data.path has no meaning for the generated data set synthetic; remove it");
    }
    SyntheticParams synthetic;  // any number of images can be made
    if (params.train_images > 0) synthetic.train = static_cast<std::size_t>(params.train_images);
    if (params.test_images > 0) synthetic.test = static_cast<std::size_t>(params.test_images);
    check_memory(synthetic);
    return make_synthetic(synthetic, seed);
  }
  DatasetPair pair =
      load_fashion_mnist(params.path.empty() ? fashion_mnist_folder() : std::filesystem::path(params.path));
  limit_images(pair.train, params.train_images, "train_images");
  limit_images(pair.test, params.test_images, "test_images");
  return pair;
}

std::vector<DatasetEntry> known_datasets() {
  std::error_code failure;
  const std::filesystem::path folder = fashion_mnist_folder();
  const bool has_fashion_mnist = std::filesystem::exists(folder / "train-images-idx3-ubyte.gz", failure);
  return {{.name = "fashion-mnist",
           .what = "60 000 + 10 000 images of clothing, 28 x 28 grey, 10 classes (MIT licence)",
           .folder = folder,
           .is_installed = has_fashion_mnist,
           .how_to_get = "apt-get install dataset-fashion-mnist"},
          {.name = "synthetic",
           .what = "generated patterns with noise, 12 x 12 grey, 10 classes; for tests and quick trials",
           .folder = {},
           .is_installed = true,
           .how_to_get = {}}};
}

}  // namespace mq
