#include <algorithm>
#include <memory>

#include "meltquench/python/keywords.h"
#include "meltquench/python/tile.h"

namespace mq::python {
namespace {

// Each text begins with the signature that inspect.signature() and help() show.
constexpr const char* kTile =
    R"(A weight matrix on analog tiles: programmed at construction, then aged and multiplied with.

Example:
    >>> import numpy as np
    >>> import meltquench as mq
    >>> W = np.array([[1.0, -0.5], [0.25, 0.0]], dtype=np.float32)
    >>> tile = mq.Tile(W, "ideal")
    >>> tile @ np.array([1.0, 2.0], dtype=np.float32)
    array([0.  , 0.25], dtype=float32)
)";

/// __init__: its signature, with the keywords that evaluate has as well, and what they say.
std::string init_doc() {
  return "__init__(self, W, device='pcm-like', *, seed=0" + hardware_signature() +
         R"(, threads=1, backend='cpu')
--

Makes the cells and writes W into them; the clock stands at 0, the reference read.

W: [out, in], dimensionless. device: a preset's name (see mq.presets()) or a dict, {"preset": "pcm-like",
"g_max": "30 uS"}; quantities are texts with units or plain SI numbers. seed fixes every random number.
)" + kHardwareDoc +
         R"(
What nobody says is as in config files, but converters are ideal, and one tile takes W whole. Converters that are
not ideal need calibrate() where their range is not given.
threads changes no result; None is all cores. backend: "cpu", "reference" or "cuda".

copy.copy, copy.deepcopy and pickle make tiles of their own that go on with the same bits.

Raises ValueError for a shape, device, unit or number that makes no sense, TypeError for an unknown keyword,
RuntimeError for a backend that this build or machine lacks.

Example:
    >>> import numpy as np
    >>> import meltquench as mq
    >>> tile = mq.Tile(np.eye(4), {"preset": "hermes-1", "g_max": "12 uS"}, seed=7, dac_bits=8, dac_range=1.0)
    >>> tile.shape
    (4, 4)
)";
}

constexpr const char* kMatmul =
    R"(__matmul__(self, x, /)
--

y = x W^T through DAC, cells and ADC: the same as mvm(x).

Example:
    >>> import numpy as np
    >>> import meltquench as mq
    >>> (mq.Tile(np.ones((3, 5))) @ np.zeros((2, 5))).shape
    (2, 3)
)";

constexpr const char* kMvm =
    R"(mvm(self, x, *, first_row=0, call=None)
--

y[..., out] = x[..., in] W^T through DAC, cells and ADC, as float32.

x: [in] or [batch, in]; a C-contiguous float32 array is used without a copy, another one is converted once.
Noise is a function of seed, call and row: each call without a number draws fresh noise, an equal call number
draws the same again. first_row is the place of x's first row in a data set, so that batches of any size draw
the same.

Raises ValueError for a shape that does not fit or a number that is not finite, RuntimeError while a converter
has no range.

Example:
    >>> import numpy as np
    >>> import meltquench as mq
    >>> tile = mq.Tile(np.ones((3, 5)), "pcm-like", read_noise=0.01)
    >>> x = np.ones((2, 5), dtype=np.float32)
    >>> bool((tile.mvm(x) == tile.mvm(x)).all()), bool((tile.mvm(x, call=4) == tile.mvm(x, call=4)).all())
    (False, True)
)";

constexpr const char* kProgram =
    R"(program(self, W)
--

Writes other weights of the same shape [out, in] into the same cells; the clock goes back to 0.

Ranges of converters stay: call calibrate() again where they should follow. Raises ValueError for another shape
or a weight that is not finite.

Example:
    >>> import numpy as np
    >>> import meltquench as mq
    >>> tile = mq.Tile(np.eye(2), "ideal")
    >>> tile.program(2 * np.eye(2))
    >>> tile.weights.tolist()
    [[2.0, 0.0], [0.0, 2.0]]
)";

constexpr const char* kCalibrate =
    R"(calibrate(self, x)
--

Takes the ranges of DAC and ADCs from typical inputs x[batch, in]: the largest |x|, and the largest |y| of each
tile of the target weights. A range given at construction stays.

Raises ValueError for a shape that does not fit, RuntimeError if there is no range to find.

Example:
    >>> import numpy as np
    >>> import meltquench as mq
    >>> tile = mq.Tile(np.eye(4), dac_bits=8, adc_bits=8)
    >>> tile.calibrate(np.full((10, 4), 0.5))
    >>> tile.ranges
    {'dac': 0.5, 'adc': array([[0.5]], dtype=float32)}
)";

constexpr const char* kDriftTo =
    R"(drift_to(self, time)
--

Moves the clock to `time` after the reference read: "25 s", "1 day", "1 month" (30 days), "1 year", or seconds.

Read noise is drawn anew for each time; the drift compensation is off until compensate_drift() is called again.
Raises ValueError for a time before the present one or with another unit.

Example:
    >>> import numpy as np
    >>> import meltquench as mq
    >>> tile = mq.Tile(np.eye(4))
    >>> tile.drift_to("1 day")
    >>> tile.time
    86400.0
)";

constexpr const char* kCompensate =
    R"(compensate_drift(self, how='global')
--

Sets the digital factors of the tiles for the present moment; they hold until the clock moves.

"global": one factor per tile, its mean absolute response to the identity at the reference read over that now.
"none": 1. Raises ValueError for another kind.

Example:
    >>> import numpy as np
    >>> import meltquench as mq
    >>> tile = mq.Tile(np.eye(64), seed=7)
    >>> tile.drift_to("1 year")
    >>> tile.compensate_drift("global")
    >>> bool(tile.compensation[0, 0] > 1.5)
    True
)";

constexpr const char* kInspect =
    R"(inspect(self, x, *, tile=0, v_read=0.2, slice=0, phase=None)
--

Voltages and currents of every cell of one tile, for one vector of inputs x[inputs of the tile].

{'full_scale': the x that stands for v_read, 'volts': [in] of the drivers, 'plus' and 'minus': an array each},
with an array = {'conductances' [S], 'word_voltages' and 'bit_voltages' of the lines at each cell [V],
'cell_currents' [A], each [out, in], and 'currents' [out], the outputs of the bit lines [A]}; all float64.
With [wires] the exact circuit of each array is solved. Drivers follow x without rounding and clip at the range
of the DAC; without a range, full scale is the largest |x|. tile counts along the inputs, then along the
outputs. Noise of products and ADCs are left out. slice: of sliced weights. phase: a read phase of serial or
one-sided inputs, in which drivers apply the DAC's codes, v_read at the largest; full_scale is then below 0 for
negative inputs. Several devices per polarity are shown as their sum, and 'minus' of an offset mapping has one
output or none.

Raises ValueError for a tile, slice, phase or shape that does not exist, a number that is not finite, or several
devices per polarity behind wires.

Example:
    >>> import numpy as np
    >>> import meltquench as mq
    >>> tile = mq.Tile(np.ones((4, 8)), "ideal", hardware={"wires": {"word_line": "10 ohm"}})
    >>> plus = tile.inspect(np.ones(8), v_read="0.2 V")["plus"]
    >>> plus["word_voltages"].shape, bool((plus["word_voltages"] < 0.2).all())
    ((4, 8), True)
)";

constexpr const char* kCodeHistograms =
    R"(code_histograms(self, x, *, first_row=0, call=None)
--

The product mvm(x, first_row=first_row, call=call), and how often its ADCs gave each code.

A dict: 'y' [..., out], float32, as mvm gives it; 'codes' [2 L + 1]: -L to L, L = 2^(adc_bits - 1) - 1; 'counts'
[tile rows, tile columns, planes, phases, 2 L + 1], int64; 'clipped' (int64) and 'clipped_share' of conversions
beyond the range, and 'range', the |y| of code L in weight units, each [tile rows, tile columns, planes, phases];
'planes': their names, one per difference of cells, or two where plus and minus are converted apart. Phases that
are added before the ADC are one. It is a product like others, for counters too, but takes longer.

Raises ValueError with an ideal ADC, else as mvm.

Example:
    >>> import numpy as np
    >>> import meltquench as mq
    >>> tile = mq.Tile(np.eye(2), "ideal", adc_bits=3, adc_range=1.0)
    >>> found = tile.code_histograms([[1.0, 0.0], [2.0, -0.4]])
    >>> dict(zip(found["codes"].tolist(), found["counts"][0, 0, 0, 0].tolist()))
    {-3: 0, -2: 0, -1: 1, 0: 1, 1: 0, 2: 0, 3: 2}
    >>> found["clipped_share"].tolist()
    [[[[0.25]]]]
)";

constexpr const char* kPlot =
    R"(plot(self, x, *, what='plus', tile=0, v_read=0.2, slice=0, phase=None)
--

A picture as SVG text: write it to a file, or show it with IPython.display.SVG.

what: 'plus' or 'minus', heatmaps of the cells of one tile for one vector x[inputs of the tile]: conductance, cell
current, IR drop, word and bit lines, as inspect() gives them, but for what is 0 without wires; 'codes', histograms
of the ADC codes of one tile for x[batch, in], one per conversion; 'clips', the share of clipped conversions of
every tile. More than 256 lines are drawn by their mean, IR drop by the largest, which the picture states.

Raises ValueError as inspect() or code_histograms(), and for another picture.

Example:
    >>> import numpy as np
    >>> import meltquench as mq
    >>> tile = mq.Tile(np.ones((4, 8)), adc_bits=6, adc_range=8.0)
    >>> tile.plot(np.ones(8))[:4], tile.plot(np.ones((9, 8)), what="codes")[:4]
    ('<svg', '<svg')
)";

constexpr const char* kSave =
    R"(save(self, path)
--

Writes cells, clock, counters, ranges and hardware to an HDF5 file, whole or not at all. Raises OSError.

Example:
    >>> import os, tempfile
    >>> import numpy as np
    >>> import meltquench as mq
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mq.Tile(np.eye(4), seed=7).save(os.path.join(folder, "tile.h5"))
    ...     mq.Tile.load(os.path.join(folder, "tile.h5")).shape
    (4, 4)
)";

constexpr const char* kLoad =
    R"(load(path, *, threads=1, backend='cpu')
--

The tile that save() wrote: it goes on as if it had never been away, its noise included.

Raises FileNotFoundError if there is no such file, OSError if it is damaged or holds something else.

Example: see save().
)";

template <class Member>
void property(py::class_<PyTile>& type, const char* name, Member member, const char* doc) {
  type.def_property_readonly(name, member, doc);
}

std::unique_ptr<PyTile> make_tile(const py::object& W, const py::object& device, const py::kwargs& given) {
  std::vector<std::string> known = hardware_keywords();
  known.insert(known.end(), {"W", "device", "seed", "threads", "backend"});
  check_keywords("Tile", given, known);
  const auto keyword = [&](const char* name, py::object standard) {
    return given.contains(name) ? py::object(given[name]) : std::move(standard);
  };
  const FloatArray matrix = float_matrix(W, "W", "[out, in]");
  const RunKeywords run = RunKeywords::from(keyword("seed", py::int_(0)), keyword("threads", py::int_(1)),
                                            keyword("backend", py::str("cpu")));
  const MatrixView<const float> w = view(matrix);
  const Hardware hardware = hardware_from(
      device, given,
      {.rows = std::max<std::size_t>(w.columns, 1), .columns = std::max<std::size_t>(w.rows, 1)});
  const std::string label =
      py::isinstance<py::str>(device) ? device.cast<std::string>() : std::string(model_name(hardware.device));
  auto tile =
      with_keywords([&] { return std::make_unique<PyTile>(run, hardware, label, w.rows, w.columns); });
  tile->program(matrix);
  return tile;
}

/// The file of save() as bytes, where it is computed, and what a subclass has added.
py::tuple state_of(const py::object& self) {
  auto& tile = self.cast<PyTile&>();
  const py::object more = py::getattr(self, "__dict__", py::dict());
  return py::make_tuple(tile.bytes(), tile.keywords().threads, tile.keywords().backend, more);
}

std::pair<std::unique_ptr<PyTile>, py::dict> tile_of(const py::tuple& state) {
  if (state.size() != 4 || !py::isinstance<py::bytes>(state[0]) || !py::isinstance<py::dict>(state[3]))
    throw ConfigError(
        "the state of a pickled Tile is not as this Meltquench writes it; save() the tile instead");
  return {PyTile::from_bytes(state[0], state[1], state[2]), py::dict(state[3])};
}

}  // namespace

void bind_tile(py::module_& module) {
  py::class_<PyTile> type(module, "Tile", kTile);
  type.attr("__module__") = "meltquench";
  type.def(py::init(&make_tile), init_doc().c_str(), py::arg("W"), py::arg("device") = "pcm-like");
  type.def(py::init([](const py::args& args, const py::kwargs& given) -> std::unique_ptr<PyTile> {
    const py::object self = py::none();
    throw_misuse(py::type::of<PyTile>().attr("__init__"), "Tile", py::args(py::make_tuple(self) + args),
                 given);
  }));
  type.def(py::pickle([](const py::object& self) { return state_of(self); },
                      [](const py::tuple& state) { return tile_of(state); }));
  type.def(
      "__matmul__", [](PyTile& tile, const py::object& x) { return tile.mvm(x, py::int_(0), py::none()); },
      kMatmul, py::arg("x"));
  type.attr("__array_ufunc__") = py::none();  // array @ tile is a TypeError, not an array of objects
  type.def("mvm", &PyTile::mvm, kMvm, py::arg("x"), py::kw_only(), py::arg("first_row") = 0,
           py::arg("call") = py::none());
  type.def("program", &PyTile::program, kProgram, py::arg("W"));
  type.def("calibrate", &PyTile::calibrate, kCalibrate, py::arg("x"));
  type.def("drift_to", &PyTile::drift_to, kDriftTo, py::arg("time"));
  type.def("compensate_drift", &PyTile::compensate_drift, kCompensate, py::arg("how") = "global");
  type.def("inspect", &PyTile::inspect, kInspect, py::arg("x"), py::kw_only(), py::arg("tile") = 0,
           py::arg("v_read") = 0.2, py::arg("slice") = 0, py::arg("phase") = py::none());
  type.def("code_histograms", &PyTile::code_histograms, kCodeHistograms, py::arg("x"), py::kw_only(),
           py::arg("first_row") = 0, py::arg("call") = py::none());
  type.def("plot", &PyTile::plot, kPlot, py::arg("x"), py::kw_only(), py::arg("what") = "plus",
           py::arg("tile") = 0, py::arg("v_read") = 0.2, py::arg("slice") = 0, py::arg("phase") = py::none());
  type.def("save", &PyTile::save, kSave, py::arg("path"));
  type.def_static("load", &PyTile::load, kLoad, py::arg("path"), py::kw_only(), py::arg("threads") = 1,
                  py::arg("backend") = "cpu");
  type.def("__repr__", &PyTile::repr, "__repr__(self, /)\n--\n\nSize, device, converters, clock and seed.");
  property(type, "shape", &PyTile::shape, "(out, in)");
  property(type, "time", &PyTile::time, "Seconds after the reference read.");
  property(
      type, "weights", &PyTile::weights,
      "Weights [out, in], float32, as a product sees them now: drift, read noise and compensation included.");
  property(type, "target", &PyTile::target, "Weights [out, in], float32, as they were asked for; read-only.");
  property(type, "conductances", &PyTile::conductances,
           "{'plus': [out, in], 'minus': [out, in]}: conductances [S] of both polarities now, read noise "
           "included. With an offset mapping, minus is the reference of each output, or 0 without one.");
  property(type, "counters", &PyTile::counters,
           "What the tiles did so far, as integers: MVMs, conversions, clips, sum of |code|, pulses, verify "
           "steps.");
  property(
      type, "ranges", &PyTile::ranges,
      "{'dac': largest |x|, 'adc': largest |y| of each tile [tile rows, tile columns]}; None: ideal, or "
      "not known yet. With several conversions per tile (planes of weights, then read phases) 'adc' has "
      "an axis for them, and with range_per = 'column' there is 'adc_columns', with an axis for outputs.");
  property(type, "compensation", &PyTile::compensation,
           "Factor of each tile [tile rows of W, tile columns of W]; 1 while drift is not compensated.");
}

}  // namespace mq::python
