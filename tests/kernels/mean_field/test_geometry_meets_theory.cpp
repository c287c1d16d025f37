// Geometry of random networks against mean-field theory (claims C9 to C11 and C13): measured / theory = 1 + a / width,
// fitted over widths 100 to 800 of independent networks, the intercepts of layers 2 to 6 compared with 1 jointly.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "kernels/mean_field/geometry_theory.hpp"
#include "kernels/trajectories/manifold_geometry.hpp"
#include "tests/support/width_extrapolation.hpp"

namespace meander {
namespace {

using namespace width_extrapolation;

constexpr int inputs = 32;
constexpr long points = 24;

struct Case {
  const char* activation;
  double sigma_w;
  /// A circle between points that are neither perpendicular nor equally long, about another center: q varies along it.
  bool skewed;
  std::uint64_t seed;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.activation << " sigma_w = " << c.sigma_w << (c.skewed ? " skewed" : "");
}

struct Samples {
  std::vector<Sample> metric, curvature, grassmannian, similarity;
};

/// Ratios of layers 2 to 6, layer 1 being exact in the mean whatever the width.
Layers ratio(const std::vector<double>& found, const std::vector<double>& theory) {
  Layers result{};
  for (std::size_t l = 0; l < depth; ++l) result[l] = found[l + 1] / theory[l + 1];
  return result;
}

void add_network(const Case& c, int width, std::uint64_t realization, Samples& samples) {
  const StreamKey key = stream_key(c.seed, realization);
  std::vector<double> x0 = gaussian_point(stream_key(1, 0), 0, inputs);
  std::vector<double> x1 = gaussian_point(stream_key(1, 0), 1, inputs);
  rescale(x0, 0.6);
  rescale(x1, 1.2);
  if (!c.skewed) make_orthonormal(x0, x1);
  Curve curve = curve_between(CurveKind::circle, x0, x1);
  if (c.skewed) curve.center[3] = 2.0;
  RandomNetwork::Parameters network;
  network.input_dimension = inputs;
  network.widths.assign(depth + 1, width);
  network.activation = Activation::named(c.activation);
  network.sigma_w = c.sigma_w;
  network.sigma_b = 0.3;
  const GeometryOptions options{.samples = points, .autocorrelation = !c.skewed};
  const ManifoldGeometry found = manifold_geometry(RandomNetwork(network, key), curve, options);
  const TheoryParameters parameters{inputs, network.widths, c.sigma_w, 0.3, true};
  // The same for every network of a width, and but for `length` for every width.
  static std::vector<std::pair<const Case*, GeometryTheory>> known;
  if (known.empty() || known.back().first != &c)
    known.emplace_back(&c, geometry_theory(network.activation, parameters, curve));
  const GeometryTheory& theory = known.back().second;
  samples.metric.push_back({width, ratio(found.metric, theory.metric)});
  samples.curvature.push_back({width, ratio(found.curvature, theory.curvature)});
  samples.grassmannian.push_back({width, ratio(found.grassmannian_length, theory.grassmannian_length)});
  if (c.skewed) return;
  // An eighth of a turn apart.
  constexpr std::size_t lag = points / 8;
  const std::vector<double> delta{2.0 * 3.14159265358979 * static_cast<double>(lag) / static_cast<double>(points)};
  static std::vector<std::pair<const Case*, std::vector<std::vector<double>>>> alike;
  if (alike.empty() || alike.back().first != &c)
    alike.emplace_back(&c, autocorrelation_theory(network.activation, parameters, curve, delta));
  Layers similarity{};
  for (std::size_t l = 0; l < depth; ++l)
    similarity[l] = found.autocorrelation[l + 1][lag] / alike.back().second[l + 1][0];
  samples.similarity.push_back({width, similarity});
}

class GeometryMeetsTheory : public testing::TestWithParam<Case> {};

TEST_P(GeometryMeetsTheory, RatioTendsToOneWithWidth) {
  const Case& c = GetParam();
  Samples samples;
  std::uint64_t realization = 0;
  const std::array<std::array<int, 2>, 4> plan = {{{100, 200}, {200, 100}, {400, 50}, {800, 24}}};
  for (const auto& [width, networks] : plan) {
    for (int i = 0; i < networks; ++i) add_network(c, width, realization++, samples);
  }
  // Poole's recursion on a curve that is not uniform, or chi_1 at q* instead of q^(l-1), is off by 5 % and more here.
  expect_intercept_one("metric", samples.metric, 0.02);
  expect_intercept_one("curvature", samples.curvature, 0.02);
  expect_intercept_one("Grassmannian length", samples.grassmannian, 0.02);
  if (!c.skewed) expect_intercept_one("autocorrelation", samples.similarity, 0.03);
}

INSTANTIATE_TEST_SUITE_P(Cases, GeometryMeetsTheory,
                         testing::Values(Case{"tanh", 1.3, false, 1}, Case{"tanh", 2.5, false, 2},
                                         Case{"tanh", 2.0, true, 3}, Case{"gelu", 1.6, false, 4}));

/// C12: the larger sigma_w, the more dimensions the circle winds through. A plane loop has 0.5 and 0.5.
TEST(PrincipalComponents, SpectrumFlattensWithSigmaW) {
  double before = 1.0;
  for (const double sigma_w : {1.3, 2.5, 4.0}) {
    const StreamKey key = stream_key(1606, 0);
    std::vector<double> x0 = gaussian_point(key, 0, inputs);
    std::vector<double> x1 = gaussian_point(key, 1, inputs);
    make_orthonormal(x0, x1);
    RandomNetwork::Parameters network;
    network.input_dimension = inputs;
    network.widths.assign(8, 150);
    network.activation = Activation::named("tanh");
    network.sigma_w = sigma_w;
    network.sigma_b = 0.3;
    const ManifoldGeometry found =
        manifold_geometry(RandomNetwork(network, key), curve_between(CurveKind::circle, x0, x1),
                          {.samples = 100, .component_layers = {8}});
    const auto& fraction = found.components.at(0).singular_value_fraction;
    EXPECT_LT(fraction[0] + fraction[1], 0.75 * before) << sigma_w;
    before = fraction[0] + fraction[1];
  }
}

}  // namespace
}  // namespace meander
