// Correlations through many layers from where the map repels: what rounding of c would have grown into.
#include "kernels/mean_field/correlation_state.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/gaussian_averages/correlation_average.hpp"
#include "kernels/gaussian_averages/shared_part.hpp"
#include "kernels/mean_field/geometry_theory.hpp"
#include "kernels/mean_field/mean_field.hpp"
#include "kernels/mean_field/propagation_theory.hpp"

namespace meander {
namespace {

std::vector<double> correlations(const std::string& name, const LayerParameters& layer, const InputCovariance& inputs,
                                 int depth) {
  const PropagationParameters parameters{std::vector<int>(static_cast<std::size_t>(depth), 10), layer.sigma_w,
                                         layer.sigma_b, layer.keep};
  return propagation_theory(Activation::named(name), parameters, inputs).c;
}

/// Without dropout equal inputs stay equal; without biases opposite ones stay opposite where phi is odd.
TEST(CorrelationState, OneStaysOneAndMinusOneStaysMinusOneToTheLastBit) {
  for (const std::string_view name : Activation::names()) {
    for (const double sigma_w : {1.0, 4.0, 20.0}) {
      for (const double sigma_b : {0.0, 0.3}) {
        const auto ones = correlations(std::string(name), {sigma_w, sigma_b, 1.0}, inputs_of_correlation(0.7, 1.0), 40);
        for (const double c : ones) {
          if (std::isnan(c)) continue;  // a gain at which q overflows
          EXPECT_EQ(c, 1.0) << name << " " << sigma_w << " " << sigma_b;
        }
        EXPECT_FALSE(std::isnan(ones.front()));
      }
      if (Activation::named(name).odd() != true) continue;
      const auto opposite = correlations(std::string(name), {sigma_w, 0.0, 1.0}, inputs_of_correlation(0.7, -1.0), 40);
      for (const double c : opposite) EXPECT_EQ(c, -1.0) << name << " " << sigma_w;
    }
  }
}

struct Orbit {
  double sigma_w, sigma_b, keep, q0, c0;
  std::vector<double> small;  // the smaller of 1 - |c| in layers 1, 2, 10, 15, 20, 40
};

/// phi = erf, whose maps are closed (Williams 1997): q01^l = sigma_w^2 (2 / pi) asin(2 q01 / sqrt((1 + 2 q00)(1 +
/// 2 q11))) + sigma_b^2, iterated with 60 digits (mpmath) from the doubles given here.
TEST(CorrelationState, LeavesTheUnstableFixedPointsAsItShould) {
  const std::vector<Orbit> orbits = {
      {4.0,
       0.3,
       1.0,
       1.0,
       1.0 - 1e-12,
       {9.94384465661e-13, 2.96819436716e-12, 1.01530111246e-8, 1.63386429683e-6, 2.62674843814e-4, 0.951851814753}},
      {4.0,
       0.0,
       1.0,
       0.7,
       -(1.0 - 1e-12),
       {9.9997787828e-13, 2.59108317118e-12, 8.98287815144e-9, 1.47250288497e-6, 2.41166790238e-4, 0.974728155445}},
      {4.0,
       1e-7,
       1.0,
       1.0,
       -1.0,
       {1.25e-15, 5.23032532407e-15, 2.14042784632e-11, 3.50881717214e-9, 5.75178852663e-7, 0.852108445181}},
      {3.0,
       0.2,
       1.0 - 1e-9,
       1.0,
       1.0,
       {0.0, 9.94426442973e-10, 8.24593994685e-7, 3.6952437163e-5, 1.64664681755e-3, 0.933825771654}},
      {1.2,
       0.1,
       0.9,
       1.0,
       -1.0,
       {0.0137931034483, 0.13812987675, 0.84698234596, 0.997738507217, 0.940198530552, 0.89794283024}}};
  const int layers[] = {1, 2, 10, 15, 20, 40};
  for (const Orbit& orbit : orbits) {
    const LayerParameters layer{orbit.sigma_w, orbit.sigma_b, orbit.keep};
    const Activation erf = Activation::named("erf");
    CorrelationState here = first_correlation(layer, inputs_of_correlation(orbit.q0, orbit.c0));
    std::size_t next = 0;
    for (int l = 1; l <= 40; ++l) {
      if (l > 1) here = next_correlation(erf, layer, here);
      if (l != layers[next]) continue;
      const double found = here.c >= 0.0 ? here.one_minus : here.one_plus;
      // Relative: each layer's average is good to 1e-10, and its error grows no faster than 1 - |c| does.
      EXPECT_NEAR(found, orbit.small[next], 1e-9 * orbit.small[next]) << orbit.c0 << " layer " << l;
      ++next;
    }
  }
}

/// What repels most: phi is a step on the scale of a wide Gaussian, so that 1 - c grows like its root at first. erf's
/// chord, from the closed form above with 50 digits.
TEST(CorrelationState, ChordsOfStepsFollowTheirRoot) {
  struct Chord {
    double q, epsilon, chord, tangent;
  };
  const Activation erf = Activation::named("erf");
  for (const Chord& known : {Chord{1e10, 1e-6, 8.9397270106962e-8, 4.50147017077748e-8},
                             Chord{1e10, 1e-8, 8.3890232396873e-7, 4.49036966525352e-7},
                             Chord{1e10, 1e-10, 4.66038018475482e-6, 3.67552596952456e-6},
                             Chord{1e10, 1e-14, 6.36587944553707e-6, 6.36556119930095e-6},
                             Chord{1e10, 1e-18, 6.36619769176525e-6, 6.36619765993426e-6},
                             Chord{4.0, 1e-6, 0.308805367523915, 0.308804786246893},
                             Chord{4.0, 1e-14, 0.308805948803313, 0.308805948803307}}) {
    const CorrelationChord found = correlation_chord(erf, known.q, known.epsilon);
    EXPECT_NEAR(found.chord / known.chord, 1.0, 1e-10) << known.q << " " << known.epsilon;
    EXPECT_NEAR(found.tangent / known.tangent, 1.0, 1e-10) << known.q << " " << known.epsilon;
  }
}

/// A sigmoid is a step from 0 to 1 there: C(c) = 1/2 + asin(c) / pi, whose c* and depth scale are these (mpmath), while
/// c = 1 repels with an infinite slope.
TEST(CorrelationState, StableFixedPointIsFoundBesideASteepUnstableOne) {
  for (const double sigma_w : {1e8, 1e15}) {
    const PhasePoint point = phase_point(Activation::named("sigmoid"), sigma_w, 0.0);
    EXPECT_NEAR(point.c_star, 0.78983262837344197, 1e-7) << sigma_w;
    EXPECT_NEAR(point.xi_c, 1.52470305728494, 1e-6) << sigma_w;
  }
}

/// hard_tanh is a step there, too: C(c) = (2 / pi) asin(c), where the sum over its corners lost all digits.
TEST(CorrelationState, NarrowPiecesOfWideGaussians) {
  const Activation phi = Activation::named("hard_tanh");
  for (const double sigma_w : {1e8, 1e12, 1e30}) {
    const PhasePoint point = phase_point(phi, sigma_w, 1.0);
    EXPECT_NEAR(point.c_star, 0.0, 1e-12) << sigma_w;
    EXPECT_NEAR(point.xi_c, -1.0 / std::log(2.0 / std::numbers::pi), 1e-7) << sigma_w;
    const double q = sigma_w * sigma_w;
    EXPECT_NEAR(pair_averages(phi, q, q, 0.5).phi_phi, 1.0 / 3.0, 1e-7) << sigma_w;
    EXPECT_NEAR(pair_averages(phi, q, q, -0.5).phi_phi, -1.0 / 3.0, 1e-7) << sigma_w;
    EXPECT_NEAR(q * correlation_chord(phi, q, 0.01).chord * 0.01, 1.0 - 2.0 / std::numbers::pi * std::asin(0.99), 1e-7);
  }
  // Both roads, where both hold.
  for (const double epsilon : {1e-2, 1e-4, 1e-6, 1e-8}) {
    const auto shared = chord_by_shared_part(phi, 1000.0, epsilon);
    ASSERT_TRUE(shared);
    const CorrelationChord corners = correlation_chord(phi, 1000.0, epsilon);
    EXPECT_NEAR(shared->chord / corners.chord, 1.0, 1e-10) << epsilon;
    EXPECT_NEAR(shared->tangent / corners.tangent, 1.0, 1e-10) << epsilon;
  }
}

/// The start that the fault was found with, and its opposite.
TEST(CorrelationState, AutocorrelationAtNoDistanceIsOne) {
  Curve circle;
  circle.center = {0.0, 0.0, 0.0};
  circle.u = {1.0, 0.0, 0.0};
  circle.v = {0.0, 1.0, 0.0};
  circle.end = 2.0 * std::numbers::pi;
  const std::vector<double> deltas{0.0, std::numbers::pi, 2.0 * std::numbers::pi};
  const auto rows =
      autocorrelation_theory(Activation::named("tanh"), {3, std::vector<int>(40, 10), 4.0, 0.0}, circle, deltas);
  EXPECT_EQ(rows.back()[0], 1.0);
  EXPECT_EQ(rows.back()[1], -1.0);
  EXPECT_EQ(rows.back()[2], 1.0);
}

}  // namespace
}  // namespace meander
