// The measure jacobian_spectrum: arrays and settings, refusals, and the lecture's claims on variance, edge and
// the fraction near 1 (C34, C35, C36 of the science notes).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/in_process.hpp"

namespace meander {
namespace {

using testing::HasSubstr;
using testing_support::Folder;
using testing_support::Ran;

class JacobianSpectrumMeasure : public testing::Test {
 protected:
  Ran run(const std::string& text) const {
    return testing_support::run(folder_.write("study.toml", "measure = \"jacobian_spectrum\"\nseed = 3\n" + text));
  }
  std::string refusal(const std::string& text) const {
    try {
      run(text);
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  }

 private:
  Folder folder_;
};

double average(const Ran& ran, const std::string& array, std::size_t cells) {
  double sum = 0.0;
  for (std::size_t cell = 0; cell < cells; ++cell) sum += ran.values(array, cell).at(0);
  return sum / static_cast<double>(cells);
}

TEST_F(JacobianSpectrumMeasure, ArraysAgreeWithEachOther) {
  const Ran ran =
      run("realizations = 2\n[sweep]\nwidth = 60\ndepth = 3\nsigma_w = 1.4142135623731\nactivation = \"relu\"\n"
          "weights = \"orthogonal\"\n[jacobian_spectrum]\nbins = 25\neps = [0.1, 0.5]\n");
  for (std::size_t cell = 0; cell < 2; ++cell) {
    const auto s = ran.values("singular_values", cell);
    ASSERT_EQ(s.size(), 60u);
    const double rank = ran.values("rank", cell)[0];
    double mean = 0.0, near = 0.0, inside = 0.0;
    const auto lambda = ran.values("lambda");
    const double top = lambda.back() + 0.5 * (lambda[1] - lambda[0]);
    for (const double value : s) {
      mean += value * value / 60.0;
      near += std::abs(value - 1.0) <= 0.5 ? 1.0 / 60.0 : 0.0;
      inside += value > 0.0 && value * value < top ? 1.0 / 60.0 : 0.0;
    }
    EXPECT_NEAR(ran.values("mean", cell)[0], mean, 1e-12);
    EXPECT_NEAR(ran.values("fraction_near_one", cell)[1], near, 1e-12);
    EXPECT_EQ(std::count_if(s.begin(), s.end(), [](double x) { return x > 0.0; }), rank);
    double fewest = 1.0;
    for (const double open : ran.values("slope_square", cell)) fewest = std::min(fewest, open);
    EXPECT_EQ(rank, std::lround(60 * fewest));
    double histogram = 0.0;
    for (const double value : ran.values("density", cell)) histogram += value * (lambda[1] - lambda[0]);
    EXPECT_NEAR(histogram, inside, 1e-12);
  }
  double weight = 0.0;
  const auto lambda = ran.values("lambda");
  for (const double value : ran.values("density_theory")) weight += value * (lambda[1] - lambda[0]);
  EXPECT_NEAR(weight, 0.5, 1e-9);
  EXPECT_NEAR(ran.values("lambda_max_theory")[0], 6.75, 1e-10);
  EXPECT_NEAR(ran.values("singular_value_max_theory")[0], 2.598076211353316, 1e-10);
  EXPECT_EQ(ran.values("theory_valid")[0], 1.0);  // 3/60 = 0.05
  EXPECT_NEAR(ran.values("variance_theory")[0], 3.0, 1e-10);
  EXPECT_FALSE(ran.has("density_universal"));
}

TEST_F(JacobianSpectrumMeasure, LawsWithoutTheoryLackItAndKeepTheirAxis) {
  const Ran ran =
      run("[sweep]\nwidth = 20\ndepth = 2\nsigma_w = 1.0\nactivation = \"tanh\"\nweights = \"rademacher\"\n");
  EXPECT_TRUE(ran.values("density_theory").empty());
  EXPECT_TRUE(ran.values("lambda_max_theory").empty());
  EXPECT_EQ(ran.values("theory_valid")[0], 0.0);
  EXPECT_EQ(ran.values("lambda").size(), 100u);
  EXPECT_EQ(ran.values("density").size(), 100u);
  const Ran deep = run("[sweep]\nwidth = 20\ndepth = 2\nsigma_w = 1.0\nactivation = \"tanh\"\n");
  EXPECT_EQ(deep.values("theory_valid")[0], 0.0);  // 2/20 > 0.05
  EXPECT_FALSE(deep.values("density_theory").empty());
}

TEST_F(JacobianSpectrumMeasure, OverflowIsOutOfRangeAndKeepsLogarithms) {
  const Ran ran =
      run("[sweep]\nwidth = 8\ndepth = 110\nsigma_w = 1e3\nactivation = \"linear\"\n[input]\nq0 = 1e-300\n");
  EXPECT_EQ(ran.records[0][0].status, Status::out_of_range);
  const Ran small =
      run("[sweep]\nwidth = 8\ndepth = 200\nsigma_w = 0.001\nactivation = \"linear\"\n[jacobian_spectrum]\nrange = [0, "
          "1]\n");
  EXPECT_EQ(small.records[0][0].status, Status::done);
  EXPECT_EQ(small.values("singular_values").front(), 0.0);
  EXPECT_EQ(small.records[1][0].status, Status::done);
  EXPECT_NEAR(small.values("density_theory").front(), 100.0, 1e-9);  // all of it in the first bin, like the measured
  EXPECT_NEAR(small.values("density").front(), 100.0, 1e-9);
  EXPECT_NEAR(small.values("log_singular_values").front() / (200 * std::log(1e-3)), 1.0, 0.05);
}

TEST_F(JacobianSpectrumMeasure, RanksOfSparseWeightsAreThoseOfExactElimination) {
  const Ran ran =
      run("realizations = 6\n[sweep]\nwidth = 30\ndepth = [3, 10]\nsigma_w = 1.5\nsigma_b = 0.1\nactivation = "
          "\"linear\"\nweights = { law = \"sparse\", density = 0.1 }\n");
  // Bareiss' elimination over the rationals, of the exported networks.
  const std::vector<double> exact{23, 27, 25, 27, 25, 25, 23, 24, 23, 26, 24, 24};
  for (std::size_t cell = 0; cell < exact.size(); ++cell) {
    EXPECT_EQ(ran.values("rank", cell)[0], exact[cell]) << cell;
    EXPECT_EQ(ran.records[0][cell].status, Status::done) << cell;
    const auto logs = ran.values("log_singular_values", cell);
    const auto rank = static_cast<std::size_t>(exact[cell]);
    EXPECT_GT(logs[rank - 1], -30.0) << cell;  // no rounding of e^-37
    for (std::size_t k = rank; k < 30; ++k) EXPECT_EQ(logs[k], -std::numeric_limits<double>::infinity());
  }
}

TEST_F(JacobianSpectrumMeasure, SlopesBelowTheRangeAreInTheLogarithms) {
  const Ran ran =
      run("[sweep]\nwidth = 40\ndepth = 4\nsigma_w = 20.0\nactivation = [\"erf\", \"gelu\"]\n[jacobian_spectrum]\n"
          "range = [0, 1]\n");
  for (std::size_t cell = 0; cell < 2; ++cell) {
    EXPECT_EQ(ran.values("rank", cell)[0], 40.0);
    EXPECT_EQ(ran.records[0][cell].status, Status::done) << ran.records[0][cell].message;
    const auto logs = ran.values("log_singular_values", cell);
    EXPECT_LT(logs.back(), -1000.0);
    for (const double log : logs) EXPECT_TRUE(std::isfinite(log));
    EXPECT_EQ(ran.values("singular_values", cell).back(), 0.0);
  }
}

TEST_F(JacobianSpectrumMeasure, WhatRoundingHidesIsMissingWithTheReason) {
  const Ran ran =
      run("[sweep]\nwidth = 60\ndepth = 8\nsigma_w = 4.0\nsigma_b = 0.1\nactivation = \"gelu\"\nweights = { law = "
          "\"sparse\", density = 0.05 }\n");
  EXPECT_EQ(ran.records[0][0].status, Status::not_converged);
  EXPECT_THAT(ran.records[0][0].message, HasSubstr("lost in rounding"));
  EXPECT_FALSE(ran.values("rank").empty());
  EXPECT_TRUE(ran.values("fraction_near_one").empty());
}

TEST_F(JacobianSpectrumMeasure, RefusesWhatHasNoSpectrum) {
  const std::string network = "[sweep]\nsigma_w = 1.0\nactivation = \"tanh\"\n";
  EXPECT_THAT(refusal(network + "widths = [[20, 30]]\n"), HasSubstr("square"));
  EXPECT_THAT(refusal(network + "width = 20\ndepth = 2\n[input]\ndimension = 10\n"),
              HasSubstr("leave 'dimension' out"));
  const std::string square = network + "width = 20\ndepth = 2\n[jacobian_spectrum]\n";
  EXPECT_THAT(refusal(square + "eps = []\n"), HasSubstr("'eps' is an empty list"));
  EXPECT_THAT(refusal(square + "eps = [0.1, 0.1]\n"), HasSubstr("twice"));
  EXPECT_THAT(refusal(square + "eps = [1.5]\n"), HasSubstr("eps"));
  EXPECT_THAT(refusal(square + "eps = [0.0]\n"), HasSubstr("eps"));
  EXPECT_THAT(refusal(square + "range = [2, 1]\n"), HasSubstr("a < b"));
}

/// C34: variance of lambda/mean. Its fluctuation over draws is of order sqrt(variance) L / N for these; means over
/// draws are compared with four of their standard errors plus the bias of finite width, depth/N relative.
TEST_F(JacobianSpectrumMeasure, VariancesAreThoseOfFreeProbability) {
  constexpr std::size_t draws = 8;
  for (const char* point : {"activation = \"linear\"\nsigma_w = 1.0\nweights = \"gaussian\"\n",
                            "activation = \"hard_tanh\"\nsigma_w = 1.2\nsigma_b = 0.1\nweights = \"orthogonal\"\n",
                            "activation = \"tanh\"\nsigma_w = 1.3\nsigma_b = 0.1\nweights = \"orthogonal\"\n",
                            "activation = \"erf\"\nsigma_w = 1.2\nsigma_b = 0.1\nweights = \"gaussian\"\n"}) {
    const Ran ran = run("realizations = 8\n[sweep]\nwidth = 200\ndepth = 5\n" + std::string(point));
    for (const auto& [array, theory] : {std::pair{"variance", "variance_theory"}, std::pair{"mean", "mean_theory"}}) {
      double square = 0.0;
      const double mean = average(ran, array, draws);
      for (std::size_t cell = 0; cell < draws; ++cell) square += std::pow(ran.values(array, cell)[0] - mean, 2);
      const double error = std::sqrt(square / (draws - 1) / draws);
      const double expected = ran.values(theory)[0];
      EXPECT_NEAR(mean, expected, 4.0 * error + expected * 5.0 / 200.0) << point << array;
    }
  }
}

/// C35: the edge, conditioned on the realised gates: for 0/1 gates lambda_max is that of the open fractions, so that
/// lambda_max / prod_l (p_l / p) is compared. It lies below the edge by a term of order N^(-2/3), removed by
/// extrapolation over two widths; its remaining fluctuation is sqrt(L / N) at most.
TEST_F(JacobianSpectrumMeasure, EdgesExtrapolateToTheirFormula) {
  constexpr int depth = 3;
  std::vector<double> x, y;
  for (const int width : {64, 128, 256}) {
    const std::size_t draws = 1024 / static_cast<std::size_t>(width) * 2;
    const Ran ran = run("realizations = " + std::to_string(draws) + "\n[sweep]\nwidth = " + std::to_string(width) +
                        "\ndepth = 3\nsigma_w = 1.4142135623731\nactivation = \"relu\"\nweights = \"orthogonal\"\n");
    double sum = 0.0;
    for (std::size_t cell = 0; cell < draws; ++cell) {
      double largest = std::pow(ran.values("singular_values", cell)[0], 2);
      for (const double open : ran.values("slope_square", cell)) largest /= 2.0 * open;
      sum += largest / static_cast<double>(draws);
    }
    x.push_back(std::pow(width, -2.0 / 3.0));
    y.push_back(sum);
    EXPECT_NEAR(sum, 6.75, 6.75 * 2.0 * std::sqrt(static_cast<double>(depth) / width));
  }
  const double mean_x = (x[0] + x[1] + x[2]) / 3.0, mean_y = (y[0] + y[1] + y[2]) / 3.0;
  double above = 0.0, below = 0.0;
  for (std::size_t i = 0; i < 3; ++i) {
    above += (x[i] - mean_x) * (y[i] - mean_y);
    below += (x[i] - mean_x) * (x[i] - mean_x);
  }
  const double intercept = mean_y - above / below * mean_x;
  // Standard error of a draw's lambda_max sqrt(3/N)/4 relative, of 8 draws at N = 256 and an extrapolation that
  // doubles it: 2 %; three of them.
  EXPECT_NEAR(intercept / 6.75, 1.0, 0.06);
}

/// C36: the fraction within 1 +- eps falls like 1/depth for Gaussian weights, and stays for near-critical orthogonal
/// tanh; counts of N per draw fluctuate by less than their square root.
TEST_F(JacobianSpectrumMeasure, NearIsometryIsLostOrKeptWithDepth) {
  const auto fraction = [&](const std::string& point, int depth) {
    const Ran ran = run("realizations = 6\n[sweep]\nwidth = 200\ndepth = " + std::to_string(depth) + "\n" + point +
                        "[jacobian_spectrum]\neps = [0.2]\n");
    const double measured = average(ran, "fraction_near_one", 6);
    const double theory = ran.values("fraction_near_one_theory")[0];
    EXPECT_NEAR(measured, theory, 4.0 * std::sqrt(theory / (6 * 200.0)) + 0.1 * theory) << point << depth;
    return measured;
  };
  const std::string gaussian = "activation = \"linear\"\nsigma_w = 1.0\n";
  EXPECT_NEAR(fraction(gaussian, 2) / fraction(gaussian, 8), 0.1439 / 0.0545, 0.8);
  const std::string tanh =
      "activation = \"tanh\"\nsigma_w = 1.0098072889127\nsigma_b = 0.0011216041509019\nweights = \"orthogonal\"\n"
      "q0 = 0.0098\n";
  EXPECT_GT(fraction(tanh, 2), 0.95);
  EXPECT_GT(fraction(tanh, 10), 0.95);
}

}  // namespace
}  // namespace meander
