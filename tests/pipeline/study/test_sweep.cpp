// Spacings of a sweep: an extended one finds its old points again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "pipeline/study_reader/sweep.hpp"
#include "pipeline/values/key_check.hpp"
#include "tests/support/fake_measure.hpp"

namespace meander {
namespace {

using ::testing::ElementsAre;

TEST(Linspace, GivesTheDecimalsThatAreMeant) {
  EXPECT_THAT(linspace(1.0, 4.0, 7), ElementsAre(1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0));
  EXPECT_THAT(linspace(0, 0.6, 7), ElementsAre(0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6));
  EXPECT_THAT(linspace(-0.3, 0.3, 7), ElementsAre(-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3));
  EXPECT_THAT(linspace(0.5, -1, 4), ElementsAre(0.5, 0, -0.5, -1));
  EXPECT_THAT(linspace(0, 1, 4), ElementsAre(0, 0.333333333333333, 0.666666666666667, 1));
  EXPECT_THAT(linspace(2, 7, 1), ElementsAre(2));
  EXPECT_THAT(linspace(1e-300, 3e-300, 3), ElementsAre(1e-300, 2e-300, 3e-300));
  EXPECT_THAT(linspace(-1.7e308, 1.7e308, 3), ElementsAre(-1.7e308, 0, 1.7e308));
}

TEST(Linspace, OfEndsFarApartIsSpacedToo) {
  const std::vector<double> values = linspace(1e-200, 1, 3);
  EXPECT_EQ(values[1], 0.5);
  EXPECT_EQ(values[0], 1e-200);
}

/// Every value of `small` is in `large`, bit for bit.
void expect_within(const std::vector<double>& small, const std::vector<double>& large) {
  for (const double value : small) {
    EXPECT_NE(std::find(large.begin(), large.end(), value), large.end()) << value;
  }
}

TEST(Linspace, ThatIsExtendedFindsItsOldPoints) {
  for (const std::int64_t n : {3, 7, 11, 50, 99, 1001}) {
    const auto steps = static_cast<double>(n - 1);
    const std::vector<double> old = linspace(0.1, 1.3, n);
    expect_within(old, linspace(0.1, 1.3, 2 * n - 1));
    expect_within(old, linspace(0.1, 1.3, 7 * (n - 1) + 1));
    expect_within(old, linspace(0.1, 2.5, 2 * n - 1));
    expect_within(old, linspace(-1.1, 1.3, 2 * n - 1));
    expect_within(linspace(-0.7, 0.7, n), linspace(-700.7, 700.7, 1001 * (n - 1) + 1));
    EXPECT_EQ(old.size(), static_cast<std::size_t>(n));
    // Close to what the formula gives in floating point.
    for (std::int64_t i = 0; i < n; ++i) {
      EXPECT_NEAR(old[static_cast<std::size_t>(i)], 0.1 + 1.2 * static_cast<double>(i) / steps, 1e-14);
    }
  }
}

TEST(Logspace, HasAConstantRatio) {
  EXPECT_THAT(logspace(0.01, 100, 5), ElementsAre(0.01, 0.1, 1, 10, 100));
  EXPECT_THAT(logspace(1, 1024, 11), ElementsAre(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024));
  EXPECT_THAT(logspace(100, 1, 3), ElementsAre(100, 10, 1));
  EXPECT_THAT(logspace(3, 9, 1), ElementsAre(3));
  const std::vector<double> values = logspace(0.3, 7, 20);
  // Values are rounded to 15 digits.
  for (std::size_t i = 2; i < values.size(); ++i) {
    EXPECT_NEAR(values[i] * values[i - 2] / (values[i - 1] * values[i - 1]), 1.0, 1e-14);
  }
  expect_within(logspace(0.1, 10, 21), logspace(0.1, 1000, 41));
}

TEST(Rounding, IsToFifteenSignificantDecimals) {
  EXPECT_EQ(round_significant(0.1 + 0.2), 0.3);
  EXPECT_EQ(round_significant(1.0 / 3.0), 0.333333333333333);
  EXPECT_EQ(round_significant(-123456789012345678.0), -123456789012346000.0);
  EXPECT_FALSE(std::signbit(round_significant(-0.0)));
  EXPECT_EQ(round_significant(std::numeric_limits<double>::max()), std::numeric_limits<double>::max());
}

TEST(Sweep, RoundsFloatsAndTurnsIntegersIntoThem) {
  const Study study =
      testing::read_text("measure = 'fake'\n[sweep]\nsigma_w = [0.30000000000000004, 2]\nsigma_b = -0.0\n");
  EXPECT_EQ(study.sweep[0].values[0].toml(), "0.3");
  EXPECT_EQ(study.sweep[0].values[1].toml(), "2.0");
  EXPECT_EQ(study.sweep[1].values[0].toml(), "0.0");
}

TEST(Sweep, SpacesIntegersWhereTheyAreOnes) {
  const Study study = testing::read_text(
      "measure = 'fake'\n[sweep]\nwidth = { linspace = [100, 500, 3] }\nsigma_w = { logspace = [1, 4, 3] }\n");
  EXPECT_EQ(Value(List(study.sweep[0].values)).toml(), "[100, 300, 500]");
  EXPECT_EQ(Value(List(study.sweep[1].values)).toml(), "[1.0, 2.0, 4.0]");
}

TEST(Sweep, TakesOneListOfWidthsAsOneValue) {
  const auto widths = [](const std::string& text) {
    return Value(
               List(testing::read_text("measure = 'fake'\nsweep.sigma_w = 1\nsweep.widths = " + text).sweep[1].values))
        .toml();
  };
  EXPECT_EQ(widths("[500, 50, 500]"), "[[500, 50, 500]]");
  EXPECT_EQ(widths("[[500, 50], [3]]"), "[[500, 50], [3]]");
}

TEST(Sweep, TakesOneTableAsOnePoint) {
  const Study study = testing::read_text("measure = 'fake'\nsweep.point = { sigma_w = 1, width = 3 }\n");
  ASSERT_EQ(study.sweep.size(), 1u);
  EXPECT_EQ(study.sweep[0].values[0].toml(), "{ sigma_w = 1.0, width = 3 }");
}

}  // namespace
}  // namespace meander
