#include <gtest/gtest.h>

#include "program_run.h"

namespace mq {
namespace {

/// Cells that hold exactly what is written: 0 to 100 uS for weights 0 to 1.
constexpr const char* kIdeal = R"(device = { model = "ideal", g_min = "0 S", g_max = "100 uS" }
[wires]
word_line = "1 Ohm"
bit_line = "2 Ohm"
)";

TEST(NetlistCommand, WritesTheCellsOfATableThatNgspiceComputes) {
  const Workplace here;
  here.write("ideal.toml", kIdeal);
  here.write("w.txt", "# two outputs\n1.0, -0.5, 0.25\n0 1 0\n");
  const Ended ended = here.run({"netlist", "ideal.toml", "--weights", "w.txt", "--input", "1,0.5,-1", "-o",
                                "a.cir", "--set", "wires.word_line=0 Ohm", "--set", "wires.bit_line=0 Ohm"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.out, "a.cir\n");
  const std::string text = here.read("a.cir");
  EXPECT_NE(text.find("layer weights, tile 0, plus cells"), std::string::npos) << text;
  const Ended spice = here.shell("ngspice -b a.cir");
  ASSERT_EQ(spice.code, 0) << "ngspice failed; apt-get install ngspice brings it\n" << spice.out << spice.err;
  // 0.2 V on 100 uS and -0.2 V on 25 uS; 0.1 V on 100 uS
  const auto current = [&](const std::string& name) {
    const std::size_t place = spice.out.find(name + " = ");
    return place == std::string::npos ? 0.0 : std::stod(spice.out.substr(place + name.size() + 3));
  };
  EXPECT_NEAR(current("i(vout0)"), 15e-6, 1e-12) << spice.out;
  EXPECT_NEAR(current("i(vout1)"), 10e-6, 1e-12) << spice.out;
}

TEST(NetlistCommand, TakesWiresCurrentAndTopologyFromItsConfig) {
  const Workplace here;
  here.write("ideal.toml", kIdeal);
  here.write("w.txt", "1.0 -0.5\n0 1\n");
  const Ended driven = here.run({"netlist", "ideal.toml", "--weights", "w.txt", "--array", "minus", "--set",
                                 "current.law=sinh", "--input", "ones", "--set", "dac.v_read=100 mV"});
  ASSERT_EQ(driven.code, 0) << driven.err;
  EXPECT_NE(driven.out.find("Vin0 in0 0 0.1\n"), std::string::npos) << driven.out;
  EXPECT_NE(driven.out.find("Rb0_0 b0_0 b0_1 2\n"), std::string::npos) << driven.out;
  EXPECT_NE(driven.out.find("sinh(v(w1_0,b0_1)/0.25)"), std::string::npos) << driven.out;
  const Ended gated =
      here.run({"netlist", "ideal.toml", "--weights", "w.txt", "--topology", "gated", "--input", "1,0"});
  ASSERT_EQ(gated.code, 0) << gated.err;
  EXPECT_NE(gated.out.find("Rs0_0 s0_0 s0_1 1\n"), std::string::npos) << gated.out;
  EXPECT_EQ(gated.out.find("Rc1_1"), std::string::npos) << "input 1 is closed: " << gated.out;
}

TEST(NetlistCommand, WritesTilesOfTheChipsOfARun) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  ASSERT_EQ(here.run({"run", "tiny.toml", "-q"}).code, 0);
  const std::vector<std::string> call = {"netlist", "tiny.toml", "--tile", "1",
                                         "--chip",  "1",         "--time", "1 h"};
  const Ended first = here.run(call);
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_NE(first.out.find("[16 outputs, 44 inputs]"), std::string::npos)
      << "144 inputs, 100 word lines each";
  EXPECT_EQ(first.out, here.run(call).out);
  EXPECT_NE(first.out, here.run({"netlist", "tiny.toml", "--tile", "1", "--time", "1 h"}).out);
}

TEST(NetlistCommand, HasTheSpareLinesOfTheArraysAndTheReferenceColumn) {
  const Workplace here;
  here.write("ideal.toml", kIdeal);
  here.write("w.txt", "1.0 -0.5\n0 1\n");
  const std::vector<std::string> call = {"netlist",   "ideal.toml",
                                         "--weights", "w.txt",
                                         "--input",   "1,0.5",
                                         "--set",     "tile.spare_rows=2",
                                         "--set",     "tile.spare_columns=1",
                                         "--set",     "mapping.kind=offset",
                                         "--set",     "mapping.zero=reference-column"};
  const Ended ended = here.run(call);
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.out.find("[4 outputs, 4 inputs]"), std::string::npos) << ended.out;
  EXPECT_NE(ended.out.find("outputs on bit lines 0 1; inputs on word lines 0 1"), std::string::npos);
  EXPECT_NE(ended.out.find("Vin1 in1 0 0.1\nVin2 in2 0 0\nVin3 in3 0 0\n"), std::string::npos) << ended.out;
  EXPECT_NE(ended.out.find("Rc3_1"), std::string::npos) << "the reference column: " << ended.out;
  std::vector<std::string> minus = call;
  minus.insert(minus.end(), {"--array", "minus"});
  EXPECT_NE(here.run(minus).err.find("the reference column of layer weights is the last bit line of the plus "
                                     "side; take the plus side"),
            std::string::npos);
}

TEST(NetlistCommand, SaysWhatIsWrong) {
  const Workplace here;
  here.write("ideal.toml", kIdeal);
  here.write("w.txt", "1.0 -0.5\n0 1\n");
  here.write("cut.txt", "1.0 -0.5\n0\n");
  here.write("word.txt", "1.0 x\n");
  const auto says = [&](std::vector<std::string> options, int code, const std::string& sentence) {
    options.insert(options.begin(), {"netlist", "ideal.toml"});
    const Ended ended = here.run(options);
    EXPECT_EQ(ended.code, code) << ended.err;
    EXPECT_EQ(ended.out, "");
    EXPECT_NE(ended.err.find(sentence), std::string::npos) << ended.err;
  };
  says({"--weights", "w.txt", "--tile", "1"}, 2, "layer weights has 1 tiles, 0 to 0; there is no tile 1");
  says({"--weights", "w.txt", "--input", "1"}, 2, "--input lists 1 values, but the tile has 2 inputs");
  says({"--weights", "w.txt", "--input", "1,2"}, 2, "--input: 2 is outside of [-1, 1]");
  says({"--weights", "w.txt", "--topology", "gated", "--input", "1,0.5"}, 2, "gates are 0 or 1");
  says({"--weights", "cut.txt"}, 1, "cut.txt:2:2: there are 1 fields where the first row has 2");
  here.write("comma.txt", "0,5;-1,0\n1,0;0,25\n");
  says({"--weights", "comma.txt"}, 1, "comma.txt:1:1: '0,5' has a decimal comma");
  here.write("gap.txt", "0.5,,1\n0.25,,0.75\n");
  says({"--weights", "gap.txt"}, 1, "gap.txt:1:2: an empty field");
  says({"--weights", "word.txt"}, 1, "word.txt:1:2: 'x' is no finite number");
  says({"--weights", "w.txt", "--set", "wires.word=1"}, 2, "wires.word");
  says({"--set", "data.name=synthetic", "--set", "model.layers=[8]", "--set", "train.epochs=1", "--layer",
        "fx1"},
       2, "the network has no layer 'fx1'");
}

}  // namespace
}  // namespace mq
