// Mean-field theory against simulated networks: measured / theory = 1 + a / width, fitted over
// widths 100 to 800, with the intercept compared with 1 jointly over the layers.
//
// MEANDER_LONG_TESTS=1 in the environment takes six times as many networks, and adds a smooth
// activation and hard-tanh at sigma_w = 4, whose transitions need many more samples.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "kernels/mean_field/curve_theory.hpp"
#include "kernels/trajectories/sampled_curve.hpp"
#include "tests/support/width_extrapolation.hpp"

namespace meander {
namespace {

using namespace width_extrapolation;

constexpr int dimension = 64;

bool is_long() {
  const char* value = std::getenv("MEANDER_LONG_TESTS");
  return value != nullptr && std::string(value) == "1";
}

struct Case {
  std::string activation;
  double sigma_w, sigma_b;
  CurveKind kind;
  long samples;

  bool kinked() const { return Activation::named(activation).pieces() != nullptr; }
};

void PrintTo(const Case& setting, std::ostream* out) {
  *out << setting.activation << " sigma_w = " << setting.sigma_w << " sigma_b = " << setting.sigma_b;
}

/// One network's measured / theory per layer.
struct Ratios {
  std::array<double, depth> transitions{}, sign_changes{}, length{};
};

/// The limit of fine samples. Behind a kinked activation a neuron's velocity wanders like a Brownian path at small
/// separation, so that chords fall short, and close pairs of crossings are missed, in proportion to the
/// spacing; behind a smooth one in proportion to its square.
double extrapolated(double all, double half, bool kinked) {
  return kinked ? 2.0 * all - half : (4.0 * all - half) / 3.0;
}

/// Curves between two independent Gaussian points, of the length and angle that chance gives them.
Ratios measure(const Case& setting, int width, std::uint64_t realization) {
  const StreamKey key = stream_key(1606, realization);
  const Curve curve = curve_between(setting.kind, gaussian_point(key, 0, dimension), gaussian_point(key, 1, dimension));
  RandomNetwork::Parameters network;
  network.input_dimension = dimension;
  network.widths.assign(depth, width);
  network.activation = Activation::named(setting.activation);
  network.sigma_w = setting.sigma_w;
  network.sigma_b = setting.sigma_b;
  const bool kinked = setting.kinked();
  SampledOptions options;
  options.samples = setting.samples + (curve.closed() ? 0 : 1);  // an even number of intervals
  options.transitions = kinked;
  const SampledCounts counts = sample_curve(RandomNetwork(network, key), curve, options);
  const CurveTheory theory =
      curve_theory(network.activation, {dimension, network.widths, setting.sigma_w, setting.sigma_b, true}, curve);

  Ratios ratios;
  const auto limit = [kinked](auto all, auto half) {
    return extrapolated(static_cast<double>(all), static_cast<double>(half), kinked);
  };
  double length = extrapolated(counts.input_length, counts.input_length_half, false);
  for (std::size_t l = 0; l < depth; ++l) {
    length *= theory.growth[l];
    ratios.length[l] = limit(counts.length[l], counts.length_half[l]) / length;
    ratios.sign_changes[l] = limit(counts.sign_changes[l], counts.sign_changes_half[l]) / theory.sign_changes[l];
    if (!kinked) continue;
    ratios.transitions[l] = limit(counts.transitions[l], counts.transitions_half[l]) / theory.transitions[l];
  }
  return ratios;
}

class TheoryMeetsSimulation : public testing::TestWithParam<Case> {};

TEST_P(TheoryMeetsSimulation, RatioTendsToOneWithWidth) {
  const Case& setting = GetParam();
  const std::array<std::array<int, 2>, 4> plan = {{{100, 160}, {200, 80}, {400, 36}, {800, 16}}};
  std::vector<Sample> transitions;
  std::vector<Sample> sign_changes;
  std::vector<Sample> lengths;
  std::uint64_t realization = 0;
  for (const auto& [width, networks] : plan) {
    for (int i = 0; i < networks * (is_long() ? 6 : 1); ++i) {
      const Ratios ratios = measure(setting, width, realization++);
      transitions.push_back({width, ratios.transitions});
      sign_changes.push_back({width, ratios.sign_changes});
      lengths.push_back({width, ratios.length});
    }
  }
  // The formulas for perpendicular points of equal norm are 12 % off on such lines and 4 % on such
  // circles: the errors must be small against that.
  const double error_limit = setting.kind == CurveKind::line ? 0.02 : 0.012;
  if (setting.kinked()) expect_intercept_one("transitions", transitions, error_limit);
  expect_intercept_one("sign changes", sign_changes, error_limit);
  const Fit length = expect_intercept_one("length", lengths, error_limit);
  if (setting.activation == "relu" && setting.sigma_b == 0.0) {
    // E sqrt(X) of a sum of `width` halved squares: short by 0.625 / width in every layer.
    for (std::size_t l = 0; l < depth; ++l) {
      EXPECT_NEAR(length.slope[l], -0.625 * static_cast<double>(l + 1), 3.5 * length.slope_error[l]);
    }
  }
}

std::string name_of(const testing::TestParamInfo<Case>& parameter) {
  const Case& c = parameter.param;
  return c.activation + "_" + std::to_string(std::lround(10.0 * c.sigma_w)) + "_" +
         (c.kind == CurveKind::line ? "line" : "circle");
}

std::vector<Case> cases() {
  std::vector<Case> all = {{"hard_tanh", 2.0, 0.1, CurveKind::circle, 2000},
                           {"hard_tanh", 2.0, 0.1, CurveKind::line, 1000},
                           {"relu", 1.5, 0.3, CurveKind::line, 1000},
                           {"relu", 1.5, 0.0, CurveKind::circle, 1000}};
  if (is_long()) {
    all.push_back({"tanh", 2.5, 0.3, CurveKind::line, 1000});
    all.push_back({"hard_tanh", 4.0, 0.0, CurveKind::circle, 8000});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Cases, TheoryMeetsSimulation, testing::ValuesIn(cases()), name_of);

}  // namespace
}  // namespace meander
