#include <gtest/gtest.h>

#include "program_run.h"

namespace mq {
namespace {

TEST(InspectCommand, DrawsATileOfTheChipOfARun) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  const Ended ended = here.run({"inspect", "tiny.toml", "-o", "look", "--samples", "20", "--time", "1 h",
                                "--set", "wires.word_line=1Ohm", "--set", "wires.bit_line=1Ohm"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.out,
            "look/plus.svg\nlook/minus.svg\nlook/codes.svg\nlook/clips.svg\nlook/codes.csv\n"
            "look/conversions.csv\n");
  EXPECT_NE(here.read("look/plus.svg").find("IR drop at the cell"), std::string::npos);
  EXPECT_NE(here.read("look/codes.svg").find("ADC code"), std::string::npos);
  const std::string codes = here.read("look/conversions.csv");
  EXPECT_EQ(codes.substr(0, codes.find('\n')),
            "tile,slice,kind,phase,outputs,range,conversions,clipped,mean_code,codes_used");
  // Noise of equal seeds is equal.
  ASSERT_EQ(here.run({"inspect", "tiny.toml", "-o", "again", "--samples", "20", "--time", "1 h", "--set",
                      "wires.word_line=1Ohm", "--set", "wires.bit_line=1Ohm"})
                .code,
            0);
  EXPECT_EQ(here.read("again/plus.svg"), here.read("look/plus.svg"));
  EXPECT_EQ(here.read("again/codes.csv"), here.read("look/codes.csv"));
}

TEST(InspectCommand, LeavesNothingOfAnEarlierCallAndAllElse) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  ASSERT_EQ(here.run({"inspect", "tiny.toml", "-o", "look", "--samples", "5"}).code, 0);
  here.write("look/notes.txt", "mine");
  const Ended ended = here.run({"inspect", "tiny.toml", "-o", "look", "--samples", "5", "--set", "adc.bits=0",
                                "--set", "mapping.kind=offset"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  std::vector<std::string> left;
  for (const std::string& file : here.files()) {
    if (file.starts_with("look/")) left.push_back(file);
  }
  EXPECT_EQ(left, (std::vector<std::string>{"look/notes.txt", "look/plus.svg"}));
  EXPECT_EQ(ended.out, "look/plus.svg\n");
}

TEST(InspectCommand, SaysWhatThereIsNot) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  const auto error_of = [&](const std::vector<std::string>& options) {
    std::vector<std::string> call = {"inspect", "tiny.toml", "--samples", "5"};
    call.insert(call.end(), options.begin(), options.end());
    const Ended ended = here.run(call);
    EXPECT_EQ(ended.code, 2) << ended.out;
    return ended.err;
  };
  EXPECT_NE(error_of({"--layer", "fc9"}).find("no layer 'fc9'"), std::string::npos);
  EXPECT_NE(error_of({"--tile", "99"}).find("there is no tile 99"), std::string::npos);
  EXPECT_NE(error_of({"--sample", "7"}).find("there is no sample 7"), std::string::npos);
  EXPECT_NE(error_of({"--slice", "1"}).find("there is no slice 1"), std::string::npos);
}

}  // namespace
}  // namespace mq
