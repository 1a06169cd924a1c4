#include "meltquench/core/table_text.h"

#include <gtest/gtest.h>

#include <clocale>
#include <cmath>
#include <string>
#include <vector>

#include "meltquench/core/error.h"
#include "meltquench/core/random.h"

namespace mq {
namespace {

std::vector<double> numbers(std::string_view text, std::size_t rows) {
  const NumberTable table = parse_numbers(text, "w.txt");
  EXPECT_EQ(table.rows, rows) << text;
  return table.values;
}

std::string message_of(std::string_view text) {
  try {
    parse_numbers(text, "w.txt");
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

void expect_message(std::string_view text, const std::string& part) {
  const std::string message = message_of(text);
  EXPECT_NE(message.find(part), std::string::npos) << text << ": " << message;
}

TEST(TableText, SplitsAtTheSeparatorOfTheFirstLineOrAtBlanks) {
  const std::vector<double> expected = {0.5, -1.0, 0.0, 25.0};
  for (const std::string_view text :
       {"0.5,-1\n0,25\n", "0.5;-1\r\n0;25\r\n", "0.5\t-1\n0\t25", " 0.5  -1\n+0 \t 2.5e1\n",
        "0.5, -1\n0 25\n", "\xef\xbb\xbf# by hand\n\n\"0.5\",\"-1\"\n  # more\n 0 , \"25\" \n"}) {
    EXPECT_EQ(numbers(text, 2), expected) << text;
  }
}

TEST(TableText, RefusesDecimalCommasAndMissingFields) {
  expect_message("0,5;-1,0\n1,0;0,25\n", "w.txt:1:1: '0,5' has a decimal comma; write a decimal point");
  expect_message("0,5\t-1,0\n", "w.txt:1:1: '0,5' has a decimal comma");
  expect_message("\"0,5\",\"1,5\"\n", "w.txt:1:1: '0,5' has a decimal comma");
  expect_message("0,5 -1,0\n", "w.txt:1:2: '5 -1' is no finite number");
  expect_message("0.5;1\n0,5\n", "w.txt:2:2: there are 1 fields where the first row has 2");
  expect_message("0.5,,1\n0.25,,0.75\n", "w.txt:1:2: an empty field is no finite number");
  expect_message("1,2,\n", "w.txt:1:3: an empty field");
  expect_message("1,2\n,\n", "w.txt:2:1: an empty field");
  expect_message("1\t2\n\t\n", "w.txt:2:1: an empty field");
  expect_message("1,2\n3\n", "w.txt:2:2: there are 1 fields where the first row has 2; complete the line");
  expect_message("1 2\n3 4 5\n", "w.txt:2:3: there are 3 fields where the first row has 2");
  expect_message("1,2\n3", "was the file cut off?");
}

TEST(TableText, RefusesWhatIsNoNumber) {
  for (const std::string_view field :
       {"nan", "NaN", "inf", "-inf", "OVLD", "0x10", "1e999", "1e-999", "+-5", "1.5.2", "1e", "1.0D-6",
        "\xe2\x88\x92"
        "5",
        "1_000", "--", "<NA>", "5uS"}) {
    expect_message(std::string(field) + " 1\n", "w.txt:1:1: '");
    expect_message(std::string(field) + " 1\n", "is no finite number");
  }
  for (const std::string_view field : {"9.91E+37", "9.9e37", "-9.91E+37", "1e38", "-1e300"}) {
    expect_message("1 " + std::string(field) + "\n",
                   "w.txt:1:2: '" + std::string(field) + "' is what instruments write for an overflow");
  }
  expect_message("1 \"2\n", "w.txt:1:2: '\"2' has a quote that does not belong to a pair");
  expect_message("1,2\"3\"\n", "has a quote");
  expect_message("1 2\r3 4\r", "w.txt:1:1: a carriage return stands inside the line");
  expect_message(std::string_view("1\0002\n", 4), "w.txt:1:1: the line holds bytes that are no text");
  expect_message(
      "\xff\xfe"
      "1",
      "w.txt is UTF-16; save it as UTF-8");
  expect_message("", "w.txt holds no numbers; give one line per row");
  expect_message("# 1 2\n", "w.txt holds no numbers");
  EXPECT_THROW(read_table_file("no/such/file.txt"), MissingError);
}

TEST(TableText, SeesThatTheLastLineLostItsEnd) {
  std::string table;
  for (int i = 0; i < 12; ++i) table += std::to_string(i) + ",5.25" + std::to_string(i) + "1e-06\n";
  EXPECT_EQ(numbers(table, 12).back(), 5.25111e-6);
  table.pop_back();
  EXPECT_EQ(numbers(table, 12).back(), 5.25111e-6);  // no line break, but whole
  for (int lost = 1; lost <= 9; ++lost) {
    expect_message(std::string_view(table).substr(0, table.size() - static_cast<std::size_t>(lost)),
                   "was the file cut off?");
  }
}

TEST(TableText, ReadsPointsWhateverTheLocale) {
  const char* before = std::setlocale(LC_NUMERIC, nullptr);
  const std::string kept = before == nullptr ? "C" : before;
  for (const char* locale : {"de_DE.UTF-8", "fr_FR.UTF-8", "C"}) {
    std::setlocale(LC_NUMERIC, locale);
    EXPECT_EQ(numbers("0.25 1.5\n", 1), (std::vector<double>{0.25, 1.5}));
  }
  std::setlocale(LC_NUMERIC, kept.c_str());
}

TEST(TableText, SurvivesFlippedBytes) {
  const std::string good[] = {"# w\n0.5, -1.25\n1e-3, 2\n", "\"1\";2.5;3\r\n4;\"5\";6\r\n",
                              " 1 2\n 3\t4\n5 6"};
  const RngKey key(7, Purpose::sampling);
  int refused = 0;
  constexpr std::uint32_t kTrials = 20'000;
  for (std::uint32_t trial = 0; trial < kTrials; ++trial) {
    std::string text = good[trial % 3];
    Rng<float> rng(key, trial);
    for (int flips = 1 + int(rng.uniform() * 4.0f); flips > 0; --flips) {
      const auto at = std::min(static_cast<std::size_t>(rng.uniform() * float(text.size())), text.size() - 1);
      const auto what = rng.uniform();
      if (what < 0.3f) text[at] = static_cast<char>(rng.uniform() * 255.0f);
      if (what >= 0.3f && what < 0.5f) text.erase(at, 1 + std::size_t(rng.uniform() * 6.0f));
      if (what >= 0.5f && what < 0.7f) text.insert(at, text.substr(at / 2, 5));
      if (what >= 0.7f) text[at] = ",;\t\n-e.\"0 #\r"[std::size_t(rng.uniform() * 12.0f)];
      if (text.empty()) text = "x";
    }
    try {
      const NumberTable table = parse_numbers(text, "flipped");
      EXPECT_EQ(table.values.size(), table.rows * table.columns);
      for (const double value : table.values) EXPECT_LT(std::abs(value), 9e37);
    } catch (const DataError& error) {
      ++refused;
      EXPECT_GT(std::string(error.what()).size(), 20u);
    }
  }
  EXPECT_GT(refused, 4000);
  EXPECT_LT(refused, 19'500);
}

}  // namespace
}  // namespace mq
