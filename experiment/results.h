/// What a finished run leaves for people and programs: results.csv, arrays.h5, report.html, manifest.json.
/// All derived from the journal and the trained networks, so they can be written again at any time, to the
/// same bytes.
#pragma once

#include <filesystem>
#include <map>
#include <vector>

#include "meltquench/crossbar/code_histograms.h"
#include "meltquench/experiment/experiment.h"
#include "meltquench/experiment/journal.h"
#include "meltquench/experiment/trained_network.h"
#include "meltquench/training/samples.h"

namespace mq {

/// One trained network under the hardware of one point, with the trials of its chips in ascending order.
struct PointResult {
  const SweepPoint* point = nullptr;
  Variant variant = Variant::plain;
  double digital_accuracy = 0.0;
  std::int64_t images = 0;
  std::vector<ChipTrial> trials;
};

/// One tile of one chip: conductances, which heatmaps show, and the codes of its ADCs for some test samples
/// at the reference read.
struct TilePicture {
  std::string variant, layer;
  std::size_t outputs = 0, inputs = 0;
  double aged_s = 0.0;
  std::vector<float> target = {}, programmed = {}, aged = {};  ///< g_plus - g_minus [S], [outputs, inputs]
  std::size_t samples = 0;
  std::vector<CodeHistogram> codes = {};  ///< of its conversions; none where outputs are not converted
};

/// Programs the first chip of a point once more and looks at the first tile of its first layer; at most 100
/// of `samples` (host memory) pass for the codes.
TilePicture picture_of_tile(const TrainedNetwork& trained, const SweepPoint& point, Variant variant,
                            const Samples& samples);

/// Per compensation and time: mean and Student-t interval over the chips of one network.
std::vector<AccuracyRow> accuracy_rows(const std::string& variant, const EvalParams& eval,
                                       const std::vector<ChipTrial>& trials, std::int64_t images,
                                       double digital);
/// The same per point and variant.
std::vector<AccuracyRow> accuracy_rows(const std::vector<PointResult>& results);

/// Tidy table, one line per row; swept keys come first. Decimal points, "\n", no locale.
std::string results_csv(const std::vector<PointResult>& results);

/// Accuracies, counters and the picture, as data sets.
void write_arrays(const std::filesystem::path& file, const std::vector<PointResult>& results,
                  const TilePicture& picture);

ReportData report_data(const std::vector<PointResult>& results, const TilePicture& picture,
                       const std::string& key, const std::string& digest, const Value& manifest);

}  // namespace mq
