// Where the weights' law lets infinite-width theory hold: kurtoses in closed form, and layers of random networks whose
// switches deviate by no more than the correction allows.
#include "kernels/mean_field/gaussian_correction.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <ostream>
#include <string>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/linear_regions/exact_curve.hpp"
#include "kernels/mean_field/curve_theory.hpp"
#include "kernels/networks/network.hpp"

namespace meander {
namespace {

using Kind = WeightLaw::Kind;

RandomNetwork::Parameters network(WeightLaw law, int inputs, std::vector<int> widths, double sigma_w = 2.0,
                                  double sigma_b = 0.3, const char* activation = "hard_tanh") {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = inputs;
  parameters.widths = std::move(widths);
  parameters.activation = Activation::named(activation);
  parameters.sigma_w = sigma_w;
  parameters.sigma_b = sigma_b;
  parameters.law = law;
  return parameters;
}

TEST(GaussianCorrection, ParticipationCountsComponents) {
  EXPECT_DOUBLE_EQ(participation(std::vector<double>{0, 3, 0}).position, 1.0);
  EXPECT_DOUBLE_EQ(participation(std::vector<double>{2, -2, 2, -2}).position, 0.25);
  // x = (cos t, sin t), y = (-sin t, cos t): 1 - 2 s, 2 s and 1 - 2 s with s = sin^2 t cos^2 t, whose mean is 1/8 and
  // whose mean square 3/128.
  const Participation circle =
      participation(curve_between(CurveKind::circle, std::vector{1., 0.}, std::vector{0., 1.}));
  EXPECT_NEAR(circle.position, std::sqrt(1.0 - 4.0 / 8.0 + 4.0 * 3.0 / 128.0), 1e-12);
  EXPECT_NEAR(circle.tangent, circle.position, 1e-12);
  EXPECT_NEAR(circle.mixed, std::sqrt(4.0 * 3.0 / 128.0), 1e-12);
  // Random ones: the mean over the sphere of three dimensions, E x^4 = 1/5 a component.
  EXPECT_DOUBLE_EQ(random_point_participation(3).position, 0.6);
  EXPECT_DOUBLE_EQ(random_point_participation(1).position, 1.0);
}

TEST(GaussianCorrection, KurtosesInClosedForm) {
  EXPECT_EQ(ExcessKurtosis({Kind::gaussian})(1.0, 1, 1), 0.0);
  EXPECT_DOUBLE_EQ(ExcessKurtosis({Kind::rademacher})(0.5, 2, 9), -1.0);
  EXPECT_DOUBLE_EQ(ExcessKurtosis({Kind::uniform})(0.1, 10, 9), -0.12);
  EXPECT_DOUBLE_EQ(ExcessKurtosis({Kind::sparse, 0.02})(0.01, 100, 9), 1.47);
  EXPECT_EQ(ExcessKurtosis({Kind::sparse, 1.0})(1.0, 1, 9), 0.0);
  // cos of a uniform angle: E x^4 / (E x^2)^2 = 3/2.
  EXPECT_DOUBLE_EQ(ExcessKurtosis({Kind::orthogonal})(1.0, 2, 1), -1.5);
  EXPECT_DOUBLE_EQ(ExcessKurtosis({Kind::orthogonal})(0.5, 2, 10), -0.5);
}

TEST(GaussianCorrection, StudentsDensityAtZero) {
  // One term: Gamma((nu + 1) / 2) / (sqrt(pi (nu - 2)) Gamma(nu / 2)).
  for (const double nu : {2.1, 3.0, 4.0, 5.0, 12.0}) {
    const double density =
        std::exp(std::lgamma(0.5 * (nu + 1)) - std::lgamma(0.5 * nu)) / std::sqrt(std::numbers::pi * (nu - 2));
    const double ratio = density * std::sqrt(2 * std::numbers::pi);
    EXPECT_NEAR(ExcessKurtosis({Kind::student_t, nu})(1.0, 1, 1), 8 * (ratio - 1), 1e-6 * ratio) << nu;
  }
  // nu = 3 has the characteristic function (1 + |s|) exp(-|s|): of n terms over sqrt(n), (sqrt(n) / pi) times
  // int (1 + s)^n exp(-n s) ds, which is 5/4 for n = 2 and 103/128 for n = 4. The quadrature begins at exp(-20).
  const auto expected = [](double integral, double n) {
    return 8 * (std::sqrt(2 * n / std::numbers::pi) * integral - 1);
  };
  EXPECT_NEAR(ExcessKurtosis({Kind::student_t, 3.0})(0.5, 2, 1), expected(5.0 / 4, 2), 1e-7);
  EXPECT_NEAR(ExcessKurtosis({Kind::student_t, 3.0})(0.25, 4, 1), expected(103.0 / 128, 4), 1e-7);
  // Where there is a kurtosis, many terms come to it: 6 / (nu - 4) / n.
  EXPECT_NEAR(ExcessKurtosis({Kind::student_t, 12.0})(1e-3, 1000, 1), 6.0 / 8 / 1000, 2e-5);
  EXPECT_NEAR(
      ExcessKurtosis({Kind::student_t, 29.9})(1e-2, 100, 1) / ExcessKurtosis({Kind::student_t, 30.1})(1e-2, 100, 1),
      1.0, 0.1);
  // At 2.1 degrees of freedom not even a thousand terms help.
  EXPECT_GT(ExcessKurtosis({Kind::student_t, 2.1})(1e-3, 1000, 1), 2.0);
}

TEST(GaussianCorrection, GaussianWeightsNeedNone) {
  const GaussianCorrection found = gaussian_correction(network({Kind::gaussian}, 1, {3, 3, 3}), 1.0, {1.0, 1.0, 1.0});
  EXPECT_EQ(found.layers, (std::vector<double>{0, 0, 0}));
  EXPECT_EQ(found.switches, (std::vector<double>{0, 0, 0}));
  EXPECT_EQ(found.moments_hold, 3);
  EXPECT_EQ(found.averages_hold, 3);
}

TEST(GaussianCorrection, OneRademacherInput) {
  // kappa = -2 times (4 / 4.09)^2 of h: no theory of averages, but layer 1's second moments stay.
  const GaussianCorrection found =
      gaussian_correction(network({Kind::rademacher}, 1, {500, 500}), 1.0, random_point_participation(1));
  const double kurtosis = 2.0 * std::pow(4.0 / 4.09, 2);
  EXPECT_NEAR(found.layers[0], kurtosis / 8 + 35.0 / 384 * kurtosis * kurtosis, 1e-12);
  EXPECT_LT(found.layers[1], 0.05);
  EXPECT_EQ(found.averages_hold, 0);
  EXPECT_EQ(found.moments_hold, 1);
  EXPECT_TRUE(found.deep_layers_hold());

  std::vector<double> averages{1, 2}, moments{1, 2}, switches{1, 2}, products{1, 2, 3}, before_last{1, 2};
  found.mask_averages(averages);
  found.mask_moments(moments);
  found.mask_switches(switches);
  found.mask_products(products);
  found.mask_products_before_last(before_last);
  EXPECT_TRUE(std::isnan(averages[0]) && std::isnan(averages[1]));
  EXPECT_TRUE(moments[0] == 1 && std::isnan(moments[1]));
  EXPECT_TRUE(std::isnan(switches[0]) && std::isnan(switches[1]));
  EXPECT_TRUE(std::isnan(products[0]) && std::isnan(products[2]));
  EXPECT_TRUE(std::isnan(before_last[0]) && before_last[1] == 2);
}

TEST(GaussianCorrection, DeeperLayersTakePostActivationsFourthMoments) {
  // A linear layer hands on Gaussians: participation 3 / N, and kappa_h / 8 of the density at zero, whatever q is;
  // E h^2 He_4 = 0. A ReLU's E x^4 / (E x^2)^2 is 6.
  const auto at = [](const char* activation) {
    return gaussian_correction(network({Kind::sparse, 0.5}, 100000, {200, 200}, 1.0, 0.0, activation), 1.0,
                               random_point_participation(100000))
        .layers[1];
  };
  const auto expected = [](double fourth) {
    const double kurtosis = 3.0 * fourth / 200;
    return kurtosis / 8 + 35.0 / 384 * kurtosis * kurtosis;
  };
  EXPECT_NEAR(at("linear") / expected(3), 1.0, 1e-6);
  EXPECT_NEAR(at("relu") / expected(6), 1.0, 1e-3);
}

TEST(GaussianCorrection, DropoutLeavesFewerNeuronsToCarryALayer) {
  const auto at = [](double keep) {
    return gaussian_correction(network({Kind::sparse, 0.5}, 100000, {200, 200}, 1.0, 0.0, "relu"), 1.0,
                               random_point_participation(100000), keep)
        .layers[1];
  };
  const double kurtosis = 3.0 * 6 / 200 / 0.25;
  EXPECT_NEAR(at(0.25) / (kurtosis / 8 + 35.0 / 384 * kurtosis * kurtosis), 1.0, 1e-3);
  EXPECT_LT(at(1.0), at(0.5));
}

TEST(GaussianCorrection, RareSwitchesFeelTailsMost) {
  // At three standard deviations He_4 is ten times what it is at zero.
  const GaussianCorrection found =
      gaussian_correction(network({Kind::uniform}, 30, {50}, 1.0 / 3, 0.0), 1.0, random_curve_participation(30));
  EXPECT_LT(found.layers[0], 0.05);
  EXPECT_GT(found.switches[0], 0.1);
  std::vector<double> switches{1.0};
  found.mask_switches(switches);
  EXPECT_TRUE(std::isnan(switches[0]));
}

struct Case {
  std::string name;
  WeightLaw law;
  int inputs;
  double sigma_w;
  bool holds;
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name << " on " << c.inputs << " inputs, sigma_w = " << c.sigma_w;
}

class Switches : public testing::TestWithParam<Case> {};

/// Deeper layers: three of them, against theory for Gaussian weights, which at this width is off itself, so against
/// Gaussian networks.
TEST(GaussianCorrection, DeepLayersDeviateWhereItSaysSo) {
  constexpr int width = 60, networks = 300;
  const auto lengths = [&](WeightLaw law) {
    std::vector<double> mean(3, 0.0);
    for (std::uint64_t r = 0; r < networks; ++r) {
      const StreamKey key = stream_key(78, r);
      auto x0 = gaussian_point(key, 0, 200), x1 = gaussian_point(key, 1, 200);
      make_orthonormal(x0, x1);
      const ExactCounts counts = exact_curve(RandomNetwork(network(law, 200, {width, width, width}), key),
                                             curve_between(CurveKind::circle, x0, x1), ExactOptions{});
      for (std::size_t l = 0; l < 3; ++l) mean[l] += static_cast<double>(counts.transitions[l]) / networks;
    }
    return mean;
  };
  const auto holds = [&](WeightLaw law) {
    return gaussian_correction(network(law, 200, {width, width, width}), 1.0, random_curve_participation(200))
        .averages_hold;
  };
  const std::vector<double> gaussian = lengths({Kind::gaussian});
  const WeightLaw uniform{Kind::uniform}, sparse{Kind::sparse, 0.1}, student{Kind::student_t, 3.0};
  EXPECT_EQ(holds(uniform), 3);
  EXPECT_NEAR(lengths(uniform)[2] / gaussian[2], 1.0, 0.05);
  // Sparse weights: layer 1 takes 200 inputs and is nearly right, layers behind it take 60.
  EXPECT_LE(holds(sparse), 1);
  EXPECT_LT(lengths(sparse)[1] / gaussian[1], 0.93);
  EXPECT_EQ(holds(student), 0);
  EXPECT_LT(lengths(student)[2] / gaussian[2], 0.93);
}

/// Switches of layer 1 along circles (of one input: lines), over many networks and curves.
TEST_P(Switches, DeviateWhereTheCorrectionSaysSo) {
  const Case& c = GetParam();
  constexpr int width = 60, networks = 400;
  const auto parameters = network(c.law, c.inputs, {width}, c.sigma_w, c.inputs == 1 ? 1.0 : 0.3);
  double sum = 0.0, squares = 0.0, correction = 0.0;
  for (std::uint64_t r = 0; r < networks; ++r) {
    const StreamKey key = stream_key(77, r);
    auto x0 = gaussian_point(key, 0, c.inputs), x1 = gaussian_point(key, 1, c.inputs);
    if (c.inputs > 1) make_orthonormal(x0, x1);
    const Curve curve = curve_between(c.inputs > 1 ? CurveKind::circle : CurveKind::line, x0, x1);
    const TheoryParameters theory{c.inputs, {width}, parameters.sigma_w, parameters.sigma_b};
    const double expected = curve_theory(parameters.activation, theory, curve).transitions[0];
    const ExactCounts counts = exact_curve(RandomNetwork(parameters, key), curve, ExactOptions{});
    const double off = static_cast<double>(counts.transitions[0]) - expected;
    // Relative to the mean over curves, so that short lines do not weigh more.
    sum += off / expected;
    squares += off / expected * (off / expected);
    correction += gaussian_correction(parameters, mean_square(curve), participation(curve)).switches[0] / networks;
  }
  const double mean = sum / networks;
  const double error = std::sqrt((squares / networks - mean * mean) / networks);
  EXPECT_EQ(correction <= tolerated_correction, c.holds) << correction;
  if (c.holds) {
    EXPECT_LT(std::abs(mean), tolerated_correction + 3.5 * error) << correction;
  } else {
    EXPECT_GT(std::abs(mean), 3.5 * error) << correction;  // something is off indeed
  }
}

INSTANTIATE_TEST_SUITE_P(Laws, Switches,
                         testing::Values(Case{"gaussian", {Kind::gaussian}, 2, 2.0, true},
                                         Case{"rademacher", {Kind::rademacher}, 1, 2.0, false},
                                         Case{"rademacher", {Kind::rademacher}, 4, 2.0, false},
                                         Case{"rademacher", {Kind::rademacher}, 40, 2.0, true},
                                         Case{"uniform", {Kind::uniform}, 40, 2.0, true},
                                         Case{"orthogonal", {Kind::orthogonal}, 4, 2.0, true},
                                         Case{"sparse .02", {Kind::sparse, 0.02}, 1, 2.0, false},
                                         Case{"sparse .02", {Kind::sparse, 0.02}, 100, 2.0, false},
                                         Case{"sparse .5", {Kind::sparse, 0.5}, 100, 2.0, true},
                                         Case{"student_t 2.1", {Kind::student_t, 2.1}, 100, 2.0, false},
                                         Case{"student_t 3", {Kind::student_t, 3.0}, 20, 2.0, false},
                                         Case{"student_t 6", {Kind::student_t, 6.0}, 100, 2.0, true}));

}  // namespace
}  // namespace meander
