// Averages over two Gaussians by what they share, against values of other methods, at gains where a rule over the plane
// was lost, and against Mehler's series where that is short.
#include "kernels/gaussian_averages/shared_part.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "kernels/gaussian_averages/gaussian_moments.hpp"

namespace meander {
namespace {

struct Known {
  const char* activation;
  double q11, q22, c, phi_phi, dphi_dphi;
};

/// The trapezoid rule over the plane in NumPy with steps of a seventh of the distance to the poles, twice; elu: the
/// conditional average in closed form, the other by mpmath with 30 digits.
const Known known[] = {
    {"tanh", 400, 400, 0.99, 0.9012189647114893, 0.01029112660244134},
    {"tanh", 400, 400, -0.99, -0.9012189647114897, 0.01029112660244134},
    {"tanh", 400, 9, 0.9, 0.6617839785737115, 0.02018317773735651},
    {"erf", 100, 100, -0.99, -0.8898715895338921, 0.03680129009440548},
    {"gelu", 2500, 2500, 0.9, 1136.8535931027, 0.4283480815769904},
    {"swish", 2500, 2500, 0.999, 1248.727670876323, 0.4959388824474406},
    {"softplus", 2500, 100, -0.5, 28.42080054543492, 0.1681823884006115},
    {"swish", 1.5, 1.5, 0.9999, 0.5719271112954191, 0.407561063586754},
    {"elu", 1.5, 1.5, 0.99, 0.91686919745117908, 0.64172154707875227},
    {"elu", 100, 100, 0.999, 50.388977835825171, 0.51829853336745328},
    {"elu", 1.5, 1.5, -0.7, -0.48698147084616344, 0.48473339190093826},
};

TEST(SharedPart, GivesKnownValues) {
  for (const Known& value : known) {
    const auto pair = pair_by_shared_part(Activation::named(value.activation), value.q11, value.q22, value.c);
    ASSERT_TRUE(pair) << value.activation << " " << value.q11;
    // What the reference changed by with its steps.
    EXPECT_NEAR(pair->phi_phi / value.phi_phi, 1.0, 1e-12) << value.activation << " " << value.q11 << " " << value.c;
    EXPECT_NEAR(pair->dphi_dphi / value.dphi_dphi, 1.0, 1e-12) << value.activation << " " << value.q11;
    const PairAverages chosen = pair_averages(Activation::named(value.activation), value.q11, value.q22, value.c);
    EXPECT_NEAR(chosen.phi_phi / value.phi_phi, 1.0, 1e-12) << value.activation << " " << value.q11 << " " << value.c;
  }
}

TEST(SharedPart, AgreesWithMehlersSeries) {
  for (const std::string name : {"tanh", "erf", "sigmoid", "gelu", "swish", "softplus"}) {
    const Activation phi = Activation::named(name);
    for (const double c : {-0.5, -0.1, 0.0, 0.3, 0.6}) {
      const auto pair = pair_by_shared_part(phi, 1.5, 0.7, c);
      const PairAverages series = pair_averages(phi, 1.5, 0.7, c);
      ASSERT_TRUE(pair) << name << " " << c;
      EXPECT_NEAR(pair->phi_phi, series.phi_phi, 1e-13) << name << " " << c;
      EXPECT_NEAR(pair->dphi_dphi, series.dphi_dphi, 1e-13) << name << " " << c;
    }
  }
}

TEST(SharedPart, ChordDoesNotCancel) {
  const auto chord = chord_by_shared_part(Activation::named("elu"), 1.5, 1e-4);
  ASSERT_TRUE(chord);
  EXPECT_NEAR(chord->chord, 0.64365993882292069, 1e-13);  // mpmath, 30 digits
  // Smooth: chord = E phi'^2 - q E phi''^2 epsilon / 2 + O(epsilon^2).
  for (const std::string name : {"tanh", "gelu", "softplus"}) {
    const Activation phi = Activation::named(name);
    const GaussianMoments m = gaussian_moments(phi, 2.0);
    const double epsilon = 1e-6;
    const auto near = chord_by_shared_part(phi, 2.0, epsilon);
    ASSERT_TRUE(near) << name;
    EXPECT_NEAR(near->chord, m.dphi2 - m.d2phi2 * epsilon, 1e-10) << name;
    EXPECT_NEAR(near->tangent, m.dphi2 - 2.0 * m.d2phi2 * epsilon, 1e-10) << name;
  }
}

TEST(SharedPart, ReachesAsFarAsAGrowingFunctionDoes) {
  const auto exponential = [](double x) { return std::exp(x); };
  const Activation phi = Activation::custom(exponential, exponential, exponential);
  for (const double c : {-0.4, 0.0, 0.5, 0.999}) {
    const auto pair = pair_by_shared_part(phi, 4.0, 4.0, c);
    ASSERT_TRUE(pair) << c;
    EXPECT_NEAR(pair->phi_phi / std::exp(4.0 * (1.0 + c)), 1.0, 1e-12) << c;
  }
}

TEST(SharedPart, GivesNothingWhereNothingAgrees) {
  const auto wild = [](double x) { return std::sin(1e5 * x * x); };
  EXPECT_FALSE(pair_by_shared_part(Activation::custom(wild, wild, wild), 1.0, 1.0, 0.5));
}

}  // namespace
}  // namespace meander
