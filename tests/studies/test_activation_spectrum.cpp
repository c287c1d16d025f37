// Spectra through the measure: the reference values, closed forms, the bridge to chi_1, designs, and what is refused.
#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/mean_field/layer_exponent_theory.hpp"
#include "kernels/propagation/layer_exponents.hpp"
#include "pipeline/inputs/arrays.hpp"
#include "tests/support/in_process.hpp"
#include "tests/support/reference.hpp"

namespace meander {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing_support::Folder;
using testing_support::Ran;

constexpr const char* tables =
    "{ hermite = [0.2, 1, 0.3, -0.3] }, { breakpoints = [-0.5, 1], slopes = [0.1, 1.0, 0.3], value = [0, 0] }, { "
    "expression = \"x * erf(x)\" }";

class ActivationSpectra : public testing::Test {
 protected:
  Ran run(const std::string& text) const {
    return testing_support::run(folder_.write("study.toml", "measure = \"activation_spectrum\"\nseed = 5\n" + text));
  }
  std::string refusal(const std::string& text) const {
    return testing_support::refusal_of([&] { run(text); });
  }
  Folder folder_;
};

/// hermite.json, q = 1.
TEST_F(ActivationSpectra, ReferenceValues) {
  const Ran ran =
      run("[sweep]\nsigma_w = 1.0\nactivation = [\"tanh\", \"relu\", \"hard_tanh\"]\n"
          "[activation_spectrum]\nvariance = 1.0\norders = 20\n");
  // A few of them as they are printed; then all.
  EXPECT_NEAR(ran.values("coefficient", 0)[1], 0.605705509602158826, 1e-15);
  EXPECT_NEAR(ran.values("coefficient", 1)[20], -0.00881364966714750597, 1e-15);
  EXPECT_NEAR(ran.values("coefficient", 2)[19], 0.0126440414474009238, 1e-15);
  EXPECT_NEAR(ran.values("chi_1_q_series", 0)[20], 0.4643265673595771, 1e-14);
  EXPECT_NEAR(ran.values("energy_held", 1)[20], 0.49953771396073005 / 0.5, 1e-14);
  const auto reference = testing_support::reference_data("hermite.json");
  const char* names[] = {"tanh", "relu", "hardtanh"};
  for (std::size_t a = 0; a < 3; ++a) {
    const auto& digits = reference.at("unit_variance").at(names[a]).at("coef_18_digits");
    ASSERT_EQ(digits.size(), 21u);
    const auto f = ran.values("coefficient", a);
    for (std::size_t n = 0; n <= 20; ++n) {
      EXPECT_NEAR(f[n], std::stod(digits[n].get<std::string>()), 1e-15) << names[a] << " " << n;
    }
  }
}

/// f_n of erf(sqrt(q) z): the n-th derivative of E erf(m + sqrt(q) z) = erf(m / sqrt(1 + 2 q)) at m = 0 times
/// q^(n/2) / sqrt(n!); of ReLU: (-1)^(k+1) (2k-3)!! / sqrt(2 pi (2k)!) at n = 2 k, and 1/2 at n = 1.
TEST_F(ActivationSpectra, ClosedForms) {
  const Ran ran =
      run("[sweep]\nsigma_w = 1.0\nactivation = [\"erf\", \"relu\"]\n"
          "[activation_spectrum]\nvariance = 2.5\norders = 41\n");
  const auto erf = ran.values("coefficient", 0);
  const double ratio = 2.5 / 6.0;
  double odd = 2.0 * std::numbers::inv_sqrtpi * std::sqrt(ratio);
  for (std::size_t k = 0; 2 * k + 1 <= 41; ++k) {
    EXPECT_NEAR(erf[2 * k + 1], odd, 1e-14) << k;
    EXPECT_NEAR(erf[2 * k], 0.0, 1e-15) << k;
    // (2k)! / (k! sqrt((2k+1)!)) from k to k + 1.
    const double n = static_cast<double>(2 * k + 1);
    odd *= -ratio * n * (n + 1.0) / (static_cast<double>(k + 1) * std::sqrt((n + 1.0) * (n + 2.0)));
  }
  const auto relu = ran.values("coefficient", 1);
  const double scale = std::sqrt(2.5);
  EXPECT_NEAR(relu[0], scale / std::sqrt(2.0 * std::numbers::pi), 1e-14);
  EXPECT_NEAR(relu[1], 0.5 * scale, 1e-14);
  double even = scale / std::sqrt(4.0 * std::numbers::pi);
  for (std::size_t k = 1; 2 * k <= 41; ++k) {
    EXPECT_NEAR(relu[2 * k], even, 1e-14) << k;
    EXPECT_EQ(relu[std::min<std::size_t>(2 * k + 1, 41)], 0.0);
    const double m = static_cast<double>(2 * k);
    even *= -(m - 1.0) / std::sqrt((m + 1.0) * (m + 2.0));
  }
}

/// C38. The series' terms are not negative, so that its sums rise to chi_1 q from below; what is left over falls
/// geometrically for smooth activations and like 1 / sqrt(orders) where there are kinks.
TEST_F(ActivationSpectra, SpectrumAddsUpToChi1) {
  const std::string names =
      "[\"linear\", \"tanh\", \"erf\", \"sigmoid\", \"gelu\", \"swish\", \"relu\", \"hard_tanh\", ";
  const Ran ran = run("[sweep]\nsigma_w = 1.3\nsigma_b = 0.4\nactivation = " + names + tables +
                      "]\nvariance = [0.5, 2.0]\n[activation_spectrum]\norders = 1600\n");
  for (std::size_t cell = 0; cell < 22; ++cell) {
    const std::size_t activation = cell / 2;
    const bool kinked = activation == 6 || activation == 7 || activation == 9;
    const auto series = ran.values("chi_1_q_series", cell);
    const double whole = ran.values("chi_1_q", cell)[0];
    const auto left = [&](std::size_t n) { return (whole - series[n]) / whole; };
    EXPECT_TRUE(std::is_sorted(series.begin(), series.end()));
    EXPECT_NEAR(ran.values("chi_1", cell)[0] * ran.values("spectrum_q", cell)[0], whole, 1e-13);
    if (!kinked) {
      EXPECT_NEAR(left(1600), 0.0, 1e-9) << cell;  // two averages of relative accuracy 1e-10
    } else {
      EXPECT_GT(left(1600), 0.0);
      EXPECT_LT(left(1600), 0.05);
      EXPECT_NEAR(left(1600) / left(400), 0.5, 0.05) << cell;
    }
    const auto held = ran.values("energy_held", cell);
    EXPECT_NEAR(held.back(), 1.0, kinked ? 1e-3 : 1e-9) << cell;
  }
}

TEST_F(ActivationSpectra, ParityGaps) {
  const Ran ran =
      run("[sweep]\nsigma_w = 1.0\nactivation = [\"linear\", \"tanh\", \"erf\", \"hard_tanh\", \"relu\", "
          "\"gelu\", { hermite = [0.2, 1, 0.3, -0.3] }, { expression = \"x * erf(x)\" }]\n"
          "[activation_spectrum]\nvariance = 1.0\norders = 30\n");
  const auto highest = [&](std::size_t cell) { return ran.values("highest_order", cell); };
  EXPECT_EQ(highest(0), (std::vector<double>{-1, 1}));
  for (const std::size_t odd : {1u, 2u, 3u}) {
    EXPECT_EQ(highest(odd), (std::vector<double>{-1, 29})) << odd;
    EXPECT_NEAR(ran.values("parity_energy", odd)[1], 1.0, 1e-10);
  }
  EXPECT_EQ(highest(4), (std::vector<double>{30, 1}));
  EXPECT_EQ(highest(5), (std::vector<double>{30, 1}));
  EXPECT_EQ(highest(6), (std::vector<double>{2, 3}));
  EXPECT_EQ(highest(7), (std::vector<double>{30, -1}));
  // ReLU = |x| / 2 + x / 2: both parities hold the same energy.
  EXPECT_NEAR(ran.values("parity_energy", 4)[0], 0.5, 1e-12);
  const double energy = 0.04 + 1.0 + 0.09 + 0.09;
  EXPECT_NEAR(ran.values("parity_energy", 6)[0], 0.13 / energy, 1e-10);
  // Rows of `decay` are parities: a gap has none.
  const auto decay = ran.values("decay", 4);
  EXPECT_GT(decay[0], 1.2);
  EXPECT_TRUE(std::isnan(decay[3]));
}

/// The fixed point reached, and the edge of its basin: gelu at sigma_w = 1.5, sigma_b = 0.1 (SCIENCE 9).
TEST_F(ActivationSpectra, FixedPointAndBasin) {
  const Ran ran = run("[sweep]\nsigma_w = 1.5\nsigma_b = 0.1\nactivation = [\"gelu\", \"tanh\"]\n[input]\nq0 = 0.2\n");
  EXPECT_NEAR(ran.values("q_star", 0)[0], 0.0242, 5e-5);
  EXPECT_NEAR(ran.values("basin_high", 0)[0], 1.3154, 5e-5);
  EXPECT_EQ(ran.values("basin_low", 0)[0], 0.0);
  EXPECT_EQ(ran.values("basin_high", 1)[0], std::numeric_limits<double>::infinity());
  EXPECT_LT(ran.values("q_star_slope", 1)[0], 1.0);
  // The spectrum is taken at that fixed point.
  EXPECT_EQ(ran.values("spectrum_q", 0)[0], ran.values("q_star", 0)[0]);
  EXPECT_FALSE(ran.has("exponent"));
  // From beyond the edge there is none: a status, and no numbers.
  const Ran beyond = run("[sweep]\nsigma_w = 1.5\nsigma_b = 0.1\nactivation = \"gelu\"\n[input]\nq0 = 2.0\n");
  for (const auto& family : beyond.records) EXPECT_EQ(family[0].status, Status::out_of_range);
  EXPECT_THAT(beyond.records[0][0].message, HasSubstr("diverges"));
  EXPECT_TRUE(beyond.values("coefficient").empty());
}

TEST_F(ActivationSpectra, NetworksBesideTheory) {
  const Ran ran =
      run("realizations = 3\n[sweep]\nwidth = 60\ndepth = [2, 5]\nsigma_w = [0.9, 2.0]\nsigma_b = 0.1\n"
          "activation = \"tanh\"\nc0 = [0.2, 0.6]\n[input]\ndimension = 30\nq0 = 1.5\n"
          "[activation_spectrum]\npairs = 4\n");
  ASSERT_EQ(ran.layout.families.size(), 4u);
  // Theory needs neither width nor depth.
  EXPECT_THAT(*ran.layout.families[3].over, testing::ElementsAre("sigma_w", "sigma_b", "activation", "c0"));
  EXPECT_EQ(ran.values("exponent", 0).size(), 2u);
  EXPECT_EQ(ran.values("exponent_theory", 0).size(), 5u);
  const LayerExponentTheory theory = layer_exponent_theory(Activation::named("tanh"), 2.0, 0.1, 1.5, 0.6, 5);
  EXPECT_EQ(ran.values("exponent_theory", 3), theory.exponent);
  EXPECT_EQ(ran.values("c_theory", 3), theory.c);
  // A shallow network is the beginning of a deep one: cells are (width, depth, sigma_w, ..., c0, realization).
  const auto shallow = ran.values("exponent", 0);
  const auto deep = ran.values("exponent", 12);
  EXPECT_EQ(shallow[0], deep[0]);
  EXPECT_EQ(shallow[1], deep[1]);
  EXPECT_NE(ran.values("exponent", 12), ran.values("exponent", 13)) << "realizations must differ";
}

/// The decay of theory itself: at c0 near c* the fitted length is xi_c.
TEST_F(ActivationSpectra, DecayLengthIsXiCNearTheFixedPoint) {
  const Ran ran =
      run("[sweep]\ndepth = 400\nsigma_w = [1.2, 2.5]\nsigma_b = 0.3\nactivation = \"tanh\"\nc0 = 0.5\n"
          "[input]\nq0 = \"fixed_point\"\n[activation_spectrum]\ndecay_range = [1e-9, 1e-5]\n");
  for (const std::size_t cell : {0u, 1u}) {
    const double xi_c = ran.values("xi_c", cell)[0];
    // C' at c* + d differs from C'(c*) by C'' d, d <= 1e-5.
    EXPECT_NEAR(ran.values("decay_length_theory", cell)[0] / xi_c, 1.0, 1e-3) << cell;
  }
}

TEST_F(ActivationSpectra, DesignedActivation) {
  const Ran ran =
      run("realizations = 2\n[sweep]\nwidth = 200\ndepth = 6\nsigma_w = 1.2\nsigma_b = 0.3\ndesign_chi_1 = [0.8, 1.0, "
          "1.3]\n"
          "[input]\ndimension = 50\n[activation_spectrum]\norders = 5\n");
  const double chi[] = {0.8, 1.0, 1.3};
  for (std::size_t cell = 0; cell < 3; ++cell) {
    EXPECT_NEAR(ran.values("q_star", cell)[0], 1.0, 1e-9);
    EXPECT_NEAR(ran.values("chi_1", cell)[0], chi[cell], 1e-9);
    EXPECT_LE(ran.values("q_star_slope", cell)[0], 0.5 + 1e-9);
    EXPECT_GT(ran.values("basin_high", cell)[0], 1.5);
    EXPECT_EQ(ran.values("highest_order", cell)[0], 2.0);
    EXPECT_EQ(ran.values("highest_order", cell)[1], 3.0);
    for (const Record& record : ran.records[0]) EXPECT_EQ(record.status, Status::done);
  }
  EXPECT_EQ(ran.values("c_star", 1)[0], 1.0);
  EXPECT_EQ(ran.values("xi_c", 1)[0], std::numeric_limits<double>::infinity());
  EXPECT_LT(ran.values("c_star", 2)[0], 1.0);
  // Exported, it is a network of that activation.
  ran.measurement->export_cell(ran.task(0, 0), folder_.path("net.h5"));
  const Ran again = run("[network]\nfile = \"net.h5\"\n[activation_spectrum]\npairs = 3\n");
  EXPECT_EQ(again.records[0][0].status, Status::done);
  EXPECT_EQ(again.values("exponent").size(), 6u);
  EXPECT_FALSE(again.has("coefficient"));
}

/// Some targets have no activation: their cells say so, the others are computed.
TEST_F(ActivationSpectra, ImpossibleDesignsAreAStatus) {
  const Ran ran =
      run("[sweep]\nsigma_w = 1.0\ndesign_chi_1 = [0.5, 1.5]\n[activation_spectrum]\ndesign_orders = [1, 3]\n");
  for (const auto& family : ran.records) {
    EXPECT_EQ(family[0].status, Status::out_of_range);
    EXPECT_EQ(family[1].status, Status::done);
  }
  EXPECT_THAT(ran.records[0][0].message, HasSubstr("out of reach of the orders 1, 3"));
}

/// From outside its basin a polynomial leaves the range of numbers: layers before that are kept.
TEST_F(ActivationSpectra, BlownUpNetworksAreAStatus) {
  const Ran ran =
      run("[sweep]\nwidth = 20\ndepth = 30\nsigma_w = 1.0\nactivation = { hermite = [0, 1, 0, -0.3] }\n"
          "[input]\ndimension = 20\nq0 = 1e5\n");
  EXPECT_EQ(ran.records[0][0].status, Status::out_of_range);
  EXPECT_THAT(ran.records[0][0].message, HasSubstr("out of its fixed point's basin"));
  const auto q = ran.values("q");
  EXPECT_GT(q.size(), 0u);
  EXPECT_LT(q.size(), 30u);
}

/// Not a number from two standard deviations on; and E phi^2 = E exp(2 h^2), which does not exist.
TEST_F(ActivationSpectra, UndefinedAveragesAreAStatus) {
  for (const char* expression : {"sqrt(x + 6)", "exp(x^2)"}) {
    const Ran ran =
        run(fmt::format("[sweep]\nsigma_w = 1.0\ndepth = 3\nactivation = {{ expression = \"{}\" }}\n[input]\nq0 = 9.0\n"
                        "[activation_spectrum]\nvariance = 9.0\n",
                        expression));
    for (const auto& family : ran.records) EXPECT_EQ(family[0].status, Status::out_of_range) << expression;
  }
}

TEST_F(ActivationSpectra, NonsenseIsRefused) {
  const std::string sweep = "[sweep]\nsigma_w = 1.0\nactivation = \"tanh\"\n";
  EXPECT_EQ(refusal(sweep), "");
  EXPECT_THAT(refusal("[sweep]\nactivation = \"tanh\"\n"), HasSubstr("'sigma_w' is missing"));
  EXPECT_THAT(refusal("[sweep]\nsigma_w = 1.0\n"), HasSubstr("'activation' is missing"));
  EXPECT_THAT(refusal(sweep + "width = 5\n"), HasSubstr("'depth' is missing"));
  EXPECT_THAT(refusal(sweep + "width = 5\ndepth = 2\n"), HasSubstr("'dimension' is missing"));
  EXPECT_THAT(refusal(sweep + "width = 5\ndepth = 2\n[input]\ndimension = 1\n"), HasSubstr("take at least 2"));
  NamedArrays scalar;
  scalar.texts = {{"filetype", "meander_network"}, {"activation", "tanh"}};
  scalar.integers["version"] = {1, 0};
  scalar.arrays["/layers/0/weight"] = {{3, 1}, {0.5, 1.0, 1.5}};
  scalar.arrays["/layers/0/bias"] = {{3}, {0.0, 0.1, 0.2}};
  write_arrays(folder_.path("scalar.h5"), scalar);
  EXPECT_THAT(refusal("[network]\nfile = \"scalar.h5\"\n"), HasSubstr("take at least 2"));
  EXPECT_THAT(refusal(sweep + "[input]\nq0 = 0.0\n"), HasSubstr("is no mean square"));
  EXPECT_THAT(refusal(sweep + "[input]\nc0 = 1.5\n"), HasSubstr("c0"));
  EXPECT_THAT(refusal(sweep + "[activation_spectrum]\norders = 0\n"), HasSubstr("orders"));
  EXPECT_THAT(refusal(sweep + "[activation_spectrum]\norders = 1000000\n"), HasSubstr("orders"));
  EXPECT_THAT(refusal(sweep + "[activation_spectrum]\norders = 3\n"), HasSubstr("nothing is left to fit"));
  EXPECT_THAT(refusal(sweep + "[activation_spectrum]\nvariance = -1.0\n"), HasSubstr("is no variance"));
  EXPECT_THAT(refusal(sweep + "[activation_spectrum]\ndecay_range = [0.2, 0.1]\n"), HasSubstr("0 < a < b"));
  EXPECT_THAT(refusal(sweep + "[activation_spectrum]\ndesign_chi_1 = 1.0\n"),
              HasSubstr("stands beside 'design_chi_1'"));
  EXPECT_THAT(refusal("[sweep]\nsigma_w = 1.0\n[activation_spectrum]\ndesign_chi_1 = 5.0\n"),
              HasSubstr("out of reach of the orders 0, 1, 2, 3"));
  EXPECT_THAT(refusal("[sweep]\nsigma_w = 1.0\n[activation_spectrum]\ndesign_chi_1 = 1.0\ndesign_orders = [1, 3]\n"),
              HasSubstr("the smallest slope of the length map is 1"));
  EXPECT_THAT(refusal("[sweep]\nsigma_w = 1.0\n[activation_spectrum]\ndesign_chi_1 = 1.0\ndesign_orders = [3, 1]\n"),
              HasSubstr("orders ascend"));
  EXPECT_THAT(refusal("precision = \"single\"\n" + sweep), HasSubstr("double only"));
  // All at once.
  EXPECT_THAT(refusal("[sweep]\nwidth = 5\n[activation_spectrum]\nfit_from = 50\n"),
              AllOf(HasSubstr("'sigma_w' is missing"), HasSubstr("'activation' is missing"),
                    HasSubstr("'depth' is missing"), HasSubstr("'fit_from'")));
}

}  // namespace
}  // namespace meander
