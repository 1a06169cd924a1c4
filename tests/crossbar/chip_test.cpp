#include "meltquench/crossbar/chip.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "arrays.h"

namespace mq {
namespace {

namespace fs = std::filesystem;
const Exec kExec;

/// A folder of its own that disappears with the test.
class ChipFiles : public testing::Test {
 protected:
  ChipFiles() : folder_(fs::temp_directory_path() / ("mq_chip_" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~ChipFiles() override { fs::remove_all(folder_); }
  fs::path file(const char* name) const { return folder_ / name; }

 private:
  fs::path folder_;
};

const std::vector<LayerShape> kLayers{{"fc1", 12, 20}, {"fc2", 5, 12}};

Hardware small_hardware() {
  Hardware h = ideal_io("hermes-2", 16, 8);
  h.dac = {.bits = 8, .range = 1.0};
  h.adc = {.bits = 8, .range = 6.0};
  h.tile.output_noise = 0.02f;
  return h;
}

Chip make_chip(std::uint64_t seed = 3, std::uint32_t id = 1) {
  return Chip(kExec, HardwareConfig(small_hardware()), kLayers, seed, id);
}

void program(Chip& chip) {
  const std::vector<float> fc1 = uniforms(12 * 20, 1), fc2 = uniforms(5 * 12, 2);
  chip.program(kExec, {matrix(fc1, 12), matrix(fc2, 5)});
}

std::vector<float> outputs(Chip& chip) {
  std::vector<float> y = product(chip.array(0), kExec, uniforms(6 * 20, 5));
  const std::vector<float> other = product(chip.array(1), kExec, uniforms(6 * 12, 6));
  y.insert(y.end(), other.begin(), other.end());
  return y;
}

std::string bytes_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_bytes(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

TEST_F(ChipFiles, AChipComesBackAsItWasAndAgesOn) {
  Chip chip = make_chip();
  program(chip);
  chip.advance_to(kExec, kHour);
  chip.compensate_drift(DriftCompensation::global);
  const std::vector<float> before = outputs(chip);
  chip.save(file("chip.h5"));

  Chip loaded = make_chip();
  loaded.load(kExec, file("chip.h5"));
  EXPECT_EQ(loaded.time(), kHour);
  EXPECT_EQ(loaded.counters(), chip.counters());
  EXPECT_EQ(loaded.array(0).compensation(), chip.array(0).compensation());
  loaded.save(file("again.h5"));
  EXPECT_EQ(bytes_of(file("again.h5")), bytes_of(file("chip.h5")));
  EXPECT_EQ(outputs(loaded), before);

  for (Chip* c : {&chip, &loaded}) {
    c->advance_to(kExec, kYear);
    c->compensate_drift(DriftCompensation::global);
  }
  EXPECT_EQ(outputs(loaded), outputs(chip));
  program(chip);
  program(loaded);
  EXPECT_EQ(outputs(loaded), outputs(chip)) << "the next writing draws the same noise";
}

TEST_F(ChipFiles, AnUnprogrammedChipStaysUnprogrammed) {
  make_chip().save(file("blank.h5"));
  Chip loaded = make_chip();
  loaded.load(kExec, file("blank.h5"));
  EXPECT_THROW(outputs(loaded), StateError);
}

TEST_F(ChipFiles, RangesAreInTheFile) {
  Hardware h = small_hardware();
  h.dac.range.reset();
  h.adc.range.reset();
  const HardwareConfig config(h);
  Chip chip(kExec, config, kLayers, 3, 1), loaded(kExec, config, kLayers, 3, 1);
  chip.set_ranges({{1.5f, std::vector<float>(chip.array(0).grid().size(), 4.0f)},
                   {0.5f, std::vector<float>(chip.array(1).grid().size(), 2.0f)}});
  program(chip);
  chip.save(file("chip.h5"));
  loaded.load(kExec, file("chip.h5"));
  EXPECT_EQ(loaded.array(0).ranges().dac, 1.5f);
  EXPECT_EQ(loaded.array(1).ranges().adc, chip.array(1).ranges().adc);
  EXPECT_EQ(outputs(loaded), outputs(chip));
}

TEST_F(ChipFiles, AnotherChipIsRefused) {
  Chip chip = make_chip();
  program(chip);
  chip.save(file("chip.h5"));
  Hardware other = small_hardware();
  other.adc.bits = 7;
  Chip others[] = {make_chip(4, 1), make_chip(3, 2), Chip(kExec, HardwareConfig(other), kLayers, 3, 1),
                   Chip(kExec, HardwareConfig(small_hardware()), {{"fc1", 12, 20}, {"fc3", 5, 12}}, 3, 1)};
  for (Chip& c : others) {
    EXPECT_EQ(message_of([&] { c.load(kExec, file("chip.h5")); }),
              file("chip.h5").string() +
                  " holds another chip: its hardware, layers, seed or id differ; load it with the "
                  "config it was saved with");
  }
  Chip larger(kExec, HardwareConfig(small_hardware()), {{"fc1", 12, 20}, {"fc2", 6, 12}}, 3, 1);
  EXPECT_THROW(larger.load(kExec, file("chip.h5")), DataError);
}

TEST_F(ChipFiles, TruncatedForeignAndMissingFilesAreErrors) {
  Chip chip = make_chip();
  program(chip);
  chip.save(file("chip.h5"));
  const std::string bytes = bytes_of(file("chip.h5"));
  for (const std::size_t size :
       {std::size_t(0), std::size_t(100), std::size_t(512), bytes.size() / 2, bytes.size() - 1}) {
    write_bytes(file("part.h5"), bytes.substr(0, size));
    Chip loaded = make_chip();
    EXPECT_THROW(loaded.load(kExec, file("part.h5")), DataError) << size;
  }
  write_bytes(file("text.h5"), "this is no chip\n");
  Chip loaded = make_chip();
  EXPECT_THROW(loaded.load(kExec, file("text.h5")), DataError);
  EXPECT_THROW(loaded.load(kExec, file("nowhere.h5")), MissingError);
}

TEST_F(ChipFiles, FlippedBytesAreAnErrorAndNeverACrash) {
  Chip chip = make_chip();
  program(chip);
  chip.save(file("chip.h5"));
  const std::string bytes = bytes_of(file("chip.h5"));
  int refused = 0;
  for (std::uint32_t n = 0; n < 300; ++n) {
    const auto random = philox(n, 0, 0, 0, 12345);
    std::string damaged = bytes;
    for (std::uint32_t flip = 0; flip <= random.w[0] % 3; ++flip) {
      damaged[random.w[1 + flip] % bytes.size()] ^= static_cast<char>(1u << (random.w[0] >> 8) % 8);
    }
    write_bytes(file("damaged.h5"), damaged);
    Chip loaded = make_chip();
    try {
      loaded.load(kExec, file("damaged.h5"));
      EXPECT_EQ(outputs(loaded).size(), outputs(chip).size());
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 290);
}

TEST_F(ChipFiles, AFileWithoutWhatAChipNeedsIsAnError) {
  Chip chip = make_chip();
  program(chip);
  chip.save(file("chip.h5"));
  const std::string identity = H5Reader(file("chip.h5"), "chip", 3).read_text("/identity");
  {
    H5Writer hollow(file("hollow.h5"), "chip", 3);
    hollow.write_text("/identity", identity);
    hollow.commit();
  }
  Chip loaded = make_chip();
  EXPECT_THROW(loaded.load(kExec, file("hollow.h5")), DataError);
}

TEST(Chip, TheSameIdHasTheSameBitsWhateverElseWasMade) {
  Chip first = make_chip(3, 7);
  program(first);
  Chip between = make_chip(3, 8);
  program(between);
  Chip second = make_chip(3, 7);
  program(second);
  EXPECT_EQ(outputs(first), outputs(second));
}

TEST(Chip, ChipsLayersAndSeedsAreIndependent) {
  // Errors of 64 x 64 cells of one target: correlation of neighbours within five standard errors of 4096
  // pairs.
  const std::vector<LayerShape> layers{{"a", 64, 64}, {"b", 64, 64}};
  const std::vector<float> w(64 * 64, 0.5f);
  const auto errors = [&](std::uint64_t seed, std::uint32_t id, std::size_t layer) {
    Chip chip(kExec, HardwareConfig(ideal_io("pcm-like", 64, 64)), layers, seed, id);
    chip.array(0).program(kExec, matrix(w, 64));
    chip.array(1).program(kExec, matrix(w, 64));
    std::vector<double> e = chip.array(layer).read_weights(kExec);
    double mean = 0.0, square = 0.0;
    for (const double v : e) mean += v / 4096.0;
    for (const double v : e) square += std::pow(v - mean, 2) / 4096.0;
    for (double& v : e) v = (v - mean) / std::sqrt(square);
    return e;
  };
  const std::vector<double> own = errors(1, 0, 0);
  for (const auto& other : {errors(1, 1, 0), errors(2, 0, 0), errors(1, 0, 1)}) {
    double correlation = 0.0;
    for (std::size_t i = 0; i < 4096; ++i) correlation += own[i] * other[i] / 4096.0;
    EXPECT_NEAR(correlation, 0.0, 5.0 / 64.0);
  }
}

TEST(Chip, ARuleThatMatchesNoLayerIsRefused) {
  Value config = Value::table();
  Value rule = Value::table();
  rule.set_key("match", "conv*");
  config.set_key("layer", Value::Array{rule});
  const HardwareConfig hardware = HardwareConfig::from_value(config);
  EXPECT_EQ(message_of([&] { Chip(kExec, hardware, kLayers, 1, 0); }),
            "the layer rule match = \"conv*\" matches no layer; known are fc1 and fc2");
}

}  // namespace
}  // namespace mq
