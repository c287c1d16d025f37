// Every value of the mean-field reference files, to the accuracy that they state.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "kernels/gaussian_averages/hermite_coefficients.hpp"
#include "kernels/mean_field/mean_field_table.hpp"
#include "tests/support/reference.hpp"

namespace meander {
namespace {

using nlohmann::json;

Activation activation(const std::string& name) {
  return Activation::named(name == "hardtanh" ? "hard_tanh" : name);
}

/// Fast and plain, each against the file.
void for_both(const Activation& activation, const MeanFieldParameters& at, const auto& check) {
  check(phase_point(activation, at));
  check(MeanFieldTable(activation).phase_point(at));
}

TEST(MeanFieldReference, PhasePoints) {
  const json data = testing_support::reference_data("mean_field.json");
  for (const json& row : data.at("grid")) {
    const std::string name = row.at("phi");
    const MeanFieldParameters at{row.at("sigma_w"), row.at("sigma_b"), 1.0, 1.0};
    const auto known = [&](const char* key) {
      return row.at(key).is_null() ? std::numeric_limits<double>::quiet_NaN() : row.at(key).get<double>();
    };
    for_both(activation(name), at, [&](const PhasePoint& point) {
      SCOPED_TRACE(name + " " + std::to_string(at.sigma_w) + " " + std::to_string(at.sigma_b));
      const double q_star = known("q_star");
      EXPECT_TRUE(point.converged);
      // Stated: 1e-13 relative; a root's error is the map's divided by 1 - V', which is 0.2 at least here.
      EXPECT_NEAR(point.q_star, q_star, 1e-12 * q_star);
      EXPECT_NEAR(point.chi_1, known("chi1"), 1e-12 * known("chi1"));
      if (!std::isnan(known("chi2"))) {
        EXPECT_NEAR(point.chi_2, known("chi2"), 1e-12);
      } else {
        EXPECT_EQ(point.chi_2, std::numeric_limits<double>::infinity());
      }
      EXPECT_NEAR(point.xi_q, known("xi_q"), 1e-11 * known("xi_q"));
      if (q_star == 0.0) {
        EXPECT_TRUE(std::isnan(point.c_star) && std::isnan(point.xi_c));
        return;
      }
      // Stated: 1e-11, but within 1e-3 of criticality. A slope's error is multiplied by xi_c.
      const double slack = std::abs(known("chi1") - 1.0) < 1e-3 ? 1e-8 : 1e-11;
      EXPECT_NEAR(point.c_star, known("c_star"), slack);
      EXPECT_NEAR(point.xi_c / known("xi_c"), 1.0, slack * (1.0 + known("xi_c")));
    });
  }
}

TEST(MeanFieldReference, CriticalLine) {
  const json data = testing_support::reference_data("critical_line.json");
  const Activation tanh = Activation::named("tanh");
  const MeanFieldTable table(tanh);
  for (const json& row : data.at("by_sigma_b").at("tanh")) {
    const MeanFieldParameters at{1.0, row.at("sigma_b"), 1.0, 1.0};
    EXPECT_NEAR(sigma_w_critical(tanh, at), row.at("sigma_w").get<double>(), 1e-12);
    EXPECT_NEAR(table.sigma_w_critical(at), row.at("sigma_w").get<double>(), 1e-12);
  }
}

TEST(MeanFieldReference, DepthScalesAndDropout) {
  const json data = testing_support::reference_data("boundary_dropout_shallow.json");
  const Activation tanh = Activation::named("tanh");
  for (const json& row : data.at("dropout_tanh")) {
    const MeanFieldParameters at{std::sqrt(row.at("sigma_w2").get<double>()),
                                 std::sqrt(row.at("sigma_b2").get<double>()), 1.0, row.at("rho")};
    for_both(tanh, at, [&](const PhasePoint& point) {
      // Stated: 1e-10. sigma_w here is a rounded root, which criticality magnifies: xi_c of 4912 moves by 1e-12 of it.
      EXPECT_NEAR(point.q_star, row.at("q_star").get<double>(), 1e-10);
      EXPECT_NEAR(point.c_star, row.at("c_star").get<double>(), 1e-10);
      const double xi_c = row.at("xi_c");
      EXPECT_NEAR(point.xi_c / xi_c, 1.0, 1e-11 * xi_c + 1e-10);
    });
  }
  for (const json& row : data.at("depth_scales_sb2_0.05")) {
    const MeanFieldParameters at{std::sqrt(row.at("sigma_w2").get<double>()), std::sqrt(0.05), 1.0, 1.0};
    for_both(tanh, at, [&](const PhasePoint& point) {
      EXPECT_NEAR(point.chi_1, row.at("chi1").get<double>(), 1e-11);
      EXPECT_NEAR(point.c_star, row.at("c_star").get<double>(), 1e-11);
      EXPECT_NEAR(point.xi_c / row.at("xi_c").get<double>(), 1.0, 1e-10);
      EXPECT_NEAR(point.xi_q / row.at("xi_q").get<double>(), 1.0, 1e-11);
    });
  }
  const double critical = data.at("critical_sigma_w2_at_sb2_0.05");
  EXPECT_NEAR(std::pow(sigma_w_critical(tanh, std::sqrt(0.05)), 2), critical, 1e-11);
}

TEST(MeanFieldReference, HermiteCoefficients) {
  const json data = testing_support::reference_data("hermite.json");
  for (const auto& [name, entry] : data.at("unit_variance").items()) {
    const std::vector<double> known = entry.at("coef");
    const auto found = hermite_coefficients(activation(name), 1.0, static_cast<int>(known.size()));
    // Stated: 1e-15; sums of some hundred terms of order one add their rounding.
    for (std::size_t n = 0; n < known.size(); ++n) EXPECT_NEAR(found[n], known[n], 1e-14) << name << " " << n;
  }
}

}  // namespace
}  // namespace meander
