// Averages over one and two Gaussians against closed forms, the reference coefficients and each other.
#include "kernels/mean_field/correlation_map.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "kernels/gaussian_averages/correlation_average.hpp"
#include "kernels/gaussian_averages/gaussian_average.hpp"
#include "kernels/gaussian_averages/gaussian_moments.hpp"
#include "kernels/gaussian_averages/hermite_coefficients.hpp"

namespace meander {
namespace {

constexpr double pi = std::numbers::pi;

Activation activation_of(const std::string& name) {
  if (name == "hermite") return Activation::hermite({0.2, 1.0, 0.0, -0.3});
  if (name == "mixed") return Activation::piecewise_linear({-2.0, 0.5, 3.0}, {0.1, -1.0, 2.0, 0.5}, 0.0, 0.25);
  if (name == "sine") {
    return Activation::custom([](double x) { return std::sin(x); }, [](double x) { return std::cos(x); },
                              [](double x) { return -std::sin(x); });
  }
  return Activation::named(name);
}

const std::vector<std::string> all = {"linear", "relu",  "hard_tanh", "tanh",  "erf", "sigmoid",
                                      "gelu",   "swish", "hermite",   "mixed", "sine"};

TEST(GaussianAverage, OfSquaresIsTheMoment) {
  for (const std::string& name : all) {
    const Activation phi = activation_of(name);
    for (const double q : {1e-4, 0.3, 1.0, 12.6, 80.0}) {
      const GaussianMoments m = gaussian_moments(phi, q);
      const auto average = [&](auto f) { return gaussian_average(phi, q, f); };
      // 1e-10 is what both headers promise.
      EXPECT_NEAR(average([&](double h) { return phi(h) * phi(h); }) / m.phi2, 1.0, 2e-10) << name << " " << q;
      EXPECT_NEAR(average([&](double h) { return phi.derivative(h) * phi.derivative(h); }) / m.dphi2, 1.0, 2e-10);
      EXPECT_NEAR(average([&](double h) { return phi(h) * phi.derivative(h) * h; }), m.phi_dphi_h,
                  2e-10 * std::sqrt(m.phi2 * m.dphi2_h2));
      if (phi.pieces() == nullptr) {
        const auto curvature = [&](double h) { return phi.second_derivative(h) * phi.second_derivative(h); };
        EXPECT_NEAR(average(curvature), m.d2phi2, 2e-10 * m.d2phi2) << name << " " << q;
      }
    }
  }
}

TEST(GaussianAverage, ClosedForms) {
  const Activation relu = Activation::named("relu");
  const double q = 2.5;
  EXPECT_NEAR(gaussian_average(relu, q, [&](double h) { return relu(h); }), std::sqrt(q / (2.0 * pi)), 1e-10);
  EXPECT_NEAR(gaussian_average(Activation::named("tanh"), q, [](double h) { return std::exp(h); }), std::exp(0.5 * q),
              1e-10 * std::exp(0.5 * q));
  EXPECT_EQ(gaussian_average(relu, 0.0, [&](double h) { return relu.derivative(h); }), 0.5);
  EXPECT_TRUE(std::isnan(gaussian_average(relu, -1.0, [](double) { return 1.0; })));
}

/// chi_2 at the fixed point of the paper's three networks (mean_field.json), and where phi' jumps or does not bend.
TEST(SecondDerivativeMoment, KnownValues) {
  EXPECT_NEAR(1.69 * gaussian_moments(Activation::named("tanh"), 0.6070467919093232).d2phi2 / 0.543472018641363, 1.0,
              1e-11);
  EXPECT_NEAR(6.25 * gaussian_moments(Activation::named("tanh"), 4.079123875282246).d2phi2 / 1.1960412914242484, 1.0,
              1e-11);
  EXPECT_EQ(gaussian_moments(Activation::named("relu"), 1.0).d2phi2, std::numeric_limits<double>::infinity());
  EXPECT_EQ(gaussian_moments(Activation::named("hard_tanh"), 0.0).d2phi2, std::numeric_limits<double>::infinity());
  EXPECT_EQ(gaussian_moments(Activation::named("linear"), 1.0).d2phi2, 0.0);
  EXPECT_EQ(gaussian_moments(Activation::named("tanh"), 0.0).d2phi2, 0.0);
  EXPECT_NEAR(gaussian_moments(Activation::hermite({0.0, 0.0, 1.0}), 3.0).d2phi2, 2.0, 1e-11);
}

/// The arc-cosine kernels of ReLU (Cho & Saul 2009).
TEST(CorrelationMap, ReluHasItsClosedForm) {
  const Activation relu = Activation::named("relu");
  const double q11 = 1.7;
  const double q22 = 0.4;
  for (const double c : {-1.0, -0.999, -0.3, 0.0, 0.5, 0.9, 0.999999, 1.0}) {
    const double angle = std::acos(c);
    const double covariance = std::sqrt(q11 * q22) * (std::sqrt(1.0 - c * c) + (pi - angle) * c) / (2.0 * pi);
    const double q12 = c * std::sqrt(q11 * q22);
    EXPECT_NEAR(covariance_map(relu, 1.3, 0.2, q11, q22, q12), 1.69 * covariance + 0.04, 1e-12) << c;
    // acos of a c known to 1e-16 near 1 is known to 1e-16 / sqrt(1 - c^2).
    EXPECT_NEAR(covariance_slope(relu, 1.3, q11, q22, q12), 1.69 * (pi - angle) / (2.0 * pi), 1e-10) << c;
  }
}

/// E erf(u1) erf(u2) = 2/pi asin(2 q12 / sqrt((1 + 2 q11) (1 + 2 q22))) (Williams 1998).
TEST(CorrelationMap, ErfHasItsClosedForm) {
  const Activation erf = Activation::named("erf");
  for (const double q11 : {0.1, 5.0, 80.0}) {
    for (const double q22 : {0.3, 80.0}) {
      for (const double c : {-1.0, -0.97, -0.4, 0.0, 0.3, 0.95, 0.999, 0.9999999, 1.0}) {
        const double q12 = c * std::sqrt(q11 * q22);
        const double sine = 2.0 * q12 / std::sqrt((1.0 + 2.0 * q11) * (1.0 + 2.0 * q22));
        EXPECT_NEAR(covariance_map(erf, 1.0, 0.0, q11, q22, q12), 2.0 / pi * std::asin(sine), 1e-12)
            << q11 << " " << q22 << " " << c;
        const double determinant = (1.0 + 2.0 * q11) * (1.0 + 2.0 * q22) - 4.0 * q12 * q12;
        EXPECT_NEAR(covariance_slope(erf, 1.0, q11, q22, q12) * std::sqrt(determinant) * pi / 4.0, 1.0, 1e-11)
            << q11 << " " << q22 << " " << c;
      }
    }
  }
}

/// E sin(u1) sin(u2) = exp(-(q11 + q22)/2) sinh(q12).
TEST(CorrelationMap, SineHasItsClosedForm) {
  for (const double c : {-1.0, 0.2, 0.98, 1.0}) {
    const double q12 = c * std::sqrt(2.0 * 3.0);
    EXPECT_NEAR(covariance_map(activation_of("sine"), 1.0, 0.0, 2.0, 3.0, q12), std::exp(-2.5) * std::sinh(q12), 1e-12);
    EXPECT_NEAR(covariance_slope(activation_of("sine"), 1.0, 2.0, 3.0, q12), std::exp(-2.5) * std::cosh(q12), 1e-12);
  }
}

/// Identical inputs give the length map; opposite ones of an odd activation its negative; the slope is that of the map.
TEST(CorrelationMap, EndsAndSlopes) {
  for (const std::string& name : all) {
    const Activation phi = activation_of(name);
    for (const double q : {0.2, 4.0, 30.0}) {
      const GaussianMoments m = gaussian_moments(phi, q);
      EXPECT_NEAR(covariance_map(phi, 1.0, 0.0, q, q, q) / m.phi2, 1.0, 1e-11) << name << " " << q;
      EXPECT_NEAR(covariance_slope(phi, 1.0, q, q, q) / m.dphi2, 1.0, 1e-11) << name << " " << q;
      const double step = 1e-4 * q;
      const double rise = covariance_map(phi, 1.0, 0.0, q, 2.0 * q, 0.5 * q + step) -
                          covariance_map(phi, 1.0, 0.0, q, 2.0 * q, 0.5 * q - step);
      // Central difference: (step/q)^2 times a third derivative of the order of the map itself, times q^2.
      EXPECT_NEAR(rise / (2.0 * step) * q / m.phi2, covariance_slope(phi, 1.0, q, 2.0 * q, 0.5 * q) * q / m.phi2, 1e-6)
          << name << " " << q;
    }
  }
}

/// Two roads to the same number: Mehler's series with very many terms, and the integral that is used where it is slow.
TEST(CorrelationMap, SeriesAgreesWithIntegralWhereTheSeriesIsSlow) {
  for (const char* name : {"tanh", "gelu", "sigmoid", "swish"}) {
    const Activation phi = Activation::named(name);
    const double q = 4.0;
    const double c = 0.97;
    const std::vector<double> f = hermite_coefficients(phi, q, 1500);  // 0.97^1500 = 1e-20
    double series = 0.0;
    double slope = 0.0;
    for (std::size_t n = 0; n < f.size(); ++n) {
      series += f[n] * f[n] * std::pow(c, n);
      if (n > 0) slope += static_cast<double>(n) * f[n] * f[n] * std::pow(c, n - 1) / q;
    }
    EXPECT_NEAR(covariance_map(phi, 1.0, 0.0, q, q, c * q), series, 1e-12 * gaussian_moments(phi, q).phi2) << name;
    EXPECT_NEAR(covariance_slope(phi, 1.0, q, q, c * q), slope, 1e-12) << name;
  }
}

TEST(CorrelationMap, ChordIsWhatItIsMadeOf) {
  for (const std::string& name : all) {
    const Activation phi = activation_of(name);
    const double q = 2.0;
    const GaussianMoments m = gaussian_moments(phi, q);
    for (const double epsilon : {1.0, 0.3, 0.01}) {
      const CorrelationChord chord = correlation_chord(phi, q, epsilon);
      const PairAverages pair = pair_averages(phi, q, q, 1.0 - epsilon);
      EXPECT_NEAR(chord.chord, (m.phi2 - pair.phi_phi) / (q * epsilon), 1e-11 * m.phi2 / (q * epsilon)) << name;
      EXPECT_NEAR(chord.tangent, pair.dphi_dphi, 1e-11 * m.dphi2) << name;
    }
    // Towards epsilon = 0 both become E phi'^2, at kinks as sqrt(epsilon).
    EXPECT_NEAR(correlation_chord(phi, q, 1e-10).chord, m.dphi2, 1e-4) << name;
    EXPECT_NEAR(correlation_chord(phi, q, 1e-10).tangent, m.dphi2, 1e-4) << name;
  }
}

TEST(CorrelationMap, ZerosAndNonsense) {
  const Activation gelu = Activation::named("gelu");
  const Activation sigmoid = Activation::named("sigmoid");
  EXPECT_EQ(covariance_map(gelu, 2.0, 0.5, 0.0, 0.0, 0.0), 0.25);
  const double mean = gaussian_average(sigmoid, 3.0, [&](double h) { return sigmoid(h); });
  EXPECT_NEAR(covariance_map(sigmoid, 2.0, 0.5, 0.0, 3.0, 0.0), 4.0 * 0.5 * mean + 0.25, 1e-12);
  EXPECT_NEAR(covariance_slope(gelu, 2.0, 0.0, 0.0, 0.0), 1.0, 1e-12);
  EXPECT_TRUE(std::isnan(covariance_map(gelu, 1.0, 0.0, 1.0, 1.0, 1.1)));
  EXPECT_TRUE(std::isnan(covariance_map(gelu, 1.0, 0.0, -1.0, 1.0, 0.0)));
  EXPECT_NEAR(covariance_map(gelu, 1.0, 0.0, 3.0, 3.0, 3.0 * (1.0 + 1e-12)), gaussian_moments(gelu, 3.0).phi2, 1e-11);
}

/// First and last of 21 coefficients at q = 1 (hermite.json, 30 digits).
TEST(HermiteCoefficients, KnownValues) {
  const auto tanh = hermite_coefficients(Activation::named("tanh"), 1.0, 20);
  EXPECT_NEAR(tanh[1], 0.605705509602158826, 1e-14);
  EXPECT_NEAR(tanh[3], -0.148437190787272704, 1e-14);
  EXPECT_NEAR(tanh[19], -0.00183363002862576696, 1e-14);
  const auto relu = hermite_coefficients(Activation::named("relu"), 1.0, 21);
  EXPECT_NEAR(relu[0], 0.398942280401432678, 1e-15);
  EXPECT_NEAR(relu[2], 0.282094791773878143, 1e-15);
  EXPECT_NEAR(relu[20], -0.00881364966714750597, 1e-15);
  const auto hard = hermite_coefficients(Activation::named("hard_tanh"), 1.0, 20);
  EXPECT_NEAR(hard[1], 0.682689492137085897, 1e-15);
  EXPECT_NEAR(hard[19], 0.0126440414474009238, 1e-15);
}

TEST(HermiteCoefficients, PolynomialsAreExact) {
  const std::vector<double> c = {0.3, -1.0, 0.5, 0.25};
  const auto same = hermite_coefficients(Activation::hermite(c), 1.0, 6);
  for (std::size_t n = 0; n < c.size(); ++n) EXPECT_EQ(same[n], c[n]) << n;
  EXPECT_EQ(same[4], 0.0);
  EXPECT_EQ(same[5], 0.0);
  // He_3(a z) = a^3 He_3(z) + 3 a (a^2 - 1) He_1(z), here with a = 2.
  const auto cubic = hermite_coefficients(Activation::hermite({0.0, 0.0, 0.0, std::sqrt(6.0)}), 4.0, 4);
  EXPECT_NEAR(cubic[3], 8.0 * std::sqrt(6.0), 1e-13);
  EXPECT_NEAR(cubic[1], 18.0, 1e-13);
  EXPECT_NEAR(cubic[2], 0.0, 1e-15);
}

/// C38: Parseval, and chi_1 q = sum n f_n^2: the bridge between the Hermite basis and Poole et al.
TEST(HermiteCoefficients, SumsAreTheMoments) {
  for (const char* name : {"tanh", "erf", "sigmoid", "gelu", "swish", "hermite", "sine"}) {
    const Activation phi = activation_of(name);
    for (const double q : {0.1, 0.6070467919093232, 4.079123875282246}) {
      const auto f = hermite_coefficients(phi, q, 1000);
      double norm = 0.0;
      double slope = 0.0;
      for (std::size_t n = 0; n < f.size(); ++n) {
        norm += f[n] * f[n];
        slope += static_cast<double>(n) * f[n] * f[n];
      }
      const GaussianMoments m = gaussian_moments(phi, q);
      // Poles of tanh: f_n^2 falls like exp(-pi sqrt(2 n / q)), 1e-30 at n = 1000, q = 4.08.
      EXPECT_NEAR(norm / m.phi2, 1.0, 1e-11) << name << " " << q;
      EXPECT_NEAR(slope / (q * m.dphi2), 1.0, 1e-11) << name << " " << q;
    }
  }
}

TEST(HermiteCoefficients, SteepAndUndefined) {
  const double s = 40.0;
  const Activation steep =
      Activation::custom([s](double x) { return std::tanh(s * x); },
                         [s](double x) { return s / std::pow(std::cosh(s * x), 2); }, [](double) { return 0.0; });
  const auto a = hermite_coefficients(steep, 0.01, 50);
  const auto b = hermite_coefficients(Activation::named("tanh"), 16.0, 50);
  for (std::size_t n = 0; n < a.size(); ++n) EXPECT_NEAR(a[n], b[n], 1e-12) << n;
  EXPECT_TRUE(std::isnan(hermite_coefficients(steep, -1.0, 2)[0]));
  EXPECT_EQ(hermite_coefficients(Activation::named("sigmoid"), 0.0, 2), (std::vector<double>{0.5, 0.0}));
}

}  // namespace
}  // namespace meander
