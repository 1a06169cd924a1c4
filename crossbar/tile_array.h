/// A logical weight matrix W[out, in] of any size, cut into tiles; partial sums of tiles are added digitally.
///
/// Order of calls: construct, `set_ranges` (where converters are not ideal and have no fixed range),
/// `program`, then any number of `update`, `advance_to`, `compensate_drift` and `mvm`. A call too early is a
/// StateError that says what to call. One array is used by one thread at a time; its own kernels use
/// `exec.threads`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "meltquench/core/matrix_view.h"
#include "meltquench/crossbar/counters.h"
#include "meltquench/crossbar/drift_compensation.h"
#include "meltquench/crossbar/input_phases.h"
#include "meltquench/crossbar/ranges.h"
#include "meltquench/crossbar/tile.h"

namespace mq {

/// How drift is compensated in the digital part.
enum class DriftCompensation {
  none,
  global,  ///< one factor per tile: mean |response to the identity| at the reference read, over that now
};
constexpr auto names(DriftCompensation) { return std::array<std::string_view, 2>{"none", "global"}; }

/// Which product this is, so that its noise is its own: the place of row 0 in the data set (rows < 2^33) and
/// a call number (< 2^24).
struct MvmPlace {
  std::uint64_t first_row = 0;
  std::uint32_t call = 0;
};

/// One pulsed update: how values become pulses.
struct PulsedUpdate {
  float x_gain = 1.0f;         ///< probability of a pulse per unit of |x|; more than 1 is 1
  float d_gain = 1.0f;         ///< the same for d
  int pulses = kLongestTrain;  ///< time slots of a train, 1 to 31
  PulseSteps steps = PulseSteps::aggregated;
  std::uint32_t event = 0;         ///< the number of this update (< 2^24): its random numbers are its own
  std::uint32_t first_sample = 0;  ///< place of row 0 in the mini-batch, where that comes in parts
};

/// The tiles of a matrix. Throws ShapeError for an empty one, ConfigError if it would need more than 65536
/// tiles.
TileGrid tile_grid(const TileParams& tile, std::size_t outputs, std::size_t inputs);

class TileArray {
 public:
  /// `address.tile` is not looked at. Throws as `tile_grid`, and ConfigError for hardware out of range.
  TileArray(const Exec& exec, const Hardware& hardware, TileAddress address, std::size_t outputs,
            std::size_t inputs);

  std::size_t outputs() const { return grid_.outputs; }
  std::size_t inputs() const { return grid_.inputs; }
  const TileGrid& grid() const { return grid_; }
  const Hardware& hardware() const { return hardware_; }
  std::vector<Tile>& tiles() { return tiles_; }
  bool is_programmed() const { return w_max_ > 0.0f; }
  /// How weights became conductances; of the last `program`. With mapping.scale = column it is that of
  /// weights divided by `column_scale()`.
  WeightMapping mapping() const;
  /// Largest |weight| of each output relative to that of the matrix; empty with mapping.scale = tensor.
  const std::vector<float>& column_scale() const { return column_scale_; }

  /// Conversions of one output of a tile: planes times read phases that are not added as charge.
  std::size_t conversions_per_tile() const { return conversion(1, 0, 0); }

  /// Ranges of the converters; throws ShapeError if there is not one ADC range per conversion of each tile,
  /// or with `Ranges::columns` one for each of its outputs.
  void set_ranges(const Ranges& ranges);
  const Ranges& ranges() const { return forward_.ranges; }
  /// Ranges of the converters of `mvm_transposed`; likewise. They may change before every product: what goes
  /// back through a layer is a gradient, orders of magnitude smaller than what goes forward and shrinking as
  /// training goes on. So they are neither derived from the others, nor from `dac.range` and `adc.range`, nor
  /// saved.
  void set_transposed_ranges(const Ranges& ranges);

  /// Writes w[out, in] (host memory) and reads it for reference: the clock stands at 0. Throws ShapeError,
  /// and ConfigError for a weight that is not finite. Full scale stands for the largest |w|, or for `w_max`,
  /// which leaves learning room to grow; ConfigError if a weight is larger.
  void program(const Exec& exec, MatrixView<const float> w, std::optional<float> w_max = {});

  /// Writes the word lines [first, first + count) of w[out, in] at the present time, for arrays that are
  /// written piece by piece; other cells keep what they hold, and their age. Full scale is that of the first
  /// programming: `w_max`, or the largest |w| of all of w. Drift compensation then refers to the present.
  /// Throws as `program`, and ShapeError for lines that do not exist.
  void program_lines(const Exec& exec, MatrixView<const float> w, std::size_t first, std::size_t count,
                     std::optional<float> w_max = {});

  /// What the last writing took, one per tile that was written; empty after one-shot programming.
  const std::vector<WriteVerifyReport>& programming_reports() const { return reports_; }

  /// Moves the weights by pulses towards d^T x: for sample after sample, with trains that meet at random,
  /// E[dW[o, j]] = pulses p(x_j) p(d_o) sign(x_j d_o) weight_step(), p = min(1, gain |value|). Pass the
  /// negative error as d to descend. x[batch, in] and d[batch, out] lie on the backend of `exec` and are
  /// finite. Tiles that share a line share its train. Products then see the new weights, and drift
  /// compensation refers to them. Throws ConfigError for a device model that pulses do not move and for gains
  /// or pulses out of range, else as `mvm`.
  void update(const Exec& exec, MatrixView<const float> x, MatrixView<const float> d,
              const PulsedUpdate& how);
  /// Mean change of a weight by one coincidence, in the middle of the range. Throws as `update`.
  double weight_step() const;
  /// The gain of both lines for which E[dW] = rate d^T x where no probability exceeds 1.
  float update_gain(double rate, int pulses = kLongestTrain) const;

  /// Moves the clock to `time` [s] after the reference read. Throws ConfigError if it lies in the past.
  void advance_to(const Exec& exec, double time);
  double time() const { return time_; }
  /// The present moment as tiles see it.
  TileTime now() const;

  /// Sets the digital factors of the tiles for the present moment; holds until the clock moves.
  void compensate_drift(DriftCompensation how);
  /// The same with a factor for each tile. Throws ShapeError for another number of them.
  void compensate_drift(std::span<const double> factors);
  /// Mean |response| of each tile to the identity matrix now [S of its first slice], over several reads or
  /// without read noise (tile_array_responses.cpp). Reads that read noise with memory disturbs agree.
  std::vector<double> mean_responses(const Exec& exec, ResponseReads reads);
  /// Mean |response| of each output to single inputs now, in weight units; likewise.
  std::vector<double> output_responses(const Exec& exec, ResponseReads reads);
  /// Scale and offset of each output in the digital part, after everything else; they hold until the clock
  /// moves. Throws ShapeError for another number of outputs.
  void correct_outputs(const AffineCorrection& correction);
  /// The factor of each tile.
  std::vector<double> compensation() const;

  /// y[batch, out] = x[batch, in] W^T through DAC, tiles and ADC. Pointers lie on the backend of `exec`.
  /// Expects finite x.
  void mvm(const Exec& exec, MatrixView<const float> x, MatrixView<float> y, MvmPlace place = {});
  /// The same in double precision: backend reference, ideal DAC.
  void mvm(const Exec& exec, MatrixView<const double> x, MatrixView<double> y, MvmPlace place = {});

  /// Whether `mvm_patches` may be called: there is a DAC, and no input is scaled by its sample.
  bool takes_patches() const { return hardware_.dac.bits > 0 && !scales_rows(Direction::forward); }
  /// `mvm` for the patches of images, which are not written down: y[samples * windows, out]. Expects
  /// takes_patches(), else as `mvm`.
  void mvm_patches(const Exec& exec, const Windows& windows, const float* images, MatrixView<float> y,
                   MvmPlace place = {});

  /// d[batch, in] = e[batch, out] W on the same cells, read from bit lines to word lines, with converters of
  /// the same resolution and noise of its own. Expects finite e. Throws StateError where a converter is not
  /// ideal and has no range (set_transposed_ranges).
  void mvm_transposed(const Exec& exec, MatrixView<const float> e, MatrixView<float> d, MvmPlace place = {});
  /// The same in double precision: backend reference, ideal DAC.
  void mvm_transposed(const Exec& exec, MatrixView<const double> e, MatrixView<double> d,
                      MvmPlace place = {});

  /// Weights [out, in] as a product sees them now, on the host. With ideal cells and g_min = 0 they differ
  /// from what was programmed by at most 2^-23 of the largest weight.
  std::vector<double> read_weights(const Exec& exec) { return read_weights(exec, now()); }

  Counters counters() const;

  /// Cells, clock, counters and ranges. `load` expects an array of the same hardware and size, else throws
  /// DataError.
  void save(H5Writer& file, const std::string& path) const;
  void load(const Exec& exec, const H5Reader& file, const std::string& path);

 private:
  friend class CodeCounter;  // code_histograms.h
  void settle(const Exec& exec);
  /// The weight of full scale. Throws as `program`.
  float full_scale(MatrixView<const float> w, std::optional<float> w_max) const;
  void write(const Exec& exec, MatrixView<const float> w, std::size_t first, std::size_t count);
  std::vector<double> read_weights(const Exec& exec, const TileTime& moment);
  /// Sets column_scale_ and divides by it.
  std::vector<float> scale_columns(MatrixView<const float> w);
  /// Mean |response| of a tile to the identity matrix, in siemens of its first slice.
  double mean_response(std::size_t tile) const;
  /// Every word line of every tile was read so many times.
  void count_response_reads(std::size_t times);
  /// One conversion of the outputs of a tile, where products go in steps.
  struct Conversion {
    std::size_t tile = 0, plane = 0, block = 0;
    std::uint32_t phase = 0;  // the last of those that it holds
    std::size_t first_term = 0, terms = 0;
    bool is_shared = false;    // one output, for all of the block
    bool is_computed = false;  // formed digitally: no noise, no ADC
    float codes_per_unit = 0.0f;
    double multiplier = 1.0;
    std::size_t index = 0;  // among those of the array: see `conversion`
  };
  /// What products of one direction need beside the tiles.
  struct Products {
    Ranges ranges;
    bool is_stale = true;  // terms, y_lsb, conversions
    std::vector<MvmTerm> host_terms;
    Buffer<MvmTerm> terms;
    double y_lsb = 1.0;
    Buffer<ConverterCounts> counts;  // 1
    // In steps:
    std::vector<Conversion> conversions;
    std::vector<MvmTerm> whole_terms;  // with the noise and converters that the products of steps leave out
    std::vector<Buffer<float>> converters, line_factors;  // [tiles][planes]
    // With a range per column [conversions][tile_outputs], else empty.
    Buffer<float> codes_per_units;
    Buffer<double> multipliers;
    // Of cells that are not linear:
    std::vector<double> input_peaks;  // [terms] largest input of each
    Buffer<std::int16_t> code_table;  // see ShapeInputs
    Buffer<float> input_table;
  };
  /// Drivers of word lines that err: codes in steps of 2^-shift.
  struct Driver {
    bool errs = false;
    std::uint32_t shift = 0;
    std::int32_t limit = 0;  // largest |code|
    float deviation = 0.0f;  // of their noise [steps of the DAC]
  };
  /// Which samples bound management reads again; all null: none.
  struct Rounds {
    const std::uint32_t* of_samples = nullptr;  // [batch]
    std::uint32_t round = 0;
    std::uint32_t* clipped = nullptr;  // [batch]
  };
  /// Codes of forward products per conversion, on the backend.
  struct CodeCounts {
    Buffer<std::int64_t> codes;     // [conversions of the array][2 L + 1]
    Buffer<ConverterCounts> clips;  // [conversions of the array]: adc_clips, which nobody else has
  };
  Products& products(Direction direction);
  void check_ranges(const Ranges& ranges) const;
  void refresh_terms(const Exec& exec, Direction direction);
  MvmTerm term(Direction direction, std::size_t tile, std::size_t plane, std::uint32_t phase, double y_lsb);
  /// What codes of a conversion count in the digital sum, beside the step of the ADC.
  double digital_factor(std::size_t tile, std::size_t plane, std::uint32_t phase) const;
  void refresh_column_ranges(const Exec& exec, Products& side);
  /// Largest |code| that a phase drives.
  std::int32_t phase_limit() const;
  /// Index of a conversion among those of the array.
  std::size_t conversion(std::size_t tile, std::size_t plane, std::uint32_t phase) const;
  void require_weights(const char* consequence) const;
  template <class F>
  void change_cells(const F& change);
  void check_programmed() const;
  /// Throws StateError unless this array is programmed and lives on the backend of `exec`.
  void check_ready(const Exec& exec) const;
  void check_product(const Exec& exec, Direction direction, std::size_t x_rows, std::size_t x_columns,
                     std::size_t y_rows, std::size_t y_columns);
  MvmLayer product(const Exec& exec, Direction direction, std::size_t batch, MvmPlace place);
  void multiply(const Exec& exec, Direction direction, MatrixView<const float> x, MatrixView<float> y,
                MvmPlace place);
  void multiply(const Exec& exec, Direction direction, MatrixView<const double> x, MatrixView<double> y,
                MvmPlace place);
  /// Whether inputs are divided by a factor of their own, and what by: the factors [batch] on the backend.
  bool scales_rows(Direction direction) const;
  const float* scale_rows(const Exec& exec, MatrixView<const float> x, const float*& factors);
  void disturb_inputs(const Exec& exec, int round, MvmLayer& op);
  /// The rows of `op`; quantize(n) makes codes of inputs that are 2^-n as large.
  void multiply_rows(const Exec& exec, Direction direction, MvmLayer& op,
                     const std::function<void(int)>& quantize);
  void scale_outputs(const Exec& exec, Direction direction, const MvmLayer& op, const float* row_factors);

  // tile_array_steps.cpp
  /// Whether products leave the fused kernel: see the file.
  bool is_in_steps() const;
  /// Whether a plane has one output, for all of its tile.
  bool is_shared(PlaneRole role) const {
    return hardware_.mapping.kind == MappingKind::offset && role.kind != PlaneKind::plus;
  }
  void take_conversion(Products& side, std::size_t block, std::size_t tile, std::size_t plane);
  void make_converters(const Exec& exec, Direction direction);
  Buffer<float> fabricate_converters(const Exec& exec, Direction direction, std::size_t tile,
                                     std::size_t plane) const;
  Buffer<float> line_factors(const Exec& exec, std::size_t tile, std::size_t plane);
  void add_nanosecond_noise(const Exec& exec, Direction direction, MvmLayer op, const MvmTerm& term);
  /// Adds to op.y what the arrays of a conversion conduct; tile_array_gated.cpp.
  void add_gated_currents(const Exec& exec, const MvmLayer& op, const Conversion& conversion);
  ConvertOutputs converter(Direction direction, const Conversion& conversion, const MvmLayer& op,
                           std::uint32_t round) const;
  void count_codes(const Conversion& conversion, ConvertOutputs& convert);
  std::int64_t counted_clips() const;
  void multiply_in_steps(const Exec& exec, Direction direction, const MvmLayer& op, const MvmLayer& plain,
                         Rounds rounds);
  void finish(const Exec& exec, Direction direction, const MvmLayer& op);

  // tile_array_nonlinear.cpp
  /// Whether currents are those of exact circuits of nonlinear cells.
  bool solves_circuits() const { return tiles_.front().solves_circuits(); }
  /// Whether inputs do not count as they are but as the terms of the law of cells see them.
  bool shapes_inputs() const { return law_ != nullptr && !solves_circuits() && !law_->is_proportional(); }
  /// What inputs are shaped for: a term of the law, or a digit of its codes.
  struct LawPart {
    int term = 0;
    std::int32_t limit = 0;   // largest code of the term
    std::int32_t weight = 1;  // of the part's codes; 0: of floats
  };
  static std::vector<LawPart> parts_of_law(const CurrentExpansion& law, bool has_dac);
  /// Throws StateError where inputs are voltages without a full scale.
  void check_full_scale(Direction direction) const;
  void make_input_tables(const Exec& exec, Direction direction);
  /// Terms of products that a plane takes part in.
  std::size_t parts_of(std::size_t tile, std::size_t plane) const;
  /// Part `part` of the law, of a term of a product of linear cells.
  MvmTerm part_of(Direction direction, MvmTerm term, std::size_t tile, std::size_t plane, std::size_t part);
  /// The inputs of `op` as the terms of the law see them; x is what they were without a DAC.
  void shape_inputs(const Exec& exec, Direction direction, const float* x, MvmLayer& op);
  std::vector<double> shaped_inputs(Direction direction, MatrixView<const double> x);
  /// Outputs [batch, outputs] of a conversion, in weight units, by exact circuits of inputs[batch, its
  /// inputs], relative to full scale, in phase `phase`.
  std::vector<double> solved(const Exec& exec, Direction direction, const Conversion& conversion,
                             std::uint32_t phase, MatrixView<const double> inputs);
  /// Adds them to op.y, or to y.
  void add_currents(const Exec& exec, Direction direction, const MvmLayer& op, const Conversion& conversion);
  void add_currents(const Exec& exec, Direction direction, MatrixView<const double> x, MatrixView<double> y);

  QuantizeInputs codes_for(const Exec& exec, Direction direction, const float* x, MvmLayer& op);
  void count(Direction direction, std::size_t batch);

  Hardware hardware_;
  TileAddress address_;
  TileGrid grid_;
  Backend backend_;
  std::vector<Tile> tiles_;
  std::vector<double> reference_response_, factors_;
  bool was_interrupted_ = false;  // while cells were written or aged
  float w_max_ = 0.0f;
  std::vector<float> column_scale_;
  AffineCorrection correction_;                  // empty: none
  Buffer<float> output_scale_, output_offset_;   // all that is digital, on the backend
  std::shared_ptr<const CurrentExpansion> law_;  // null: cells are linear
  std::vector<LawPart> law_parts_ = std::vector<LawPart>(1);
  InputPhases phases_;
  Driver driver_;
  RunningAverage average_input_;
  double time_ = 0.0, aged_ = 0.0;
  std::vector<WriteVerifyReport> reports_;
  Counters counters_;  // without what the converters count
  Products forward_, transposed_;
  std::optional<CodeCounts> code_counts_;  // while somebody counts
  Buffer<ConverterCounts> repeat_counts_;  // 1
  Buffer<std::int16_t> codes_, fine_codes_, squares_, mapped_, pixels_, shaped_codes_, shaped_squares_;
  Buffer<float> scaled_, row_factors_, analog_, variances_, shaped_;
  Buffer<double> totals_, shared_totals_;
  Buffer<std::int64_t> update_pulses_;  // 1
  Buffer<std::uint32_t> x_trains_, d_trains_;
};

}  // namespace mq
