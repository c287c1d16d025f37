// The measure `geometry`: its arrays, what is missing where nothing is defined, and what it refuses.
#include <gmock/gmock.h>

#include <cmath>
#include <numbers>

#include "kernels/trajectories/manifold_geometry.hpp"
#include "tests/support/in_process.hpp"

namespace meander {
namespace {

using testing::HasSubstr;
using testing_support::Folder;
using testing_support::Ran;
using testing_support::run;

class Geometry : public testing::Test {
 protected:
  Ran study(const std::string& sweep, const std::string& rest = "") const {
    return run(folder_.write("study.toml", "measure = \"geometry\"\nseed = 5\n[sweep]\n" + sweep + rest));
  }
  std::string refusal(const std::string& sweep, const std::string& rest) const {
    return testing_support::refusal_of([&] { study(sweep, rest); });
  }
  static constexpr const char* input = "[input]\ndimension = 10\nq0 = 0.7\n";

  Folder folder_;
};

constexpr const char* smooth = "width = 12\ndepth = [2, 3]\nsigma_w = 1.5\nsigma_b = 0.2\nactivation = \"tanh\"\n";

/// Every number is the kernel's, for the network and curve that the stream gives; theory stands beside.
TEST_F(Geometry, MeasuresTheNetworkOfTheCell) {
  const Ran ran = study(smooth, std::string(input) + "[curve]\nsamples = 20\n");
  const StreamKey key = stream_key(5, 0);
  std::vector<double> x0 = gaussian_point(key, 0, 10);
  std::vector<double> x1 = gaussian_point(key, 1, 10);
  make_orthonormal(x0, x1);
  rescale(x0, 0.7);
  rescale(x1, 0.7);
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = 10;
  parameters.widths = {12, 12, 12};
  parameters.activation = Activation::named("tanh");
  parameters.sigma_w = 1.5;
  parameters.sigma_b = 0.2;
  const ManifoldGeometry expected =
      manifold_geometry(RandomNetwork(parameters, key), curve_between(CurveKind::circle, x0, x1),
                        {.samples = 20, .autocorrelation = true});
  EXPECT_EQ(ran.values("metric", 1), expected.metric);
  EXPECT_EQ(ran.values("curvature", 1), expected.curvature);
  EXPECT_EQ(ran.values("grassmannian_length", 1), expected.grassmannian_length);
  EXPECT_EQ(ran.values("length", 1), expected.length);
  EXPECT_EQ(ran.values("q", 1), expected.q);
  const std::vector<double> similarity = ran.values("autocorrelation", 1);
  ASSERT_EQ(similarity.size(), 3u * 11u);
  EXPECT_EQ(similarity[2 * 11 + 4], expected.autocorrelation[2][4]);
  // Layer 1 of the theory: g = sigma_w^2 q0, kappa = 1 / sqrt(g), a full turn.
  EXPECT_NEAR(ran.values("metric_theory", 1)[0], 2.25 * 0.7, 1e-12);
  EXPECT_NEAR(ran.values("curvature_theory", 1)[0], 1.0 / std::sqrt(2.25 * 0.7), 1e-12);
  EXPECT_NEAR(ran.values("grassmannian_length_theory", 1)[0], 2.0 * std::numbers::pi, 1e-12);
  EXPECT_NEAR(ran.values("q_theory", 1)[0], 2.25 * 0.7 + 0.04, 1e-12);
  EXPECT_NEAR(ran.values("autocorrelation_theory", 1)[3],
              (2.25 * 0.7 * std::cos(0.3 * std::numbers::pi) + 0.04) / (2.25 * 0.7 + 0.04), 1e-12);
}

/// delta are the multiples of the samples' spacing, thinned to `deltas`; swept samples have none in common.
TEST_F(Geometry, DistancesAreThoseOfTheSamples) {
  const std::string samples = "[curve]\nsamples = 24\n";
  const Ran all = study(smooth, input + samples);
  const OwnDimension& delta = all.layout.dimension("delta");
  ASSERT_EQ(delta.size, 13u);
  EXPECT_DOUBLE_EQ(delta.coordinates[6].number(), std::numbers::pi / 2.0);
  const Ran some = study(smooth, input + samples + "[geometry]\ndeltas = 4\n");
  ASSERT_EQ(some.layout.dimension("delta").size, 5u);
  for (std::size_t k = 0; k < 5; ++k)
    EXPECT_EQ(some.values("autocorrelation")[k], all.values("autocorrelation")[3 * k]);
  const std::string swept = std::string(smooth) + "samples = [24, 36]\n";
  EXPECT_FALSE(study(swept, input).has("autocorrelation"));
  EXPECT_THAT(refusal(swept, std::string(input) + "[geometry]\nautocorrelation = true\n"), HasSubstr("is swept"));
}

/// Of kinked activations metric and length only: arrays absent where all are kinked, missing where some are.
TEST_F(Geometry, KinksHaveNoCurvature) {
  const std::string mixed = "width = 6\ndepth = 2\nsigma_w = 1.5\nactivation = [\"relu\", \"tanh\"]\n";
  const Ran both = study(mixed, input);
  EXPECT_TRUE(both.values("curvature", 0).empty());
  EXPECT_FALSE(both.values("metric", 0).empty());
  EXPECT_FALSE(both.values("curvature", 1).empty());
  const std::string kinked = "width = 6\ndepth = 2\nsigma_w = 1.5\nactivation = [\"relu\", \"hard_tanh\"]\n";
  const Ran neither = study(kinked, input);
  EXPECT_FALSE(neither.has("curvature"));
  EXPECT_FALSE(neither.has("grassmannian_length_theory"));
  EXPECT_TRUE(neither.has("length_theory"));
  EXPECT_THAT(refusal(mixed, std::string(input) + "[geometry]\ncurvature = true\n"), HasSubstr("has kinks"));
  EXPECT_FALSE(study(smooth, std::string(input) + "[geometry]\ncurvature = false\n").has("curvature"));
}

TEST_F(Geometry, LinesHaveNoAutocorrelation) {
  const std::string line = "[curve]\nkind = \"line\"\nsamples = 9\n";
  const Ran ran = study(smooth, input + line);
  EXPECT_FALSE(ran.has("autocorrelation"));
  // The line is drawn, so that its theory belongs to the realization.
  EXPECT_EQ(ran.layout.families.size(), 1u);
  EXPECT_GT(ran.values("curvature_theory", 0)[1], 0.0);
  EXPECT_THAT(refusal(smooth, input + line + "[geometry]\nautocorrelation = true\n"), HasSubstr("is no circle"));
}

TEST_F(Geometry, PrincipalComponentsOfChosenLayers) {
  const Ran ran = study(
      smooth, std::string(input) + "[curve]\nsamples = 16\n[geometry]\ncomponent_layers = [3, 1]\ncomponents = 2\n");
  EXPECT_EQ(ran.values("principal_components", 1).size(), 2u * 2u * 16u);
  EXPECT_EQ(ran.values("principal_components", 0).size(), 1u * 2u * 16u);  // no layer 3
  const std::vector<double> fractions = ran.values("singular_value_fraction", 1);
  ASSERT_EQ(fractions.size(), 2u * 5u);
  EXPECT_NEAR(fractions[0] + fractions[1], 1.0, 1e-12);  // layer 1 is an ellipse
  EXPECT_LT(fractions[5] + fractions[6], 1.0);
  EXPECT_FALSE(study(smooth, input).has("principal_components"));
  EXPECT_THAT(refusal(smooth, std::string(input) + "[geometry]\ncomponent_layers = [4]\n"), HasSubstr("names layer 4"));
  EXPECT_THAT(refusal(smooth, std::string(input) + "[geometry]\ncomponent_layers = [2, 2]\n"), HasSubstr("twice"));
}

/// A circle between images made orthonormal and of given length has nothing of the draw left in its theory.
TEST_F(Geometry, CirclesOfGivenLengthHaveOneTheory) {
  folder_.write_digits(4);
  const std::string circle = "[curve]\northonormal = true\nsamples = 8\n";
  const Ran given = study(smooth, "[input]\nimages = \"digits\"\nq0 = 0.7\n" + circle);
  const Ran random = study(smooth, input + circle);
  EXPECT_EQ(given.layout.families.size(), 2u);
  EXPECT_EQ(given.values("metric_theory"), random.values("metric_theory"));
  EXPECT_EQ(study(smooth, "[input]\nimages = \"digits\"\n" + circle).layout.families.size(), 1u);
}

/// With q0 = "fixed_point" layer 1 starts at q*, and stays there.
TEST_F(Geometry, PoolesCircleStartsAtTheFixedPoint) {
  const Ran ran = study("width = 4\ndepth = 5\nsigma_w = 2.5\nsigma_b = 0.3\nactivation = \"tanh\"\n",
                        "[input]\ndimension = 10\nq0 = \"fixed_point\"\n[curve]\northonormal = true\nsamples = 8\n");
  for (const double q : ran.values("q_theory")) EXPECT_NEAR(q, 4.079123875282246, 1e-10);
  // geometry_tanh.json, "biased_input", sigma_w = 2.5.
  EXPECT_NEAR(ran.values("metric_theory")[0], 4.079123875282246 - 0.09, 1e-10);
}

}  // namespace
}  // namespace meander
