// Geometry of a circle at infinite width, layer by layer, against an independent program (geometry_tanh.json).
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <vector>

#include "kernels/mean_field/geometry_theory.hpp"
#include "tests/support/reference.hpp"

namespace meander {
namespace {

using nlohmann::json;

class ReferenceGeometry : public testing::Test {
 protected:
  const Activation tanh_ = Activation::named("tanh");
  const json data_ = testing_support::reference_data("geometry_tanh.json");
};

/// The reference claims 1e-12 for a recursion, whose error grows with the layers on both sides: up to 40 of them.
void expect_close(double found, const json& expected, const char* what, int layer) {
  const double value = expected.get<double>();
  EXPECT_NEAR(found, value, 4e-12 * std::abs(value)) << what << ", layer " << layer;
}

void expect_row(const UniformGeometry& found, const json& row) {
  const int layer = row.at("layer");
  expect_close(found.q, row.at("q"), "q", layer);
  expect_close(found.metric, row.at("gE"), "metric", layer);
  expect_close(found.curvature2, row.at("kappa2"), "curvature squared", layer);
  const double grassmannian = 2.0 * std::numbers::pi * std::sqrt(found.curvature2 * found.metric);
  expect_close(grassmannian, row.at("LG"), "Grassmannian length", layer);
  expect_close(2.0 * std::numbers::pi * std::sqrt(found.metric), row.at("LE_over_sqrtN"), "length", layer);
}

TEST_F(ReferenceGeometry, PoolesCircleInLayerOne) {
  for (const json& entry : data_.at("tanh_recursions")) {
    const double q_star = entry.at("q_star");
    UniformGeometry layer{q_star, q_star, 1.0 / q_star};
    for (const json& row : entry.at("rows")) {
      expect_row(layer, row);
      layer = next_layer(tanh_, entry.at("sigma_w"), entry.at("sigma_b"), layer);
    }
  }
}

TEST_F(ReferenceGeometry, CircleOfInputsWithBias) {
  for (const json& entry : data_.at("biased_input")) {
    const double q0 = entry.at("q0");
    Curve circle;
    circle.center = {0.0, 0.0};
    circle.u = {std::sqrt(2.0 * q0), 0.0};
    circle.v = {0.0, std::sqrt(2.0 * q0)};
    const std::size_t depth = entry.at("rows").size();
    const TheoryParameters parameters{2, std::vector<int>(depth, 1), entry.at("sigma_w"), entry.at("sigma_b"), true};
    const GeometryTheory theory = geometry_theory(tanh_, parameters, circle);
    for (std::size_t l = 0; l < depth; ++l) {
      const json& row = entry.at("rows")[l];
      expect_row({theory.q[l], theory.metric[l], theory.curvature[l] * theory.curvature[l]}, row);
      expect_close(theory.grassmannian_length[l], row.at("LG"), "Grassmannian length", row.at("layer"));
      expect_close(theory.length[l], row.at("LE_over_sqrtN"), "length", row.at("layer"));
    }
  }
}

/// The table starts from c = cos(delta) in layer 1. Without a bias that is what a circle of inputs gives; with one,
/// layer 1 is sigma_w^2 q0 cos(delta) + sigma_b^2 over q*, which another angle's cosine reaches: cos(delta') =
/// (q* cos(delta) - sigma_b^2) / (q* - sigma_b^2), where there is one.
TEST_F(ReferenceGeometry, Autocorrelation) {
  for (const json& entry : data_.at("autocorrelation")) {
    const double q_star = entry.at("q_star");
    const double sigma_w = entry.at("sigma_w");
    const double sigma_b = entry.at("sigma_b");
    const double reach = q_star - sigma_b * sigma_b;
    Curve circle;
    circle.center = {0.0, 0.0};
    circle.u = {std::sqrt(2.0 * reach) / sigma_w, 0.0};
    circle.v = {0.0, circle.u[0]};
    int compared = 0;
    for (const json& row : entry.at("table")) {
      const double cosine = (q_star * std::cos(row.at("dtheta").get<double>()) - sigma_b * sigma_b) / reach;
      if (cosine < -1.0) continue;
      const std::vector<double> delta{std::acos(cosine)};
      const json& expected = row.at("c_by_layer");
      const TheoryParameters parameters{2, std::vector<int>(expected.size(), 1), sigma_w, sigma_b, true};
      const auto found = autocorrelation_theory(tanh_, parameters, circle, delta);
      // A correlation near 0 is as accurate as one near 1, absolutely; errors grow with the map's slope, at most
      // chi_1 = 1.59 a layer, until the fixed point draws them in.
      for (std::size_t l = 0; l < expected.size(); ++l, ++compared)
        EXPECT_NEAR(found[l][0], expected[l].get<double>(), 2e-10) << row.at("dtheta") << ", layer " << l + 1;
    }
    EXPECT_GT(compared, 100);
  }
}

}  // namespace
}  // namespace meander
