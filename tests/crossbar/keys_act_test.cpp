/// Every key of these sections changes what a tile does, where it acts: a key that is read and then forgotten
/// fails here.
#include <functional>
#include <set>

#include "arrays.h"
#include "meltquench/core/config.h"

namespace mq {
namespace {

const Exec kExec;
constexpr std::size_t kOutputs = 12, kInputs = 24, kSamples = 16;

Hardware hardware_of(const std::string& context, const std::string& key) {
  return HardwareConfig::from_value(parse_toml(context + "\n" + key, "keys")).everywhere();
}

void append_counters(const Counters& counters, std::vector<double>& to) {
  const Value table = to_value(counters);
  for (const Value::Entry& entry : table.as_table())
    to.push_back(static_cast<double>(entry.value.as_integer()));
}

void append(const std::vector<float>& from, std::vector<double>& to) {
  to.insert(to.end(), from.begin(), from.end());
}

Ranges found_ranges(const TileGrid& grid, const Hardware& hardware, const std::vector<float>& x,
                    const std::vector<float>& w) {
  RangeFinder finder(grid, hardware);
  for (int look = 0; look < finder.looks(); ++look) {
    if (look > 0) finder.look_again();
    finder.look_at(kExec, {x.data(), kSamples, kInputs}, matrix(w, kOutputs));
  }
  return finder.ranges();
}

/// What there is to see of an array from its calibration to its second day.
std::vector<double> life_of(const Hardware& hardware) {
  const std::vector<float> w = uniforms(kOutputs * kInputs, 1), x = uniforms(kSamples * kInputs, 2);
  const TileGrid grid = tile_grid(hardware.tile, kOutputs, kInputs);
  TileArray array(kExec, hardware, {.seed = 3}, kOutputs, kInputs);
  const Ranges ranges = found_ranges(grid, hardware, x, w);
  array.set_ranges(ranges);
  array.program(kExec, matrix(w, kOutputs));
  std::vector<double> seen{ranges.dac};
  append(ranges.adc, seen);
  append(ranges.columns, seen);
  for (const double time : {10.0, kDay, kDay + 10.0}) {
    array.advance_to(kExec, time);
    append(product(array, kExec, x), seen);
  }
  const std::vector<double> weights = array.read_weights(kExec);
  seen.insert(seen.end(), weights.begin(), weights.end());
  append_counters(array.counters(), seen);
  return seen;
}

/// A key, a value other than its default, and what must hold for it to act.
struct Key {
  const char *name, *value, *context;
};

constexpr const char* kAdc = "adc.bits = 6";
constexpr const char* kStages = "adc.bits = 6\nadc.kind = \"pipeline\"";
constexpr const char* kNonlinear = "current.law = \"sinh\"";
constexpr const char* kCorrelated = "cell_noise.correlated = true";
constexpr const char* kTelegraph = "cell_noise.correlated = true\ncell_noise.telegraph_share = 0.8";
constexpr const char* kVerified = "programming.method = \"write-verify\"";
constexpr const char* kWorn = "faults.endurance = 1000\nfaults.past_pulses = 900";

const Key kKeys[] = {
    {"adc.kind", "\"cco\"", kAdc},
    {"adc.bits", "6", ""},
    {"adc.range", "1.5", kAdc},
    {"adc.range_per", "\"column\"", kAdc},
    {"adc.range_from", "\"least-error\"", kAdc},
    {"adc.percentile", "80", "adc.bits = 6\nadc.range_from = \"percentile\""},
    {"adc.offset", "1.0", kAdc},
    {"adc.gain_error", "0.1", kAdc},
    {"adc.inl", "2.0", kAdc},
    {"adc.mismatch", "0.2", "adc.bits = 6\nadc.kind = \"ramp\""},
    {"adc.mismatch", "0.2", "adc.bits = 6\nadc.kind = \"sar\""},
    {"adc.mismatch", "0.2", "adc.bits = 6\nadc.kind = \"cco\""},
    {"adc.mismatch", "0.2", kStages},
    {"adc.mismatch", "0.2", "adc.bits = 6\nadc.kind = \"cyclic\""},
    {"adc.noise", "1.0", kAdc},
    {"adc.stochastic", "true", kAdc},
    {"adc.stochastic", "true", "adc.bits = 6\nadc.kind = \"cco\""},
    {"adc.compression", "0.3", "adc.bits = 6\nadc.kind = \"cco\""},
    {"adc.stage_bits", "\"1\"", "adc.bits = 6\nadc.kind = \"pipeline\"\nadc.comparator = 0.1"},
    {"adc.op_amp_gain", "20", kStages},
    {"adc.comparator", "0.2", kStages},
    {"adc.bound_management", "\"iterative\"", "adc.bits = 6\nadc.range = 0.5"},
    {"adc.bound_rounds", "1", "adc.bits = 6\nadc.range = 0.3\nadc.bound_management = \"iterative\""},

    {"dac.bits", "5", ""},
    {"dac.v_read", "0.4", kNonlinear},
    {"dac.coding", "\"duration\"", kNonlinear},
    {"dac.range", "0.5", ""},
    {"dac.scaling", "\"absmax\"", ""},
    {"dac.scale", "0.5", "dac.scaling = \"constant\""},
    {"dac.average_decay", "0.5", "dac.scaling = \"average\""},
    {"dac.input_noise", "0.1", ""},
    {"dac.asymmetry", "0.2", ""},
    {"dac.digit_bits", "1", kAdc},
    {"dac.splits_sign", "true", kAdc},
    {"dac.accumulation", "\"analog\"", "adc.bits = 6\ndac.splits_sign = true"},

    {"periphery.series_resistance", "\"1 kOhm\"", ""},
    {"periphery.offset", "0.1", kAdc},
    {"periphery.s_shape", "0.3", kAdc},
    {"periphery.s_shape_spread", "0.5", "adc.bits = 6\nperiphery.s_shape = 0.3"},
    {"periphery.asymmetry", "0.2", kAdc},
    {"periphery.gain", "1.3", kAdc},
    {"periphery.gain_error", "0.1", kAdc},

    {"cell_noise.correlated", "true", ""},
    {"cell_noise.longest", "\"100 day\"", kCorrelated},
    {"cell_noise.resolution", "\"1 ms\"", kCorrelated},
    {"cell_noise.telegraph_share", "0.8", kCorrelated},
    {"cell_noise.telegraph_amplitude", "10", kTelegraph},
    {"cell_noise.telegraph_spread", "1.5", kTelegraph},
    {"cell_noise.telegraph_fastest", "\"1 s\"", kTelegraph},
    {"cell_noise.telegraph_slowest", "\"10 day\"", kTelegraph},

    {"faults.stuck_low", "0.2", ""},
    {"faults.stuck_high", "0.2", ""},
    {"faults.stuck_random", "0.2", ""},
    {"faults.failing", "0.3", ""},
    {"faults.failing_spread", "0.5", "faults.failing = 0.3"},
    {"faults.endurance", "1", ""},
    {"faults.shape", "1.0", kWorn},
    {"faults.reset_weight", "100", "faults.endurance = 100\nprogramming.method = \"write-verify\""},
    {"faults.worn_low", "0.0", kWorn},
    {"faults.past_pulses", "1000", "faults.endurance = 1000"},

    {"programming.method", "\"write-verify\"", ""},
    {"programming.devices", "2", ""},
    {"programming.fill", "\"equal\"", "programming.devices = 2"},
    {"programming.significance", "4", "programming.devices = 2"},
    {"programming.margin", "0.1", kVerified},
    {"programming.verify_noise", "0.05", kVerified},
    {"programming.read_bits", "4", kVerified},
    {"programming.iterations", "2", kVerified},
    {"programming.gain", "0.2", kVerified},
    {"programming.longest_train", "1", "device = \"gokmen-vlasov\"\nprogramming.method = \"write-verify\""},
    {"programming.v_read", "\"5 V\"", kVerified},
    {"programming.t_read", "\"1 us\"", kVerified},
    {"programming.pulse.top", "2.0", kVerified},
    {"programming.pulse.current_half", "\"250 uA\"", kVerified},
    {"programming.pulse.current_width", "\"60 uA\"", kVerified},
    {"programming.pulse.current_min", "\"310 uA\"", kVerified},
    {"programming.pulse.current_max", "\"310 uA\"", kVerified},
    {"programming.pulse.half_spread", "0.2", kVerified},
    {"programming.pulse.width_spread", "0.5", kVerified},
    {"programming.pulse.cycle_noise", "0.1", kVerified},
    {"programming.pulse.voltage", "\"3 V\"", kVerified},
    {"programming.pulse.width", "\"500 ns\"", kVerified},

    {"tile.rows", "10", ""},
    {"tile.columns", "5", "tile.output_noise = 0.1"},
    {"tile.spare_rows", "8", "faults.stuck_high = 0.1\ntile.remap = \"replace\"\ntile.spare_columns = 1"},
    {"tile.spare_columns", "8", "faults.stuck_high = 0.1\ntile.remap = \"replace\"\ntile.spare_rows = 1"},
    {"tile.remap", "\"permute\"", "faults.stuck_high = 0.1"},
    {"tile.output_noise", "0.1", ""},
    {"tile.read_noise", "0.1", ""},
    {"tile.read_noise_law", "\"constant\"", "tile.read_noise = 0.1"},
    {"tile.pulse_time", "\"20 ns\"", "tile.read_noise_law = \"nanosecond\""},
    {"tile.write_time", "\"1 s\"", ""},
};

TEST(Keys, EachOneActs) {
  for (const Key& key : kKeys) {
    const std::string context = std::string(key.context).find("device =") == std::string::npos
                                    ? std::string("device = \"pcm-like\"\n") + key.context
                                    : key.context;
    const std::string line = std::string(key.name) + " = " + key.value;
    SCOPED_TRACE(line);
    const std::vector<double> without = life_of(hardware_of(context, ""));
    EXPECT_EQ(life_of(hardware_of(context, "")), without) << line << " where nothing changes";
    EXPECT_NE(life_of(hardware_of(context, line)), without) << line << " does nothing where\n" << key.context;
  }
}

TEST(Keys, NoneIsMissingInThisTest) {
  std::set<std::string> tested, there;
  for (const Key& key : kKeys) tested.insert(key.name);
  const std::function<void(const std::string&, const std::vector<FieldInfo>&)> collect =
      [&](const std::string& path, const std::vector<FieldInfo>& infos) {
        for (const FieldInfo& info : infos) {
          if (info.kind == FieldKind::table) {
            collect(path + info.name + ".", info.children);
          } else {
            there.insert(path + info.name);
          }
        }
      };
  collect("adc.", field_infos<AdcParams>());
  collect("dac.", field_infos<DacParams>());
  collect("periphery.", field_infos<PeripheryParams>());
  collect("cell_noise.", field_infos<CellNoiseParams>());
  collect("faults.", field_infos<FaultParams>());
  collect("programming.", field_infos<ProgrammingParams>());
  collect("tile.", field_infos<TileParams>());
  EXPECT_EQ(tested, there);
}

}  // namespace
}  // namespace mq
