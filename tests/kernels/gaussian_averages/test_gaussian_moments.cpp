// Gaussian averages of activations against 30-digit quadrature, adaptive quadrature and identities.
#include "kernels/gaussian_averages/gaussian_moments.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "kernels/mean_field/length_map.hpp"

namespace meander {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Activation activation_of(const std::string& name) {
  if (name == "hermite") return Activation::hermite({0.2, 1.0, 0.0, -0.3});
  if (name == "late") return Activation::piecewise_linear({5.0}, {0.0, 1.0}, 0.0, 0.0);
  if (name == "mixed") return Activation::piecewise_linear({-2.0, 0.5, 3.0}, {0.1, -1.0, 2.0, 0.5}, 0.0, 0.25);
  if (name == "plateau") return Activation::piecewise_linear({-1.0, 1.0}, {1.0, 0.0, 1.0}, 0.0, 0.0);
  if (name == "elu_half") return Activation::elu(0.5);
  return Activation::named(name);
}

std::array<double, 4> values(const GaussianMoments& m) {
  return {m.phi2, m.phi_dphi_h, m.dphi2, m.dphi2_h2};
}

struct Reference {
  const char* activation;
  double q;
  std::array<double, 4> moments;  // E phi^2, E phi phi' h, E phi'^2, E phi'^2 h^2
};

/// mpmath.quad with 30 digits over panels split at every kink; mpmath's erfc for the far tail of `late`.
const std::vector<Reference> references = {
    {"tanh", 1e-6, {9.9999800000566665e-7, 9.9999600001699992e-7, 0.99999800000699997, 9.9999400003499978e-7}},
    {"tanh", 0.3, {0.19726338750221825, 0.1356424301077795, 0.68587155289605394, 0.09996683023597454}},
    {"tanh", 4, {0.63526123425693992, 0.15349519275802635, 0.25595044322520891, 0.074894248690573947}},
    {"tanh", 80, {0.91124748015270154, 0.043927368199500426, 0.05935137726569689, 0.019039471766934582}},
    {"tanh", 1e6, {0.99920211576731373, 0.00039894178822683027, 0.00053192295477144597, 0.00017152754550226645}},
    {"erf", 0.3, {0.24471458707824625, 0.16095336111435143, 0.85841792594320765, 0.1170569899013465}},
    {"erf", 80, {0.92900835669157224, 0.035311951017440138, 0.071065301422598277, 0.017710978547688044}},
    {"sigmoid", 0.3, {0.26641131826237191, 0.014451684250517074, 0.054988873901290319, 0.012846408000355981}},
    {"sigmoid", 80, {0.45627678160970642, 0.021016769330537644, 0.0073747729372595036, 0.0093186877654627722}},
    {"gelu", 1e-6, {2.500004774640335e-7, 2.5000095492727123e-7, 0.25000063661849913, 2.5000190985295092e-7}},
    {"gelu", 1, {0.42522148257029867, 0.48648024872827557, 0.45585086564928712, 0.57836839796524091}},
    {"gelu", 80, {39.979363044296414, 40.009989468948836, 0.50597466746265496, 40.049906769738823}},
    {"gelu", 1e6, {499999.99981243434, 500000.00009378259, 0.50005626953999186, 500000.00045953538}},
    {"swish", 1, {0.35577551981735216, 0.41718025913171889, 0.37948235163282931, 0.51747733354036051}},
    {"swish", 80, {39.864825621662537, 40.05701864476109, 0.50762900803624448, 40.291201998636083}},
    {"hermite", 0.04, {0.11320052183686221, 0.071621566760326286, 1.8303010459215553, 0.070100211683790361}},
    {"hermite", 1, {1.13, 0.53515307716504657, 1.27, 0.88030615433009314}},
    {"hermite", 80, {108918.60744768309, 332887.54714153939, 2513.4820930960387, 1017656.5268353957}},
    {"hard_tanh", 1e-3, {0.001, 0.001, 1.0, 0.001}},
    {"hard_tanh", 0.05, {0.049999257094653403, 0.049991512878222359, 0.99999225578356896, 0.049991512878222359}},
    {"hard_tanh", 1, {0.5160585509617133, 0.1987480430987992, 0.6826894921370859, 0.1987480430987992}},
    {"hard_tanh", 80, {0.94060343518770069, 0.029624142677066706, 0.089020707489366018, 0.029624142677066706}},
    {"hard_tanh", 1e8, {0.99994680769599967, 2.6596151946973723e-5, 7.9788455947305776e-5, 2.6596151946973723e-5}},
    {"relu", 2.5, {1.25, 1.25, 0.5, 1.25}},
    {"late",
     0.05,
     {9.4117243488896567e-115, 2.3763494416385561e-112, 4.7526988832771119e-111, 1.1929180079782062e-109}},
    {"late", 1, {1.9343295187553164e-8, 2.8665157187919391e-7, 2.8665157187919391e-7, 7.7202491455506825e-6}},
    {"late", 1e4, {4613.3915144229341, 4800.6119416162754, 0.48006119416162754, 4999.8338986636574}},
    {"mixed", 1e-3, {0.0635, 0.001, 1.0, 0.001}},
    {"mixed", 0.7, {0.90175945084177674, 1.0106490872842391, 1.8161860453302281, 1.646101988584653}},
    {"mixed", 60, {22.687156684859587, 12.996947689280682, 0.71889953816207487, 9.5889198354755727}},
    {"mixed", 1e6, {131109.34805506, 130550.54791636372, 0.13467958571529731, 130000.01446760419}},
    {"plateau", 0.02, {1.1223372148620164e-15, 3.0749195888560697e-14, 1.5374597944280349e-12, 1.5978358489902942e-12}},
    {"plateau", 1, {0.15067956668754151, 0.3173105078629141, 0.3173105078629141, 0.8012519569012008}},
    {"leaky_relu", 1.0e-6, {5.0005e-7, 5.0005e-7, 0.50005, 5.0005e-7}},
    {"leaky_relu", 0.3, {0.150015, 0.150015, 0.50005, 0.150015}},
    {"leaky_relu", 4.0, {2.0002, 2.0002, 0.50005, 2.0002}},
    {"leaky_relu", 80.0, {40.004, 40.004, 0.50005, 40.004}},
    {"leaky_relu", 1.0e+6, {500050.0, 500050.0, 0.50005, 500050.0}},
    {"elu", 1.0e-6, {9.9920298964195793e-7, 9.9880492116602013e-7, 0.9992031143763502, 9.9840722662800484e-7}},
    {"elu", 0.3, {0.22063769410724747, 0.19765118204449078, 0.74901228428534146, 0.18324229595727587}},
    {"elu", 4.0, {2.2582066388556277, 2.0828771255230691, 0.59441064130196894, 2.0368471221109648}},
    {"elu", 80.0, {40.434101966293354, 40.031978949069265, 0.5222325024777926, 40.010946460827294}},
    {"elu", 1.0e+6, {500000.49940158733, 500000.00029920559, 0.50019947109033297, 500000.00009973542}},
    {"elu_half", 1.0e-6, {6.2480074741048948e-7, 6.2470123029150503e-7, 0.62480077859408755, 6.2460180665700121e-7}},
    {"elu_half", 0.3, {0.16765942352681187, 0.16191279551112269, 0.56225307107133536, 0.15831057398931897}},
    {"elu_half", 4.0, {2.0645516597139069, 2.0207192813807673, 0.52360266032549223, 2.0092117805277412}},
    {"elu_half", 80.0, {40.108525491573338, 40.007994737267316, 0.50555812561944815, 40.002736615206823}},
    {"elu_half", 1.0e+6, {500000.12485039683, 500000.0000748014, 0.50004986777258324, 500000.00002493386}},
    {"selu", 1.0e-6, {2.0949794386491178e-6, 2.0937490435056009e-6, 2.0949798241923089, 2.0925198041717791e-6}},
    {"selu", 0.3, {0.38393087237713083, 0.31288155669901815, 1.3216616618554462, 0.26834493916498225}},
    {"selu", 4.0, {3.0060394618554252, 2.4641111385654368, 0.84380138854857923, 2.3218363891749028}},
    {"selu", 80.0, {45.50067413101574, 44.257746751942855, 0.62070501984432542, 44.192737154465856}},
    {"selu", 1.0e+6, {551987.82602189525, 551986.28333970932, 0.55260283025942814, 551986.28272316433}},
    {"softplus", 1.0e-6, {0.48045343720502178, 4.2328684556825061e-7, 0.25000006249996875, 2.5000018749984375e-7}},
    {"softplus", 0.3, {0.60942892931521233, 0.1307294073701915, 0.26641131826237191, 0.088594406029021818}},
    {"softplus", 4.0, {2.3297814636243053, 1.9175088369260327, 0.34857362259946029, 1.7578898666788153}},
    {"softplus", 80.0, {40.104062059994518, 39.950960481454971, 0.45627678160970642, 39.864825621662537}},
    {"softplus", 1.0e+6, {500000.00095910024, 499999.99952045229, 0.49960105837583005, 499999.99868754157}},
    {"sin", 1.0e-6, {9.9999900000066667e-7, 9.99998000002e-7, 0.999999000001, 9.99997000005e-7}},
    {"sin", 0.3, {0.22559418195298678, 0.16464349082820793, 0.77440581804701322, 0.13353565091717921}},
    {"sin", 4.0, {0.49983226868604874, 0.0013418505116100474, 0.50016773131395126, 1.9899361211629246}},
};

TEST(GaussianMoments, AgreeWithThirtyDigitQuadrature) {
  for (const Reference& reference : references) {
    const auto computed = values(gaussian_moments(activation_of(reference.activation), reference.q));
    for (std::size_t i = 0; i < 4; ++i) {
      // 1e-10 is what the header promises.
      EXPECT_NEAR(computed[i] / reference.moments[i], 1.0, 1e-10)
          << reference.activation << " q = " << reference.q << " moment " << i;
    }
  }
}

TEST(GaussianMoments, OfTheSineHaveNoLimitInQ) {
  const Activation sine = Activation::named("sin");
  for (const double q : {1e-12, 1e-3, 0.7, 20.0, 1e4, 1e9, 1e30, 1e300}) {
    const GaussianMoments m = gaussian_moments(sine, q);
    const double wave = std::exp(-2.0 * q);
    EXPECT_NEAR(m.phi2 / (-0.5 * std::expm1(-2.0 * q)), 1.0, 1e-15) << q;
    EXPECT_DOUBLE_EQ(m.dphi2, 0.5 * (1.0 + wave)) << q;
    EXPECT_EQ(m.d2phi2, m.phi2) << q;
    // E sin^2 h^2 + E cos^2 h^2 = q: the two differ by E cos(2h) h^2.
    EXPECT_TRUE(std::isfinite(m.dphi2_h2) && std::isfinite(m.phi_dphi_h)) << q;
    EXPECT_LE(m.dphi2_h2, q * (1.0 + 1e-12)) << q;
  }
  // The derivative of E sin^2 with respect to ln q, twice over.
  EXPECT_NEAR(gaussian_moments(sine, 0.7).phi_dphi_h, 0.7 * std::exp(-1.4), 1e-15);
}

TEST(GaussianMoments, AtZeroAreTheLimitAlsoAtAKink) {
  const GaussianMoments elu = gaussian_moments(Activation::elu(0.5), 0.0);
  EXPECT_EQ(elu.dphi2, 0.5 * (1.0 + 0.25));
  EXPECT_EQ(elu.d2phi2, infinity);
  EXPECT_NEAR(gaussian_moments(Activation::elu(0.5), 1e-14).dphi2, elu.dphi2, 1e-6);
  // Without a kink phi'' may still jump: 1 on one side of zero, 0 on the other.
  EXPECT_DOUBLE_EQ(gaussian_moments(Activation::named("elu"), 0.0).d2phi2, 0.5);
  EXPECT_NEAR(gaussian_moments(Activation::named("elu"), 1e-14).d2phi2, 0.5, 1e-6);
  EXPECT_EQ(gaussian_moments(Activation::named("selu"), 1.0).d2phi2, infinity);
}

/// Adaptive Simpson: a rule of another family than the ones under test.
double simpson(const std::function<double(double)>& f, double a, double b, double fa, double fm, double fb,
               double tolerance, int depth) {
  const double m = 0.5 * (a + b);
  const double left = f(0.5 * (a + m));
  const double right = f(0.5 * (m + b));
  const double whole = (b - a) / 6.0 * (fa + 4.0 * fm + fb);
  const double halves = (b - a) / 12.0 * (fa + 4.0 * left + 2.0 * fm + 4.0 * right + fb);
  if (depth == 0 || std::abs(halves - whole) < 15.0 * tolerance) return halves + (halves - whole) / 15.0;
  return simpson(f, a, m, fa, left, fm, 0.5 * tolerance, depth - 1) +
         simpson(f, m, b, fm, right, fb, 0.5 * tolerance, depth - 1);
}

double gaussian_average(const std::function<double(double)>& f, double q) {
  const double scale = std::sqrt(q);
  const auto integrand = [&](double z) {
    return f(scale * z) * std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::numbers::pi);
  };
  double total = 0.0;
  std::vector<double> bounds = {-1.0 / scale, 1.0 / scale};  // where hard-tanh has its kinks
  for (int i = -16; i <= 16; ++i) bounds.push_back(0.625 * i);
  std::sort(bounds.begin(), bounds.end());
  for (std::size_t i = 0; i + 1 < bounds.size(); ++i) {
    // A hair inside, so that no end is evaluated on the far side of a jump.
    const double a = bounds[i] + 1e-15 * std::abs(bounds[i]);
    const double b = bounds[i + 1] - 1e-15 * std::abs(bounds[i + 1]);
    total += simpson(integrand, a, b, integrand(a), integrand(0.5 * (a + b)), integrand(b), 1e-15, 30);
  }
  return total;
}

TEST(GaussianMoments, AgreeWithAdaptiveQuadratureOverThePhasePlane) {
  for (const char* name : {"tanh", "erf", "sigmoid", "hard_tanh"}) {
    const Activation phi = Activation::named(name);
    for (const double sigma_w : {0.5, 1.3, 2.5, 8.0}) {
      for (const double sigma_b : {0.05, 1.0, 4.0}) {
        const double q = attractor(phi, sigma_w, sigma_b);
        const GaussianMoments m = gaussian_moments(phi, q);
        const double v = sigma_w * sigma_w * gaussian_average([&](double h) { return phi(h) * phi(h); }, q);
        EXPECT_NEAR((v + sigma_b * sigma_b) / q, 1.0, 1e-10) << name << " " << sigma_w << " " << sigma_b;
        const double slope2 = gaussian_average([&](double h) { return std::pow(phi.derivative(h), 2); }, q);
        EXPECT_NEAR(m.dphi2 / slope2, 1.0, 1e-10) << name << " " << sigma_w << " " << sigma_b;
      }
    }
  }
}

TEST(GaussianMoments, NamedAndPiecewiseFormsOfOneActivationAgree) {
  const Activation pieces = Activation::piecewise_linear({-1.0, 1.0}, {0.0, 1.0, 0.0}, 0.0, 0.0);
  for (const double q : {1e-12, 0.01, 0.11, 0.12, 3.9, 4.1, 1e12}) {
    const auto a = values(gaussian_moments(Activation::named("hard_tanh"), q));
    const auto b = values(gaussian_moments(pieces, q));
    for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(a[i] / b[i], 1.0, 1e-14) << q;
  }
}

/// A caller's function with kinks has no pieces to offer: the adaptive fallback must find them.
TEST(GaussianMoments, CustomActivationWithKinksMatchesItsClosedForm) {
  const Activation pieces = activation_of("mixed");
  const Activation custom = Activation::custom(
      [&](double x) { return pieces(x); }, [&](double x) { return pieces.derivative(x); }, [](double) { return 0.0; });
  for (const double q : {0.3, 4.0, 90.0}) {
    const auto a = values(gaussian_moments(custom, q));
    const auto b = values(gaussian_moments(pieces, q));
    for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(a[i] / b[i], 1.0, 1e-9) << q << " moment " << i;
  }
}

/// tanh(s x) at q has the averages of tanh at s^2 q: a custom function with poles close to the axis.
TEST(GaussianMoments, SteepCustomActivationScales) {
  constexpr double s = 400.0;
  const Activation steep =
      Activation::custom([](double x) { return std::tanh(s * x); },
                         [](double x) { return s / std::pow(std::cosh(s * x), 2); }, [](double) { return 0.0; });
  const GaussianMoments a = gaussian_moments(steep, 1.5);
  const GaussianMoments b = gaussian_moments(Activation::named("tanh"), 1.5 * s * s);
  EXPECT_NEAR(a.phi2 / b.phi2, 1.0, 1e-9);
  EXPECT_NEAR(a.dphi2 / (s * s * b.dphi2), 1.0, 1e-9);
  EXPECT_NEAR(a.dphi2_h2 / b.dphi2_h2, 1.0, 1e-9);
}

TEST(GaussianMoments, SinusoidHasItsClosedForm) {
  const Activation wave =
      Activation::custom([](double x) { return std::sin(5.0 * x); }, [](double x) { return 5.0 * std::cos(5.0 * x); },
                         [](double x) { return -25.0 * std::sin(5.0 * x); });
  for (const double q : {0.2, 3.0, 40.0}) {
    const double decay = std::exp(-50.0 * q);  // E cos(10 h)
    EXPECT_NEAR(gaussian_moments(wave, q).phi2, 0.5 * (1.0 - decay), 1e-9) << q;
    EXPECT_NEAR(gaussian_moments(wave, q).dphi2, 12.5 * (1.0 + decay), 1e-8) << q;
  }
}

TEST(GaussianMoments, UndefinedAveragesAreNotNumbers) {
  const Activation pole = Activation::custom([](double x) { return 1.0 / x; }, [](double x) { return -1.0 / (x * x); },
                                             [](double x) { return 2.0 / (x * x * x); });
  EXPECT_TRUE(std::isnan(gaussian_moments(pole, 1.0).phi2));
  EXPECT_TRUE(std::isnan(gaussian_moments(Activation::named("tanh"), -1.0).phi2));
  EXPECT_TRUE(std::isnan(gaussian_moments(Activation::named("relu"), std::numeric_limits<double>::infinity()).phi2));
}

TEST(GaussianMoments, VanishingVarianceIsTheLimit) {
  for (const char* name : {"relu", "hard_tanh", "tanh", "gelu", "sigmoid", "mixed"}) {
    const auto limit = values(gaussian_moments(activation_of(name), 0.0));
    const auto close = values(gaussian_moments(activation_of(name), 1e-24));
    for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(limit[i], close[i], 1e-11) << name << " moment " << i;
  }
  EXPECT_EQ(gaussian_moments(Activation::named("relu"), 0.0).dphi2, 0.5);
}

/// d/dq E phi^2 = E phi phi' h / q.
TEST(GaussianMoments, MixedMomentIsTheSlopeOfTheLengthMap) {
  for (const char* name : {"tanh", "gelu", "swish", "hard_tanh", "mixed"}) {
    const Activation phi = activation_of(name);
    const double q = 1.7;
    const double step = 1e-4;
    const double slope = (gaussian_moments(phi, q + step).phi2 - gaussian_moments(phi, q - step).phi2) / (2.0 * step);
    // Central difference: step^2 times a third derivative of order one, and rounding / step.
    EXPECT_NEAR(gaussian_moments(phi, q).phi_dphi_h / q, slope, 1e-8) << name;
  }
}

}  // namespace
}  // namespace meander
