#include "meltquench/devices/fit/csv.h"

#include <gtest/gtest.h>

#include <string>

#include "meltquench/core/error.h"
#include "meltquench/core/random.h"

namespace mq {
namespace {

std::string message_of(std::string_view text) {
  try {
    parse_measurements(text, "data.csv");
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

void expect_message(std::string_view text, const std::string& part) {
  const std::string message = message_of(text);
  EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(Csv, TellsTheFourTablesByTheirHeaders) {
  const Measurements drift =
      parse_measurements("cell,target_uS,time_s,g_uS\n3,5,20,4.9\n3,5,200,4.5\n", "a.csv");
  ASSERT_EQ(drift.reads.size(), 2u);
  EXPECT_EQ(drift.reads.cell[1], 3);
  EXPECT_DOUBLE_EQ(drift.reads.target[0], 5e-6);
  EXPECT_DOUBLE_EQ(drift.reads.age[1], 200.0);
  EXPECT_DOUBLE_EQ(drift.reads.g[1], 4.5e-6);
  EXPECT_EQ(drift.files, std::vector<std::string>{"a.csv"});

  EXPECT_EQ(parse_measurements("g_S,target_S,cell\n1e-6,2e-6,0\n", "b").programmed.size(), 1u);
  const Measurements pulses = parse_measurements("cell,pulse,direction,g_nS\n0,0,up,100\n0,1,down,90\n", "c");
  ASSERT_EQ(pulses.pulses.size(), 2u);
  EXPECT_EQ(pulses.pulses.direction[1], -1);
  EXPECT_EQ(pulses.pulses.sequence[1], 0);
  const Measurements spectra = parse_measurements("g_uS;frequency_Hz;psd_uS2_per_Hz\n1;10;2e-6\n", "d");
  ASSERT_EQ(spectra.spectra.size(), 1u);
  EXPECT_DOUBLE_EQ(spectra.spectra.density[0], 2e-18);
}

TEST(Csv, TakesTheAgeOfACellFromTwoClocks) {
  const Measurements all =
      parse_measurements("cell,target_S,programmed_at_s,read_at_min,g_S\n0,1e-6,30,2,1e-6\n", "a");
  EXPECT_DOUBLE_EQ(all.reads.age.at(0), 90.0);
  expect_message("cell,target_S,programmed_at_s,read_at_s,g_S\n0,1e-6,130,120,1e-6\n",
                 "data.csv:2:4: the cell was read before it was programmed");
}

TEST(Csv, SkipsCommentsEmptyLinesAndTheMarksOfSpreadsheets) {
  const Measurements all = parse_measurements(
      "\xef\xbb\xbf# lot 7\r\n\"cell\",\"target_uS\", g_uS \r\n\r\n# good ones\r\n0, 5.0 "
      ",4.8\r\n1,5.0,+5.1\r\n,,\r\n",
      "a");
  ASSERT_EQ(all.programmed.size(), 2u);
  EXPECT_DOUBLE_EQ(all.programmed.g[1], 5.1e-6);
}

TEST(Csv, SaysWhereATableIsWrongAndWhatToDo) {
  expect_message("", "data.csv holds no table; its header must be like cell,target_uS,time_s,g_uS");
  expect_message("cell,target,g_uS\n",
                 "data.csv:1:2: the column 'target' has no unit; write it behind the name, like "
                 "target_uS");
  expect_message("cell,targt_uS,g_uS\n",
                 "data.csv:1:2: the column 'targt_uS' is not known; did you mean target_uS?");
  expect_message("cell,cell,g_uS\n", "data.csv:1:2: the column of cell is there twice");
  expect_message("cell,g_uS\n", "data.csv:1:1: these columns make no table that is known");
  expect_message("cell,target_uS,g_uS\n", "data.csv has a header and no rows; was the file cut off?");
  expect_message("cell,target_uS,g_uS\n0,5\n", "data.csv:2:3: there are 2 fields where the header has 3");
  expect_message(
      "cell,target_uS,g_uS\n0,5,four\n",
      "data.csv:2:3: 'four' in the column of g is no finite number; write a decimal number with a point");
  expect_message("cell,target_uS,g_uS\n0,5,nan\n", "is no finite number");
  expect_message("cell,target_uS,g_uS\n0,5,\n", "data.csv:2:3: an empty field in the column of g");
  expect_message("cell,target_uS,g_uS\n0,5,1e999\n", "is no finite number");
  expect_message("cell,target_uS,g_uS\n0.5,5,1\n",
                 "data.csv:2:1: '0.5' in the column of cell must be a whole number");
  expect_message("cell,target_uS,g_uS\n0,-5,1\n", "a target cannot be negative");
  expect_message("cell,target_uS,time_s,g_uS\n0,5,0,1\n", "data.csv:2:3: the time of a read must be above 0");
  expect_message("cell,pulse,direction,g_uS\n0,1,left,1\n",
                 "data.csv:2:3: 'left' is no direction; write up or down");
  expect_message("g_uS,frequency_Hz,psd_S2_per_Hz\n1,0,1\n", "data.csv:2:2: a frequency must be above 0");
  EXPECT_THROW(load_measurements("no/such/file.csv"), MissingError);
}

TEST(Csv, RefusesWhatNoCellCanShow) {
  const std::string time = "cell,target_uS,time_s,g_uS\n";
  expect_message(time + "0,5,20,9.91E+37\n",
                 "data.csv:2:4: '9.91E+37' in the column of g is what instruments");
  expect_message(time + "0,9.9e37,20,4\n",
                 "data.csv:2:2: '9.9e37' in the column of target is what instruments");
  expect_message(time + "0,5,1e38,4\n", "'1e38' in the column of time is what instruments");
  expect_message(time + "0,5,20,OVLD\n", "'OVLD' in the column of g is no finite number");
  expect_message(
      "cell,target_S,time_s,g_S\n0,6,30,6.86\n",
      "data.csv:2:2: target = 6 S is out of range: no device has a g_max above 1 mS; is the column in "
      "another unit than its name says?");
  expect_message(time + "0,5,30,6861684\n", "data.csv:2:4: g = 6.861684 S is out of range");
  expect_message(time + "0,5,30,-6861684\n", "g = -6.861684 S is out of range");
  expect_message(time + "0,5,3e13,4\n", "data.csv:2:3: time = ");
  expect_message("cell,target_S,programmed_at_s,read_at_s,g_S\n0,1e-6,1.7e12,1.71e12,1e-6\n",
                 "data.csv:2:4: read_at = ");
  expect_message("g_uS,frequency_kHz,psd_uS2_per_Hz\n1,1e12,1\n", "data.csv:2:2: frequency = ");
  expect_message("cell,pulse,g_S\n0,0,1.9\n", "data.csv:2:3: g = 1.9 S is out of range");
}

TEST(Csv, SeesWhereTheFileWasCutOff) {
  std::string text = "cell,target_uS,time_s,g_uS\n";
  for (int i = 0; i < 20; ++i) text += std::to_string(i) + ",5,20,4.91820" + std::to_string(i % 10) + "\n";
  EXPECT_EQ(parse_measurements(text, "a").reads.size(), 20u);
  text.pop_back();
  EXPECT_EQ(parse_measurements(text, "a").reads.size(), 20u);
  for (std::size_t lost = 1; lost <= 15; ++lost) {
    expect_message(std::string_view(text).substr(0, text.size() - lost), "was the file cut off?");
  }
}

TEST(Csv, RefusesACellWithTwoTargets) {
  const Measurements all =
      parse_measurements("cell,target_uS,time_s,g_uS\n7,5,20,4.9\n7,6,200,4.5\n", "a.csv");
  try {
    by_cell(all.reads);
    FAIL();
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("cell 7 has two targets, 5 uS and 6 uS"), std::string::npos)
        << error.what();
  }
}

TEST(Csv, CountsCellsOfFurtherFilesOn) {
  Measurements all = parse_measurements("cell,target_uS,g_uS\n0,5,4\n1,5,5\n", "a.csv");
  all.append(parse_measurements("cell,target_uS,g_uS\n0,6,4\n5,6,5\n", "b.csv"));
  EXPECT_EQ(all.programmed.cell, (std::vector<std::int64_t>{0, 1, 2, 7}));
  EXPECT_EQ(by_cell(all.programmed).cells(), 4u);
}

TEST(Csv, SurvivesFlippedBytes) {
  const std::string good[] = {
      "cell,target_uS,time_s,g_uS\n0,5,20,4.9\n0,5,200,4.5\n1,7.5,20,7.1\n1,7.5,200,6.5\n",
      "cell;sequence;pulse;direction;g_uS\n0;0;0;up;0.1\n0;0;1;up;1.2\n0;0;2;down;0.9\n",
      "# spectra\ng_uS\tfrequency_kHz\tpsd_uS2_per_Hz\n10\t1\t1e-6\n10\t2\t5e-7\n"};
  const RngKey key(4, Purpose::sampling);
  int refused = 0;
  for (std::uint32_t trial = 0; trial < 6000; ++trial) {
    std::string text = good[trial % 3];
    Rng<float> rng(key, trial);
    for (int flips = 1 + int(rng.uniform() * 4.0f); flips > 0; --flips) {
      const auto at = static_cast<std::size_t>(rng.uniform() * float(text.size()));
      const auto what = rng.uniform();
      if (what < 0.4f) text[at] = static_cast<char>(rng.uniform() * 255.0f);
      if (what >= 0.4f && what < 0.6f) text.erase(at, 1 + std::size_t(rng.uniform() * 6.0f));
      if (what >= 0.6f && what < 0.8f) text.insert(at, text.substr(at / 2, 5));
      if (what >= 0.8f) text[at] = ",;\t\n-e.\"0"[std::size_t(rng.uniform() * 9.0f)];
      if (text.empty()) text = "x";
    }
    try {
      const Measurements all = parse_measurements(text, "flipped");
      EXPECT_EQ(all.reads.g.size(), all.reads.cell.size());
      EXPECT_EQ(all.pulses.g.size(), all.pulses.direction.size());
      by_cell(all.reads);
    } catch (const DataError& error) {
      ++refused;
      EXPECT_GT(std::string(error.what()).size(), 20u);
    }
  }
  EXPECT_GT(refused, 2000);
  EXPECT_LT(refused, 6000);
}

}  // namespace
}  // namespace mq
