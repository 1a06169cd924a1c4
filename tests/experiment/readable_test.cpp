#include "meltquench/experiment/readable.h"

#include <gtest/gtest.h>

#include <cmath>

#include "meltquench/experiment/html.h"

namespace mq {
namespace {

TEST(ReadableTime, TakesTheLargestUnitThatDivides) {
  EXPECT_EQ(readable_time(0), "0 s");
  EXPECT_EQ(readable_time(25), "25 s");
  EXPECT_EQ(readable_time(90), "90 s");
  EXPECT_EQ(readable_time(5400), "90 min");
  EXPECT_EQ(readable_time(3600), "1 h");
  EXPECT_EQ(readable_time(86400), "1 day");
  EXPECT_EQ(readable_time(7 * 86400), "7 days");
  EXPECT_EQ(readable_time(30 * 86400), "1 month");
  EXPECT_EQ(readable_time(365 * 86400), "1 year");
  EXPECT_EQ(readable_time(0.01), "10 ms");
  EXPECT_EQ(readable_time(5e-6), "5 µs");
  EXPECT_EQ(readable_time(NAN), "n/a");
}

TEST(ReadablePercent, NeverPrintsANegativeZero) {
  EXPECT_EQ(readable_percent(0.87914), "87.91");
  EXPECT_EQ(readable_percent(-0.00001), "0.00");
  EXPECT_EQ(readable_percent(-0.0001), "-0.01");
  EXPECT_EQ(readable_percent(NAN), "n/a");
}

TEST(ReadableCount, GroupsDigitsByThree) {
  EXPECT_EQ(readable_count(0), "0");
  EXPECT_EQ(readable_count(999), "999");
  EXPECT_EQ(readable_count(1234567), "1 234 567");
  EXPECT_EQ(readable_count(18446744073709551615ull, ","), "18,446,744,073,709,551,615");
}

TEST(SiPrefix, SuitsTheMagnitudeEvenOfARoundedFloat) {
  EXPECT_EQ(si_prefix(25e-6, "S").symbol, "µ");
  EXPECT_EQ(si_prefix(1e-6f, "S").symbol, "µ");
  EXPECT_NEAR(25e-6 * si_prefix(25e-6, "S").factor, 25, 1e-12);
  EXPECT_EQ(si_prefix(4700, "Ohm").symbol, "k");
  EXPECT_EQ(si_prefix(0.5, "").symbol, "");
  EXPECT_EQ(si_prefix(0.5, "%").symbol, "");
  EXPECT_EQ(si_prefix(0, "S").factor, 1);
}

TEST(HtmlEscape, LeavesNothingThatMarkupOrXmlCouldTrip) {
  EXPECT_EQ(html_escape("<script>alert('a' & \"b\")</script>"),
            "&lt;script&gt;alert(&#39;a&#39; &amp; &quot;b&quot;)&lt;/script&gt;");
  EXPECT_EQ(html_escape("µS ± 😀\n"), "µS ± 😀\n");
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(html_escape(std::string("a\0b\x01", 4)), "a" + bad + "b" + bad);
  EXPECT_EQ(html_escape("\xff<"), bad + "&lt;");
  EXPECT_EQ(html_escape("\xc0\xbc"), bad + bad);            // "<" in an overlong form
  EXPECT_EQ(html_escape("\xed\xa0\x80"), bad + bad + bad);  // half a surrogate pair
  EXPECT_EQ(html_escape("\xe2\x82"), bad + bad);            // cut off
}

TEST(HtmlLink, IsAlwaysAPathRelativeToThePage) {
  EXPECT_EQ(html_link("results.csv"), "./results.csv");
  EXPECT_EQ(html_link("a b/ü.h5"), "./a%20b/%C3%BC.h5");
  EXPECT_EQ(html_link("javascript:alert(1)"), "./javascript%3Aalert%281%29");
  EXPECT_EQ(html_link("//host/x?y#z"), ".///host/x%3Fy%23z");
}

}  // namespace
}  // namespace mq
