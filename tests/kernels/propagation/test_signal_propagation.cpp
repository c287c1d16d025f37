// Two signals, gradients and perturbations through networks: the kernel against its plain twin, inputs met exactly,
// masks, and random networks against mean-field theory (claims C1 to C3, C5 to C7).
#include "kernels/propagation/signal_propagation.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numeric>

#include "kernels/curves/curve.hpp"
#include "kernels/mean_field/length_map.hpp"
#include "kernels/mean_field/mean_field.hpp"
#include "kernels/mean_field/propagation_theory.hpp"
#include "kernels/propagation/signal_propagation_parts.hpp"
#include "tests/support/width_extrapolation.hpp"

namespace meander {
namespace {

RandomNetwork network(std::vector<int> widths, double sigma_w, double sigma_b, int inputs, StreamKey key,
                      const char* activation = "tanh") {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = inputs;
  parameters.widths = std::move(widths);
  parameters.activation = Activation::named(activation);
  parameters.sigma_w = sigma_w;
  parameters.sigma_b = sigma_b;
  return RandomNetwork(parameters, key);
}

using Pair = std::array<std::vector<double>, 2>;

Pair pair_of(StreamKey key, int dimension, double q0, double c0) {
  Pair pair{gaussian_point(key, 0, dimension), gaussian_point(key, 1, dimension)};
  correlate(pair[0], pair[1], q0, c0);
  return pair;
}

double product(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0) / static_cast<double>(a.size());
}

/// Sums of a hundred terms: 1e-14.
TEST(SignalPropagation, InputsHaveTheWantedLengthAndCorrelation) {
  for (const double c0 : {-1.0, -0.5, 0.0, 1e-9, 0.3, 0.999999, 1.0}) {
    const auto [x0, x1] = pair_of(stream_key(3, 1), 100, 1.7, c0);
    EXPECT_NEAR(product(x0, x0), 1.7, 1e-14);
    EXPECT_NEAR(product(x1, x1), 1.7, 1e-14);
    EXPECT_NEAR(product(x0, x1) / 1.7, c0, 1e-14) << c0;
  }
  // The first input does not depend on the correlation, and two dimensions are enough.
  EXPECT_EQ(pair_of(stream_key(3, 1), 2, 1.0, 0.2)[0], pair_of(stream_key(3, 1), 2, 1.0, 0.9)[0]);
  EXPECT_THROW(pair_of(stream_key(3, 1), 5, 1.0, 1.1), std::invalid_argument);
  EXPECT_THROW(pair_of(stream_key(3, 1), 1, 1.0, 0.5), std::invalid_argument);
  EXPECT_NO_THROW(pair_of(stream_key(3, 1), 1, 1.0, -1.0));
}

/// A handful of products of a few dozen terms each: 1e-12 of the numbers.
TEST(SignalPropagation, FusedAgreesWithPlain) {
  const StreamKey key = stream_key(3, 2);
  for (const double keep : {1.0, 0.7}) {
    for (const char* activation : {"tanh", "relu", "swish"}) {
      const auto net = network({20, 30, 15, 25}, 1.8, 0.4, 10, key, activation);
      const auto [x0, x1] = pair_of(key, 10, 0.8, 0.4);
      const PropagationOptions options{.keep = keep, .gradients = true, .perturbations = true};
      const Propagation found = propagate(net, x0, x1, key, options);
      const Propagation plain = propagate_plain(net, x0, x1, key, options);
      ASSERT_EQ(found.finite_layers, 4);
      for (std::size_t l = 0; l < 4; ++l) {
        EXPECT_NEAR(found.q[l], plain.q[l], 1e-12 * plain.q[l]);
        EXPECT_NEAR(found.c[l], plain.c[l], 1e-12);
        EXPECT_NEAR(found.gradient[l], plain.gradient[l], 1e-12 * plain.gradient[l]);
        EXPECT_NEAR(found.perturbation_growth[l], plain.perturbation_growth[l], 1e-12 * plain.perturbation_growth[l]);
      }
      EXPECT_DOUBLE_EQ(found.gradient[3], 1.0);
      EXPECT_NEAR(found.perturbation_growth[3], 1.0, 1e-14);
    }
  }
}

/// Masks are the stream's: kept with probability `keep` (within 5 standard errors of 20000 draws), independent between
/// inputs and layers, nested as `keep` falls, and the beginning of a wider layer's.
TEST(SignalPropagation, MasksAreKeyedByInputLayerAndNeuron) {
  const StreamKey key = stream_key(3, 4);
  constexpr int width = 20000;
  const auto mask = [&](int layer, std::uint32_t input, double keep) {
    return dropout_mask(key, layer, input, width, keep);
  };
  const auto first = mask(1, 0, 0.8);
  const double error = 5.0 * std::sqrt(0.8 * 0.2 / width);
  EXPECT_NEAR(std::accumulate(first.begin(), first.end(), 0.0) / width, 0.8, error);
  EXPECT_NEAR(product(first, mask(1, 1, 0.8)), 0.64, 5.0 * std::sqrt(0.64 * 0.36 / width));
  EXPECT_NEAR(product(first, mask(2, 0, 0.8)), 0.64, 5.0 * std::sqrt(0.64 * 0.36 / width));
  EXPECT_EQ(product(first, mask(1, 0, 0.6)), product(mask(1, 0, 0.6), mask(1, 0, 0.6)));
  const auto narrow = dropout_mask(key, 1, 0, 7, 0.8);
  EXPECT_TRUE(std::equal(narrow.begin(), narrow.end(), first.begin()));
  const auto [x0, x1] = pair_of(key, 3, 1.0, 0.0);
  EXPECT_THROW(propagate(network({4}, 1.0, 0.0, 3, key), x0, x1, key, {.keep = 0.0}), std::invalid_argument);
  EXPECT_THROW(propagate(network({4}, 1.0, 0.0, 2, key), x0, x1, key, {}), std::invalid_argument);
}

/// Overflow ends in the layer before; a gradient that leaves the range of numbers in between does not.
TEST(SignalPropagation, OverflowIsSeen) {
  const StreamKey key = stream_key(3, 5);
  const auto [x0, x1] = pair_of(key, 4, 1.0, 0.0);
  const Propagation found =
      propagate(network({4, 4, 4, 4}, 1e60, 0.0, 4, key, "linear"), x0, x1, key, {.gradients = true});
  EXPECT_EQ(found.finite_layers, 2);
  EXPECT_TRUE(found.gradient.empty());
}

/// boundary_dropout_shallow.json, "dropout_tanh": q* and c* at rho = 0.99, sigma_w^2 = 1.76, sigma_b^2 = 0.05 (1e-11).
TEST(PropagationTheory, IteratesToTheFixedPoints) {
  const PropagationParameters parameters{std::vector<int>(1200, 10), std::sqrt(1.76), std::sqrt(0.05), 0.99};
  const PropagationTheory theory = propagation_theory(Activation::named("tanh"), parameters, {1.0, 1.0, 1.0});
  EXPECT_NEAR(theory.c[0], 1.0, 1e-15);
  EXPECT_NEAR(theory.q.back(), 0.5803879243002856, 1e-11);
  EXPECT_NEAR(theory.c.back(), 0.7663402382021114, 1e-10);
}

/// mean_field.json, "depth_scales": the correlation's approach to 1 at sigma_w^2 = 1.5, and (1 / xi = -ln chi_1) the
/// gradient's rate. C5, C7.
TEST(PropagationTheory, RatesAreTheDepthScales) {
  const Activation tanh = Activation::named("tanh");
  const double sigma_w = std::sqrt(1.5);
  const double sigma_b = std::sqrt(0.05);
  const PhasePoint point = phase_point(tanh, sigma_w, sigma_b);
  const PropagationParameters parameters{std::vector<int>(150, 10), sigma_w, sigma_b, 1.0};
  const double q0 = (point.q_star - 0.05) / 1.5;
  const PropagationTheory theory = propagation_theory(tanh, parameters, {q0, q0, 0.9 * q0});
  // What is left of the curvature of the map: 1 - c = 1e-5 here.
  EXPECT_NEAR(-1.0 / std::log((1.0 - theory.c[149]) / (1.0 - theory.c[148])), 15.79099403412291, 2e-3);
  EXPECT_NEAR(theory.gradient[0], std::exp(-149.0 / 15.79099403412291), 1e-9 * theory.gradient[0]);
  EXPECT_NEAR(theory.perturbation_growth[10], theory.gradient[10], 1e-15);
}

using namespace width_extrapolation;

struct Case {
  double sigma_w, sigma_b, q0, c0, keep;
  std::uint64_t seed;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << "sigma_w = " << c.sigma_w << " q0 = " << c.q0 << " c0 = " << c.c0 << " keep = " << c.keep;
}

class SignalsMeetTheory : public testing::TestWithParam<Case> {};

/// Ratios to theory of q, c, gradients and perturbations in layers 2 to 6 (5 to 1 for those that end in layer 6), each
/// network drawn anew: = 1 + a / width, intercept 1.
TEST_P(SignalsMeetTheory, RatioTendsToOneWithWidth) {
  const Case& c = GetParam();
  const Activation tanh = Activation::named("tanh");
  std::vector<Sample> q, correlation, gradient, perturbation;
  std::uint64_t realization = 0;
  const std::array<std::array<int, 2>, 4> plan = {{{50, 800}, {100, 400}, {200, 200}, {400, 80}}};
  for (const auto& [width, networks] : plan) {
    const std::vector<int> widths(depth + 1, width);
    const PropagationTheory theory =
        propagation_theory(tanh, {widths, c.sigma_w, c.sigma_b, c.keep}, {c.q0, c.q0, c.c0 * c.q0});
    for (int i = 0; i < networks; ++i) {
      const StreamKey key = stream_key(c.seed, realization++);
      const auto [x0, x1] = pair_of(key, 20, c.q0, c.c0);
      const Propagation found = propagate(network(widths, c.sigma_w, c.sigma_b, 20, key), x0, x1, key,
                                          {.keep = c.keep, .gradients = true, .perturbations = true});
      Layers of_q{}, of_c{}, of_gradient{}, of_growth{};
      for (std::size_t l = 0; l < depth; ++l) {
        of_q[l] = found.q[l + 1] / theory.q[l + 1];
        of_c[l] = found.c[l + 1] / theory.c[l + 1];
        of_gradient[l] = found.gradient[l] / theory.gradient[l];
        of_growth[l] = found.perturbation_growth[l] / theory.perturbation_growth[l];
      }
      q.push_back({width, of_q});
      correlation.push_back({width, of_c});
      gradient.push_back({width, of_gradient});
      perturbation.push_back({width, of_growth});
    }
  }
  // Leaving out keep in any of the four would show as 10 % and more.
  expect_intercept_one("q", q, 0.02);
  expect_intercept_one("c", correlation, 0.05);
  expect_intercept_one("gradient", gradient, 0.04);
  expect_intercept_one("perturbation growth", perturbation, 0.04);
}

INSTANTIATE_TEST_SUITE_P(Cases, SignalsMeetTheory,
                         testing::Values(Case{1.3, 0.3, 2.0, 0.6, 1.0, 11}, Case{2.5, 0.3, 0.1, 0.8, 1.0, 12},
                                         Case{1.4, 0.3, 0.5, 1.0, 0.8, 13}));

}  // namespace
}  // namespace meander
