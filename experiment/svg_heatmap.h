/// A heatmap as inline SVG: the image of a matrix between axes that count its lines, with a colour bar.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "meltquench/experiment/svg_sheet.h"

namespace mq {

/// What a pixel shows where it stands for several elements.
enum class Reduction {
  mean,
  largest  ///< the element with the largest magnitude
};

/// A matrix [rows, cols], row-major; the first row is drawn on top.
struct MatrixPicture {
  std::string title = {};
  std::size_t rows = 0, cols = 0;
  std::vector<float> values = {};
  std::string unit = {};  ///< without prefix, e.g. "V"; empty: plain numbers
  std::string row_title = "bit line";
  std::string col_title = "word line";
  Reduction reduction = Reduction::mean;
  std::string id = "map";  ///< unique in the file, fit for an XML identifier
};

/// The matrix with at most `most` rows and columns; what a pixel stands for is in `row_step`, `col_step`.
struct ReducedMatrix {
  std::size_t rows = 0, cols = 0, row_step = 1, col_step = 1;
  std::vector<float> values = {};
};
ReducedMatrix reduced(const MatrixPicture& picture, std::size_t most);

/// The drawing: title, image, axes, colour bar, and below it mean, extremes and what a pixel stands for. A
/// matrix of more than 256 rows or columns is reduced. Throws ShapeError if the values do not fit the
/// extents.
Drawing svg_heatmap(const MatrixPicture& picture);

}  // namespace mq
