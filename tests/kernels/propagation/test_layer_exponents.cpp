// Exponents of single networks against finite differences and closed forms, and of many against mean-field theory.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "kernels/gaussian_averages/gaussian_average.hpp"
#include "kernels/mean_field/hermite_design.hpp"
#include "kernels/mean_field/layer_exponent_theory.hpp"
#include "kernels/propagation/layer_exponents.hpp"

namespace meander {
namespace {

double mean_square(const std::vector<double>& x) {
  double sum = 0.0;
  for (const double v : x) sum += v * v;
  return sum / static_cast<double>(x.size());
}

/// x^l of every layer, one neuron after another.
std::vector<std::vector<double>> pushed(const Network& network, std::vector<double> x) {
  std::vector<std::vector<double>> layers;
  for (int l = 1; l <= network.depth(); ++l) {
    const auto inputs = static_cast<std::size_t>(network.fan_in(l));
    const auto outputs = static_cast<std::size_t>(network.width(l));
    std::vector<double> w(inputs * outputs);
    std::vector<double> b(outputs);
    network.weight(l, std::span<double>(w));
    network.bias(l, b);
    std::vector<double> next;
    for (std::size_t i = 0; i < outputs; ++i) {
      double h = b[i];
      for (std::size_t j = 0; j < inputs; ++j) h += w[i * inputs + j] * x[j];
      next.push_back(network.activation()(h));
    }
    x = next;
    layers.push_back(x);
  }
  return layers;
}

RandomNetwork random_network(const Activation& activation, int width, int depth, double sigma_w, double sigma_b,
                             std::uint64_t realization) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = width;
  parameters.widths.assign(static_cast<std::size_t>(depth), width);
  parameters.activation = activation;
  parameters.sigma_w = sigma_w;
  parameters.sigma_b = sigma_b;
  return {parameters, stream_key(11, realization)};
}

TEST(LayerExponents, ProbePairIsExact) {
  const StreamKey key = stream_key(3, 4);
  const ProbePair pair = probe_pair(key, 5, 40, 2.5, -0.3);
  double overlap = 0.0;
  double turn = 0.0;
  for (std::size_t i = 0; i < 40; ++i) {
    overlap += pair.first[i] * pair.second[i] / 40.0;
    turn += pair.first[i] * pair.perturbation[i];
  }
  EXPECT_NEAR(mean_square(pair.first), 2.5, 1e-13);
  EXPECT_NEAR(mean_square(pair.second), 2.5, 1e-13);
  EXPECT_NEAR(overlap, -0.3 * 2.5, 1e-13);
  EXPECT_NEAR(turn, 0.0, 1e-11);
  EXPECT_NE(pair.perturbation, probe_pair(key, 6, 40, 2.5, -0.3).perturbation);
  EXPECT_EQ(probe_pair(key, 5, 40, 2.5, 1.0).second, probe_pair(key, 5, 40, 2.5, 1.0).first);
}

/// The twin: a second input a small step away, pushed by hand.
TEST(LayerExponents, AreFiniteDifferences) {
  const RandomNetwork network = random_network(Activation::named("tanh"), 30, 5, 1.7, 0.2, 0);
  const ProbePair pair = probe_pair(stream_key(11, 0), 0, 30, 1.0, 0.4);
  const LayerExponents found = layer_exponents(network, pair.first, pair.second, pair.perturbation);
  ASSERT_EQ(found.finite_layers, 5);
  constexpr double step = 1e-6;
  std::vector<double> plus = pair.first;
  std::vector<double> minus = pair.first;
  for (std::size_t i = 0; i < plus.size(); ++i) {
    plus[i] += step * pair.perturbation[i];
    minus[i] -= step * pair.perturbation[i];
  }
  const auto a = pushed(network, plus);
  const auto b = pushed(network, minus);
  double before = std::sqrt(mean_square(pair.perturbation));
  double total = 0.0;
  for (std::size_t l = 0; l < 5; ++l) {
    std::vector<double> difference;
    for (std::size_t i = 0; i < 30; ++i) difference.push_back((a[l][i] - b[l][i]) / (2.0 * step));
    const double now = std::sqrt(mean_square(difference));
    total += std::log(now / before);
    // Central differences: step^2 and rounding 1e-16 / step.
    EXPECT_NEAR(found.exponent[l], std::log(now / before), 1e-8);
    EXPECT_NEAR(found.log_growth[l], total, 1e-8);
    before = now;
  }
}

TEST(LayerExponents, DiagonalNetworkInClosedForm) {
  const StoredNetwork::Layer layer{2, {3.0, 0.0, 0.0, 3.0}, {0.0, 0.0}};
  const StoredNetwork network(2, {layer, layer}, Activation::named("linear"));
  // Two pairs; the second's perturbation grows just as much.
  const LayerExponents found =
      layer_exponents(network, std::vector<double>{1.0, 0.0, 0.0, 2.0}, std::vector<double>{0.0, 1.0, 0.0, -2.0},
                      std::vector<double>{0.0, 1.0, 1e-200, 1e-200});
  EXPECT_NEAR(found.q[0], 9.0 * (0.5 + 2.0) / 2.0, 1e-13);
  EXPECT_NEAR(found.c[1], -0.5, 1e-15);
  EXPECT_NEAR(found.exponent[0], std::log(3.0), 1e-13);
  EXPECT_NEAR(found.log_growth[1], 2.0 * std::log(3.0), 1e-13);
  EXPECT_THROW(layer_exponents(network, std::vector<double>(3), std::vector<double>(3), std::vector<double>(3)),
               std::invalid_argument);
}

TEST(LayerExponents, DeathAndOverflow) {
  // No neuron is on: nothing grows any more.
  const StoredNetwork::Layer off{2, {1.0, 0.0, 0.0, 1.0}, {-9.0, -9.0}};
  const StoredNetwork dead(2, {off, off}, Activation::named("relu"));
  const std::vector<double> x{1.0, 1.0};
  const std::vector<double> v{1.0, -1.0};
  const LayerExponents died = layer_exponents(dead, x, x, v);
  EXPECT_EQ(died.finite_layers, 2);
  EXPECT_EQ(died.exponent[0], -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(died.exponent[1]));
  EXPECT_EQ(died.log_growth[1], -std::numeric_limits<double>::infinity());
  // A cubic from far outside its basin squares its exponent in each layer.
  const RandomNetwork cubic = random_network(Activation::hermite({0.0, 1.0, 0.0, -0.3}), 20, 40, 1.0, 0.0, 1);
  const ProbePair pair = probe_pair(stream_key(11, 1), 0, 20, 1e6, 0.0);
  const LayerExponents blown = layer_exponents(cubic, pair.first, pair.second, pair.perturbation);
  EXPECT_GT(blown.finite_layers, 1);
  EXPECT_LT(blown.finite_layers, 10);
  for (const double q : blown.q) EXPECT_TRUE(std::isfinite(q));
  EXPECT_EQ(blown.q.size(), static_cast<std::size_t>(blown.finite_layers));
}

TEST(LayerExponents, TheoryInClosedForm) {
  // ReLU at sigma_w^2 = 2: q stays, exponent 0, and c by the arc-cosine kernel (Cho & Saul 2009).
  const LayerExponentTheory relu = layer_exponent_theory(Activation::named("relu"), std::sqrt(2.0), 0.0, 0.7, 0.2, 8);
  double c = 0.2;
  for (std::size_t l = 0; l < 8; ++l) {
    EXPECT_NEAR(relu.q[l], 1.4, 1e-12);
    EXPECT_NEAR(relu.exponent[l], 0.0, 1e-12);
    EXPECT_NEAR(relu.c[l], c, 1e-11);
    c = (std::sqrt(1.0 - c * c) + c * (std::numbers::pi - std::acos(c))) / std::numbers::pi;
  }
  const LayerExponentTheory linear = layer_exponent_theory(Activation::named("linear"), 0.5, 0.0, 1.0, -0.4, 3);
  EXPECT_NEAR(linear.q[2], 1.0 / 64.0, 1e-15);
  EXPECT_NEAR(linear.c[2], -0.4, 1e-12);
  EXPECT_NEAR(linear.log_growth[2], 3.0 * std::log(0.5), 1e-12);
  // Equal inputs stay equal, also where c = 1 repels.
  const LayerExponentTheory chaotic = layer_exponent_theory(Activation::named("tanh"), 3.0, 0.3, 1.0, 1.0, 40);
  for (const double c_l : chaotic.c) EXPECT_EQ(c_l, 1.0);
  // Out of the basin: 3 layers or so, then nothing.
  const LayerExponentTheory blown = layer_exponent_theory(Activation::hermite({0, 1, 0, -0.3}), 1.0, 0.0, 1e6, 0.0, 40);
  EXPECT_LT(blown.finite_layers, 12);
  EXPECT_EQ(blown.c.size(), static_cast<std::size_t>(blown.finite_layers));
}

struct Average {
  double mean = 0.0;
  double error = 0.0;
};

Average average(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  Average out;
  for (const double v : values) out.mean += v / n;
  for (const double v : values) out.error += (v - out.mean) * (v - out.mean) / (n * (n - 1.0));
  out.error = std::sqrt(out.error);
  return out;
}

/// Given h, the factor of a perpendicular perturbation is (sigma_w^2 / N) sum phi'(h_i)^2 g_i^2: relative variance
/// (3 E phi'^4 / (E phi'^2)^2 - 1) / N, so that the mean of (1/2) ln lies a quarter of that below (1/2) ln chi_1
/// (SCIENCE: ReLU's length carries 1 - 0.625 / N, half of its 2.5 / N).
TEST(LayerExponents, MeanOfLogarithmsLiesBelowTheory) {
  constexpr int width = 60;
  constexpr int depth = 4;
  constexpr int pairs = 8;
  for (const char* name : {"relu", "tanh"}) {
    const Activation phi = Activation::named(name);
    const double sigma_w = name[0] == 'r' ? std::sqrt(2.0) : 1.4;
    const LayerExponentTheory theory = layer_exponent_theory(phi, sigma_w, 0.0, 1.0, 0.0, depth);
    std::vector<std::vector<double>> exponents(depth);
    for (std::uint64_t r = 0; r < 600; ++r) {
      const RandomNetwork network = random_network(phi, width, depth, sigma_w, 0.0, r);
      std::vector<double> x, y, v;
      for (int p = 0; p < pairs; ++p) {
        const ProbePair pair = probe_pair(stream_key(11, r), p, width, 1.0, 0.0);
        x.insert(x.end(), pair.first.begin(), pair.first.end());
        y.insert(y.end(), pair.second.begin(), pair.second.end());
        v.insert(v.end(), pair.perturbation.begin(), pair.perturbation.end());
      }
      const LayerExponents found = layer_exponents(network, x, y, v);
      for (std::size_t l = 0; l < depth; ++l) exponents[l].push_back(found.exponent[l]);
    }
    for (std::size_t l = 0; l < depth; ++l) {
      const auto power = [&](double p) {
        return gaussian_average(phi, theory.q[l], [&](double h) { return std::pow(phi.derivative(h), p); });
      };
      const double below = (3.0 * power(4) / std::pow(power(2), 2) - 1.0) / (4.0 * width);
      const Average measured = average(exponents[l]);
      // Second order: for a gamma variate of relative variance v = 5 / N, v^2 / 24 = 3e-4. Where the exponent depends
      // on q^l (variance 2/N to 3/N), it bends with a coefficient below 1/10.
      const double beyond = name[0] == 'r' ? 1e-3 : 0.3 / width;
      EXPECT_NEAR(measured.mean, theory.exponent[l] - below, 4.5 * measured.error + beyond) << name << " " << l;
      EXPECT_LT(measured.error, 0.004);  // else a shift of 1.25 / N could not be seen
    }
  }
}

/// The design at the edge of chaos in networks: q stays at 1 and perturbations neither grow nor shrink. Biases are of
/// first order in 1/N with coefficients of order 1 (quarter of the relative variance of a layer's growth, half the
/// curvature of the maps times the variance of q); 4 / N leaves room for them and would not hide V' >= 1.
TEST(LayerExponents, DesignedActivationStaysAtTheEdge) {
  constexpr int width = 300;
  constexpr int depth = 12;
  const HermiteDesign design = design_hermite({1.0, 0.5, {0, 1, 2, 3}, 1.0, 0.0});
  const Activation phi = Activation::hermite(design.coefficients);
  std::vector<double> q, growth;
  for (std::uint64_t r = 0; r < 60; ++r) {
    const RandomNetwork network = random_network(phi, width, depth, 1.0, 0.0, r);
    std::vector<double> x, y, v;
    for (int p = 0; p < 8; ++p) {
      const ProbePair pair = probe_pair(stream_key(11, r), p, width, 1.5, 0.0);
      x.insert(x.end(), pair.first.begin(), pair.first.end());
      y.insert(y.end(), pair.second.begin(), pair.second.end());
      v.insert(v.end(), pair.perturbation.begin(), pair.perturbation.end());
    }
    const LayerExponents found = layer_exponents(network, x, y, v);
    ASSERT_EQ(found.finite_layers, depth);
    q.push_back(found.q.back());
    growth.push_back(std::exp(2.0 * found.log_growth.back()));
  }
  const LayerExponentTheory theory = layer_exponent_theory(phi, 1.0, 0.0, 1.5, 0.0, depth);
  EXPECT_NEAR(theory.q.back(), 1.0, 1e-3);  // 0.5 V'^11
  EXPECT_NEAR(theory.exponent.back(), 0.0, 1e-3);
  const Average length = average(q);
  EXPECT_NEAR(length.mean, theory.q.back(), 4.5 * length.error + 4.0 / width);
  // The logarithm of the mean, at L <= N / 10.
  const Average mean_growth = average(growth);
  EXPECT_NEAR(0.5 * std::log(mean_growth.mean), theory.log_growth.back(),
              4.5 * mean_growth.error / (2.0 * mean_growth.mean) + 4.0 / width);
  EXPECT_LT(mean_growth.error / mean_growth.mean, 0.1);
}

}  // namespace
}  // namespace meander
