/// Fashion-MNIST: 60 000 training and 10 000 test images, 28 x 28 grey values, ten kinds of clothing.
/// H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747 (2017). Debian package dataset-fashion-mnist.
#pragma once

#include <filesystem>

#include "meltquench/models/dataset.h"

namespace mq {

/// Where the Debian package puts the files.
std::filesystem::path fashion_mnist_folder();

inline constexpr std::string_view kFashionMnistPackage = "dataset-fashion-mnist";

/// Reads {train,t10k}-images-idx3-ubyte and -labels-idx1-ubyte, with or without .gz. Throws MissingError that
/// names the package, or DataError.
DatasetPair load_fashion_mnist(const std::filesystem::path& folder);

/// One pair of files as a data set of ten classes; `prefix` is "train" or "t10k".
Dataset load_idx_pair(const std::filesystem::path& folder, const std::string& prefix);

}  // namespace mq
