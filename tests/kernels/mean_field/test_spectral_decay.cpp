// Fits find the laws that sequences were made by, and those that theory knows of.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/gaussian_averages/hermite_coefficients.hpp"
#include "kernels/mean_field/spectral_decay.hpp"

namespace meander {
namespace {

template <class Function>
std::vector<double> sequence(int count, const Function& f) {
  std::vector<double> out(1, 1.0);
  for (int n = 1; n < count; ++n) out.push_back(f(static_cast<double>(n)));
  return out;
}

TEST(SpectralDecay, ExactLawsAreFound) {
  const auto power = sequence(200, [](double n) { return 3.0 * std::pow(n, -1.7); });
  const auto stretched = sequence(200, [](double n) { return -0.2 * std::exp(-0.9 * std::sqrt(n)); });
  const auto geometric = sequence(200, [](double n) { return std::exp(-0.1 * n); });
  for (const int parity : {0, 1}) {
    EXPECT_NEAR(fit_decay(power, parity, 3, 0.0, DecayLaw::power).rate, 1.7, 1e-9);
    EXPECT_NEAR(fit_decay(stretched, parity, 3, 0.0, DecayLaw::stretched).rate, 0.9, 1e-9);
    EXPECT_NEAR(fit_decay(geometric, parity, 3, 0.0, DecayLaw::geometric).rate, 0.1, 1e-9);
    EXPECT_LT(fit_decay(power, parity, 3, 0.0, DecayLaw::power).residual, 1e-7);
    EXPECT_GT(fit_decay(power, parity, 3, 0.0, DecayLaw::geometric).residual, 0.1);
  }
}

/// n^(-5/4) cos(sqrt(n) + 0.3) passes through zero every few orders; a straight line through the logarithms of such
/// dips is off by any amount.
TEST(SpectralDecay, DipsDoNotPullTheFitDown) {
  const auto wave = sequence(4000, [](double n) { return std::pow(n, -1.25) * std::cos(std::sqrt(n) + 0.3); });
  // sqrt(n) runs through seventeen half periods from n = 100 to 4000; an incomplete one shifts the mean of cos^2 by at
  // most its share, and the exponent by less than that over ln 40.
  EXPECT_NEAR(fit_decay(wave, 1, 100, 0.0, DecayLaw::power).rate, 1.25, 0.03);
  auto dipped = sequence(400, [](double n) { return std::pow(n, -1.25); });
  dipped[101] = 1e-9;
  EXPECT_NEAR(fit_decay(dipped, 1, 11, 0.0, DecayLaw::power).rate, 1.25, 0.01);
}

TEST(SpectralDecay, KnownActivations) {
  // ReLU: |f_n| = n^(-5/4) (1 + O(1/n)) up to a constant.
  const auto relu = hermite_coefficients(Activation::named("relu"), 1.0, 2001);
  EXPECT_NEAR(fit_decay(relu, 0, 200, 1e-11, DecayLaw::power).rate, 1.25, 0.01);
  EXPECT_TRUE(std::isnan(fit_decay(relu, 1, 2, 1e-11, DecayLaw::power).rate));
  // erf: (2 q / (1 + 2 q))^(n/2) n^(-3/4): the local rate is ln((1 + 2 q) / (2 q)) / 2 + 3 / (4 n).
  const double q = 2.0;
  const auto erf = hermite_coefficients(Activation::named("erf"), q, 150);
  const DecayFit fit = fit_decay(erf, 1, 60, 1e-11, DecayLaw::geometric);
  EXPECT_GT(fit.rate, 0.5 * std::log(1.25) + 0.75 / 150.0);
  EXPECT_LT(fit.rate, 0.5 * std::log(1.25) + 0.75 / 60.0);
  // sigmoid: poles at i pi: exp(-pi sqrt(n / q)) up to a power of n, of which a local rate keeps O(1 / sqrt(n)).
  const auto sigmoid = hermite_coefficients(Activation::named("sigmoid"), 4.0, 400);
  EXPECT_NEAR(fit_decay(sigmoid, 1, 100, 1e-11, DecayLaw::stretched).rate, std::acos(-1.0) / 2.0,
              2.0 / std::sqrt(100.0));
}

TEST(SpectralDecay, TooLittleToFit) {
  const std::vector<double> few{0.0, 1.0, 0.0, 0.5, 0.0};
  EXPECT_TRUE(std::isnan(fit_decay(few, 1, 1, 0.0, DecayLaw::power).rate));
  EXPECT_TRUE(std::isnan(fit_decay(few, 0, 1, 0.0, DecayLaw::power).residual));
  const auto floored = sequence(30, [](double n) { return std::exp(-n); });
  EXPECT_TRUE(std::isnan(fit_decay(floored, 0, 1, std::exp(-5.0), DecayLaw::geometric).rate));
  EXPECT_NEAR(fit_decay(floored, 0, 1, std::exp(-9.0), DecayLaw::geometric).rate, 1.0, 1e-9);
}

TEST(SpectralDecay, CorrelationsApproachTheirFixedPoint) {
  std::vector<double> c;
  for (int l = 1; l <= 20; ++l) c.push_back(0.3 - 0.2 * std::exp(-l / 3.7));
  EXPECT_NEAR(decay_length(c, 0.3, 1, 20), 3.7, 1e-9);
  EXPECT_NEAR(decay_length(c, 0.3, 5, 6), 3.7, 1e-9);
  EXPECT_TRUE(std::isnan(decay_length(c, 0.3, 5, 5)));
  EXPECT_TRUE(std::isnan(decay_length(c, c[4], 1, 20)));
  EXPECT_TRUE(std::isnan(decay_length(c, std::nan(""), 1, 20)));
}

}  // namespace
}  // namespace meander
