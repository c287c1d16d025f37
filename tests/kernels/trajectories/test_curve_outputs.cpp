// Outputs along a curve, their regression on sines and cosines, and what depth does that width does not.
#include "kernels/trajectories/curve_differences.hpp"
#include "kernels/trajectories/curve_outputs.hpp"
#include "kernels/trajectories/sampled_curve.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace meander {
namespace {

using Vector = std::vector<double>;

RandomNetwork tanh_network(int inputs, std::vector<int> widths, double sigma_w, double sigma_b, std::uint64_t seed) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = inputs;
  parameters.widths = std::move(widths);
  parameters.activation = Activation::named("tanh");
  parameters.sigma_w = sigma_w;
  parameters.sigma_b = sigma_b;
  return {parameters, stream_key(seed, 0)};
}

/// Half a great circle, or all of it, through inputs of mean square q0.
Curve great_circle(int dimension, double q0, std::uint64_t seed, bool half) {
  Vector x0 = gaussian_point(stream_key(seed, 1), 0, dimension), x1 = gaussian_point(stream_key(seed, 1), 1, dimension);
  rescale(x0, q0);
  make_orthonormal(x0, x1);
  Curve curve = curve_between(half ? CurveKind::arc : CurveKind::circle, x0, x1);
  if (half) curve.end = std::numbers::pi;
  return curve;
}

Vector parameters_of(const Curve& curve, long samples) {
  Vector t;
  for (long i = 0; i < samples; ++i) t.push_back(curve.parameter(i, samples));
  return t;
}

/// One input through the network, neuron by neuron.
Vector plain_outputs(const Network& network, Vector x) {
  for (int l = 1; l <= network.depth(); ++l) {
    Vector weight(static_cast<std::size_t>(network.width(l)) * x.size()), h(static_cast<std::size_t>(network.width(l)));
    network.weight(l, std::span<double>(weight));
    network.bias(l, h);
    for (std::size_t i = 0; i < h.size(); ++i)
      h[i] = std::inner_product(x.begin(), x.end(), weight.begin() + static_cast<std::ptrdiff_t>(i * x.size()), h[i]);
    x = h;
    if (l < network.depth()) network.activation().apply(x);
  }
  return x;
}

TEST(CurveOutputs, AgreeWithNeuronByNeuron) {
  for (const auto& widths : {std::vector<int>{7}, {30, 7}, {9, 20, 7}, {9, 20, 11, 7}}) {
    const RandomNetwork network = tanh_network(5, widths, 2.0, 0.3, 1);
    const Curve curve = great_circle(5, 1.0, 1, true);
    const CurveOutputs found = curve_outputs(network, curve, 50);
    for (const long i : {0L, 13L, 49L}) {
      Vector x(5);
      curve.point(curve.parameter(i, 50), x);
      const Vector expected = plain_outputs(network, x);
      for (std::size_t k = 0; k < 7; ++k)
        EXPECT_NEAR(found.outputs[k * 50 + static_cast<std::size_t>(i)], expected[k], 1e-13);
    }
    ASSERT_EQ(found.length.size(), widths.size() - 1);
    if (widths.size() == 1) continue;
    const SampledCounts counts = sample_curve(network, curve, {.samples = 50});
    for (std::size_t l = 0; l < found.length.size(); ++l) EXPECT_NEAR(found.length[l], counts.length[l], 1e-12);
  }
}

TEST(CurveOutputs, BlocksOfSamplesMakeNoDifference) {
  // 16384 neurons and 1100 samples: blocks of 976.
  const RandomNetwork network = tanh_network(3, {16384, 2}, 1.0, 0.3, 2);
  const Curve curve = great_circle(3, 1.0, 2, true);
  const CurveOutputs found = curve_outputs(network, curve, 1100);
  for (const long i : {0L, 975L, 976L, 1099L}) {
    Vector x(3);
    curve.point(curve.parameter(i, 1100), x);
    const Vector expected = plain_outputs(network, x);
    for (std::size_t k = 0; k < 2; ++k)
      EXPECT_NEAR(found.outputs[k * 1100 + static_cast<std::size_t>(i)], expected[k], 1e-13);
  }
  EXPECT_NEAR(found.length[0], sample_curve(network, curve, {.samples = 1100}).length[0], 1e-9);
}

using Long = std::vector<long double>;

long double dot(const Long& a, const Long& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0L);
}
Long centred(Long x) {
  const long double mean = std::accumulate(x.begin(), x.end(), 0.0L) / static_cast<long double>(x.size());
  for (long double& value : x) value -= mean;
  return x;
}
/// x less its parts along orthonormal vectors; twice is enough.
Long rest(Long x, const std::vector<Long>& basis) {
  for (int pass = 0; pass < 2; ++pass) {
    for (const Long& direction : basis) {
      const long double along = dot(direction, x);
      for (std::size_t i = 0; i < x.size(); ++i) x[i] -= along * direction[i];
    }
  }
  return x;
}

/// The regression by Gram and Schmidt in extended precision, function by function: R^2 = 1 - |rest|^2 / |y|^2.
Vector plain_errors(const Vector& outputs, std::size_t count, const Vector& t, int frequencies) {
  std::vector<Long> basis;
  for (std::size_t k = 0; k < count; ++k) {
    const auto row = outputs.begin() + static_cast<std::ptrdiff_t>(k * t.size());
    Long direction = rest(centred(Long(row, row + static_cast<std::ptrdiff_t>(t.size()))), basis);
    const long double norm = std::sqrt(dot(direction, direction));
    for (long double& value : direction) value /= norm;
    basis.push_back(direction);
  }
  Vector errors;
  for (int w = 1; w <= frequencies; ++w) {
    for (const bool cosine : {false, true}) {
      Long y;
      for (const double at : t) y.push_back(cosine ? std::cos(w * at) : std::sin(w * at));
      y = centred(y);
      const Long left = rest(y, basis);
      errors.push_back(static_cast<double>(1.0L - std::sqrt(1.0L - dot(left, left) / dot(y, y))));
    }
  }
  return errors;
}

TEST(FourierRegression, AgreesWithFunctionByFunction) {
  const RandomNetwork network = tanh_network(8, {40, 40, 12}, 3.0, 0.3, 5);
  const Curve curve = great_circle(8, 1.0, 5, true);
  const CurveOutputs found = curve_outputs(network, curve, 200);
  const Vector t = parameters_of(curve, 200);
  const FourierRegression fast = fourier_regression(found.outputs, 12, t, 9);
  const Vector plain = plain_errors(found.outputs, 12, t, 9);
  EXPECT_EQ(fast.rank, 12);
  ASSERT_EQ(fast.error.size(), 18U);
  for (std::size_t f = 0; f < 18; ++f) EXPECT_NEAR(fast.error[f], plain[f], 1e-10) << f;
}

TEST(FourierRegression, ALinearMapGivesTheFirstFrequencyAlone) {
  const RandomNetwork network = tanh_network(20, {15}, 4.0, 0.3, 3);
  const Curve circle = great_circle(20, 1.0, 3, false);
  const auto found = fourier_regression(curve_outputs(network, circle, 400).outputs, 15, parameters_of(circle, 400), 5);
  // Only cos t and sin t are there; on the full circle the other frequencies are orthogonal to them.
  EXPECT_EQ(found.rank, 2);
  for (std::size_t f = 0; f < 10; ++f) EXPECT_NEAR(found.error[f], f < 2 ? 0.0 : 1.0, 1e-12) << f;
}

TEST(FourierRegression, RoundingIsNoDirectionOfItsOwn) {
  // Three functions, and copies of them that differ by rounding: the copies' noise would fit a twentieth of anything.
  constexpr std::size_t samples = 300;
  Vector outputs, t;
  for (std::size_t i = 0; i < samples; ++i) t.push_back(2.0 * std::numbers::pi * static_cast<double>(i) / samples);
  for (int copy = 0; copy < 12; ++copy) {
    for (const double at : t) {
      const double w = 1.0 + copy % 3;
      outputs.push_back(std::cos(w * at) * (1.0 + 0.1 * copy) + 1e-16 * std::sin(1e6 * at * (copy + 1)));
    }
  }
  const auto found = fourier_regression(outputs, 12, t, 4);
  EXPECT_EQ(found.rank, 3);
  EXPECT_LT(found.condition, 10.0);
  for (std::size_t f = 0; f < 8; ++f) EXPECT_NEAR(found.error[f], f % 2 == 1 && f < 6 ? 0.0 : 1.0, 1e-12) << f;
}

TEST(FourierRegression, ConstantOutputsFitNothing) {
  const auto found = fourier_regression(Vector(300, 2.5), 3, Vector(100, 0.1), 1);
  EXPECT_EQ(found.rank, 0);
  EXPECT_EQ(found.condition, 1.0);
}

TEST(FourierRegression, TooFewSamplesAndOverflowAreRefused) {
  const Vector t(10, 0.0);
  EXPECT_THROW(fourier_regression(Vector(90, 1.0), 9, t, 1), std::invalid_argument);
  Vector overflown(20, 1.0);
  overflown[3] = INFINITY;
  EXPECT_THROW(fourier_regression(overflown, 2, t, 1), std::domain_error);
}

// ---- Differences.

TEST(ActivationDifference, IsRightToRoundingOfItself) {
  struct Case {
    Activation phi;
    double a, d, exact;
  };
  // mpmath, 40 digits.
  for (const Case& c : std::vector<Case>{{Activation::named("tanh"), 0.7, 1e-12, 6.3473958998207499e-13},
                                         {Activation::named("tanh"), 0.7, -0.03, -0.019387894236434715},
                                         {Activation::named("tanh"), -3.0, 1e-5, 9.8661353385600124e-8},
                                         {Activation::named("erf"), 1.5, 1e-9, 1.1893028904523395e-10},
                                         {Activation::named("gelu"), -2.0, 1e-7, -8.5231806477293544e-9},
                                         {Activation::named("swish"), 3.0, 1e-13, 1.088104106015168e-13},
                                         {Activation::named("sin"), 2.0, 1e-15, -4.1614683654714287e-16},
                                         {Activation::named("relu"), 1.0, -1.5, -1.0},
                                         {Activation::named("hard_tanh"), 0.99, 1e-13, 1e-13},
                                         {Activation::named("hard_tanh"), -2.0, 5.0, 2.0},
                                         {Activation::named("leaky_relu"), -1e-14, 3e-14, 2e-14 + 1e-16}}) {
    // Eight slopes, each right to a few units of rounding.
    EXPECT_NEAR(ActivationDifference(c.phi)(c.a, c.d), c.exact, 1e-14 * std::abs(c.exact)) << c.phi.text() << c.a;
  }
}

TEST(CurveDifferences, AreTheOutputsWhereNothingContracts) {
  for (const bool half : {true, false}) {
    const RandomNetwork network = tanh_network(9, {30, 20, 25, 7}, 2.0, 0.3, 5);
    const Curve curve = great_circle(9, 1.0, 5, half);
    constexpr std::size_t samples = 60;
    const CurveOutputs values = curve_outputs(network, curve, samples);
    const CurveOutputs differences = curve_differences(network, curve, samples);
    EXPECT_EQ(values.rank_bound, 7);
    EXPECT_LT(values.contraction, 10.0);
    for (std::size_t i = 0; i < 7 * samples; ++i) {
      const double expected = values.outputs[i] - values.outputs[i / samples * samples];
      EXPECT_NEAR(differences.outputs[i], expected, 1e-12) << i;
    }
    for (std::size_t l = 0; l < 3; ++l) EXPECT_NEAR(differences.length[l], values.length[l], 1e-12 * values.length[l]);
  }
}

// ---- Claims C14 and C15.

TEST(DeepVersusWide, ShallowLengthsAreTheReferencesAndWithinTheirBound) {
  // Poole et al. 2016, theorem 1: L <= N_1 (1 + s) R = 4 N_1 for tanh on a circle. The references are single draws of
  // 100 neurons without biases, made by another program: within four standard deviations of draws made here.
  constexpr int width = 100, draws = 16;
  for (const auto& [sigma_w, reference] :
       {std::pair{1.0, 42.41997060114722}, {4.0, 90.14479090932265}, {64.0, 270.7491435197919}}) {
    double sum = 0.0, squares = 0.0;
    for (std::uint64_t seed = 0; seed < draws; ++seed) {
      const RandomNetwork network = tanh_network(50, {width, 1}, sigma_w, 0.0, seed);
      const double length = sample_curve(network, great_circle(50, 1.0, seed, false), {.samples = 4000}).length[0];
      EXPECT_LT(length, 4.0 * width);
      sum += length;
      squares += length * length;
    }
    const double mean = sum / draws, deviation = std::sqrt((squares - sum * mean) / (draws - 1.0));
    EXPECT_NEAR(mean, reference, 4.0 * deviation * std::sqrt(1.0 + 1.0 / draws)) << sigma_w;
  }
  for (const int one_or_ten : {1, 10}) {
    const RandomNetwork network = tanh_network(20, {one_or_ten, 1}, 64.0, 0.3, 7);
    EXPECT_LT(curve_outputs(network, great_circle(20, 1.0, 7, true), 4000).length[0], 4.0 * one_or_ten);
  }
}

/// Poole's figure 5 at a fifth of its size: hidden layers, then linear outputs.
double mean_error(std::vector<int> widths, std::uint64_t seed) {
  constexpr int inputs = 100, outputs = 120, frequencies = 50, samples = 600;
  widths.push_back(outputs);
  const Curve curve = great_circle(inputs, 1.0 / inputs, seed, true);
  const CurveOutputs found = curve_outputs(tanh_network(inputs, widths, 4.0, 0.3, seed), curve, samples);
  const auto regression = fourier_regression(found.outputs, outputs, parameters_of(curve, samples), frequencies);
  return std::accumulate(regression.error.begin(), regression.error.end(), 0.0) / (2.0 * frequencies);
}

TEST(DeepVersusWide, ErrorsFallWithDepthAndNotWithWidth) {
  // How many frequencies are within reach is a matter of how fast the outputs' spectrum falls, the same in every draw
  // to a few per cent: 100 functions, of which an analytic function of one layer reaches about 20 in double precision.
  for (const std::uint64_t seed : {1, 2, 3}) {
    const double linear = mean_error({}, seed), one = mean_error({200}, seed), two = mean_error({200, 200}, seed),
                 four = mean_error({200, 200, 200, 200}, seed);
    EXPECT_LT(one, linear - 0.1);
    EXPECT_LT(two, 0.1 * one);
    EXPECT_LT(four, 0.1 * two);
    // Eight times the neurons in one layer do not do a quarter of what a second layer does: they add the logarithm of a
    // factor sqrt(8) to a spectrum that falls exponentially, about two directions to twenty.
    EXPECT_LT(one - mean_error({1600}, seed), 0.25 * (one - two));
  }
}

}  // namespace
}  // namespace meander
