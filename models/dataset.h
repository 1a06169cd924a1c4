/// Data sets: images with labels in memory, and the list of those that Meltquench knows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "meltquench/core/fields.h"
#include "meltquench/training/samples.h"

namespace mq {

struct Dataset {
  std::vector<float> images;         ///< [count, channels * height * width], in [0, 1]
  std::vector<std::uint8_t> labels;  ///< [count], below `classes`
  SampleShape shape;
  std::size_t classes = 0;

  std::size_t count() const { return labels.size(); }
  Samples samples() const { return {{images.data(), labels.size(), shape.size()}, labels}; }
  /// The first `count` of them, or all if there are fewer.
  Samples first(std::size_t count) const;
};

/// What a run trains on and what it is evaluated on.
struct DatasetPair {
  Dataset train, test;
};

/// The `[data]` table.
struct DataParams {
  std::string name = "fashion-mnist";
  std::string path{};
  std::int64_t train_images = 0;
  std::int64_t test_images = 0;

  static constexpr auto describe() {
    constexpr auto has_files = [](const DataParams& p) { return p.name == "fashion-mnist"; };
    return fields(
        field("name", &DataParams::name, one_of("fashion-mnist", "synthetic"), "Data set."),
        field("path", &DataParams::path, "Folder with its files; empty: where its Debian package puts them.")
            .acts_where("data.name is fashion-mnist", has_files),
        field("train_images", &DataParams::train_images, between(0, 1e9),
              "Use only the first so many; 0: all."),
        field("test_images", &DataParams::test_images, between(0, 1e9),
              "Use only the first so many; 0: all."));
  }
};

/// Loads the data set. `seed` matters for "synthetic" alone. Throws MissingError that says how to get the
/// files, DataError for damaged ones, ConfigError for a name that does not exist or more images than there
/// are.
DatasetPair load_dataset(const DataParams& params, std::uint64_t seed);

/// One line of `meltquench data list`.
struct DatasetEntry {
  std::string_view name;
  std::string_view what;
  std::filesystem::path folder;  ///< where it is looked for; empty for generated data
  bool is_installed = false;
  std::string_view how_to_get;  ///< empty if there is nothing to get
};
std::vector<DatasetEntry> known_datasets();

}  // namespace mq
