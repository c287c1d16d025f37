// The measure `signal_propagation`: its arrays, starts met exactly, and what it refuses.
#include <gmock/gmock.h>

#include <cmath>

#include "tests/support/in_process.hpp"

namespace meander {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing_support::Folder;
using testing_support::Ran;
using testing_support::run;

class SignalPropagation : public testing::Test {
 protected:
  Ran study(const std::string& sweep, const std::string& rest) const {
    return run(folder_.write(
        "study.toml", "measure = \"signal_propagation\"\nseed = 5\n[sweep]\n" + std::string(base) + sweep + rest));
  }
  std::string refusal(const std::string& sweep, const std::string& rest) const {
    return testing_support::refusal_of([&] { study(sweep, rest); });
  }
  static constexpr const char* base = "width = 40\ndepth = 4\nsigma_w = 1.5\nsigma_b = 0.2\nactivation = \"tanh\"\n";
  static constexpr const char* input = "[input]\ndimension = 30\n";

  Folder folder_;
};

TEST_F(SignalPropagation, StartsAreSwept) {
  const Ran ran = study("q0 = [0.5, 2.0]\nc0 = [1.0, 0.25]\n", input);
  EXPECT_NEAR(ran.values("q_theory", 2)[0], 2.25 * 2.0 + 0.04, 1e-12);
  EXPECT_NEAR(ran.values("c_theory", 3)[0], (2.25 * 0.5 + 0.04) / (2.25 * 2.0 + 0.04), 1e-12);
  for (const double c : ran.values("c", 0)) EXPECT_NEAR(c, 1.0, 1e-12);
  EXPECT_LT(ran.values("c", 1)[0], 1.0);
  EXPECT_FALSE(ran.has("gradient"));
  EXPECT_FALSE(ran.has("perturbation_growth"));
  EXPECT_EQ(ran.values("xi_c", 0), ran.values("xi_c", 3));
}

/// With dropout, "fixed_point" is the attractor of the map with dropout: layer 1 starts there and stays.
TEST_F(SignalPropagation, DropoutHasItsOwnFixedPoint) {
  const Ran ran = study("keep = [1.0, 0.8]\n", "[input]\ndimension = 30\nq0 = \"fixed_point\"\nc0 = 1.0\n");
  for (const std::size_t cell : {0u, 1u}) {
    for (const double q : ran.values("q_theory", cell)) EXPECT_NEAR(q, ran.values("q_star", cell)[0], 1e-9);
  }
  EXPECT_GT(ran.values("q_star", 1)[0], ran.values("q_star", 0)[0]);
  EXPECT_LT(ran.values("c", 1)[3], 0.999);
  EXPECT_LT(ran.values("c_star", 1)[0], 0.999);
}

/// Rounding of c grew by chi_1 = 2 and more with every layer: 0.4886 in layer 40 where c is 1.
TEST_F(SignalPropagation, EqualInputsStayEqualInTheChaoticPhase) {
  const Ran ran = run(folder_.write("chaos.toml",
                                    "measure = \"signal_propagation\"\nseed = 5\n[sweep]\nwidth = 10\ndepth = 40\n"
                                    "sigma_w = 4.0\nsigma_b = [0.0, 0.3]\nactivation = \"tanh\"\nc0 = [1.0, -1.0]\n" +
                                        std::string(input)));
  for (const std::size_t cell : {0u, 2u}) EXPECT_THAT(ran.values("c_theory", cell), testing::Each(1.0));
  EXPECT_THAT(ran.values("c_theory", 1), testing::Each(-1.0));
  EXPECT_NEAR(ran.values("c_theory", 3)[0], (0.09 - 16.0) / 16.09, 1e-15);
  EXPECT_NEAR(ran.values("c_theory", 3)[39], ran.values("c_star", 3)[0], 2e-4);
}

/// The value of tanh in layer 2, where it was NaN, by nested trapezoid rules of step 5e-4 and 1e-2 (numpy).
TEST_F(SignalPropagation, LargeGainsHaveTheirTheory) {
  for (const char* activation : {"tanh", "erf", "gelu", "swish", "softplus"}) {
    const Ran ran = run(folder_.write(
        "gain.toml", fmt::format("measure = \"signal_propagation\"\nseed = 5\n[sweep]\nwidth = 10\ndepth = 30\n"
                                 "sigma_w = 20.0\nactivation = \"{}\"\nc0 = [0.99, -0.99]\n[input]\n"
                                 "dimension = 30\n[signal_propagation]\ngradients = true\n",
                                 activation)));
    for (const std::size_t cell : {0u, 1u}) {
      EXPECT_EQ(ran.records[1][cell].status, Status::done) << activation << " " << ran.records[1][cell].message;
      for (const char* array : {"c_theory", "gradient_theory", "q_theory"}) {
        EXPECT_THAT(ran.values(array, cell), testing::Each(testing::Truly([](double x) { return std::isfinite(x); })))
            << activation << " " << array;
      }
    }
    if (activation != std::string("tanh")) continue;
    EXPECT_NEAR(ran.values("c_theory", 0)[1], 0.9386263227, 1e-9);
  }
}

TEST_F(SignalPropagation, GradientsBeyondTheLargestNumberAreOutOfRange) {
  const Ran ran = run(folder_.write("steep.toml",
                                    "measure = \"signal_propagation\"\nseed = 5\n[sweep]\nwidth = 10\ndepth = 40\n"
                                    "sigma_w = 1e10\nactivation = \"sin\"\n[input]\ndimension = 30\n"
                                    "[signal_propagation]\ngradients = true\n"));
  for (const std::size_t family : {0u, 1u}) {
    EXPECT_EQ(ran.records[family][0].status, Status::out_of_range);
    EXPECT_THAT(ran.records[family][0].message, HasSubstr("gradient"));
  }
  EXPECT_TRUE(std::isnan(ran.values("gradient")[0]));
  EXPECT_DOUBLE_EQ(ran.values("gradient")[39], 1.0);
  EXPECT_TRUE(std::isfinite(ran.values("gradient")[30]));
  EXPECT_EQ(ran.values("q_theory").size(), 40u);
}

TEST_F(SignalPropagation, GradientsAndPerturbationsOnDemand) {
  const Ran ran = study("", std::string(input) + "[signal_propagation]\ngradients = true\nperturbations = true\n");
  EXPECT_DOUBLE_EQ(ran.values("gradient").back(), 1.0);
  EXPECT_EQ(ran.values("gradient").size(), 4u);
  EXPECT_EQ(ran.values("perturbation_growth_theory"), ran.values("gradient_theory"));
}

/// Two images keep their own lengths and correlation, unless told otherwise; theory belongs to the realization then.
TEST_F(SignalPropagation, DataKeepTheirOwn) {
  folder_.write_digits(4);
  const Ran own = study("", "[input]\nimages = \"digits\"\n");
  EXPECT_EQ(own.layout.families.size(), 1u);
  EXPECT_NE(own.values("q_theory")[0], 2.25 + 0.04);
  const Ran set = study("", "[input]\nimages = \"digits\"\nq0 = 1.0\nc0 = 0.5\n");
  EXPECT_NEAR(set.values("q_theory")[0], 2.25 + 0.04, 1e-12);
  EXPECT_NEAR(set.values("c_theory")[0], (2.25 * 0.5 + 0.04) / 2.29, 1e-12);
}

/// Where both lengths and correlation are told, nothing of the draw is left in theory: it has no realization.
TEST_F(SignalPropagation, DataOfGivenLengthAndCorrelationHaveOneTheory) {
  folder_.write_digits(4);
  EXPECT_EQ(study("", "[input]\nimages = \"digits\"\nq0 = 1.0\nc0 = 0.5\n").layout.families.size(), 2u);
  EXPECT_EQ(study("q0 = [0.5, 1.0]\nc0 = 0.5\n", "[input]\nimages = \"digits\"\n").layout.families.size(), 2u);
  EXPECT_EQ(study("", "[input]\nimages = \"digits\"\nq0 = 1.0\n").layout.families.size(), 1u);
}

/// Told only their correlation, images keep their lengths: |x0|^2 and |x1|^2 of digits differ, and so c of layer 1
/// is (sigma_w^2 c0 sqrt(q0 q1) + sigma_b^2) / sqrt of the product of the two q^1, which is below that of equal
/// lengths.
TEST_F(SignalPropagation, TurnedDataKeepTheirLengths) {
  folder_.write_digits(4);
  const Ran own = study("", "[input]\nimages = \"digits\"\n");
  const Ran turned = study("", "[input]\nimages = \"digits\"\nc0 = 1.0\n");
  EXPECT_EQ(turned.values("q_theory")[0], own.values("q_theory")[0]);
  EXPECT_LT(turned.values("c_theory")[0], 1.0);
}

TEST_F(SignalPropagation, RefusesWhatCannotBe) {
  EXPECT_THAT(refusal("c0 = 1.2\n", input), HasSubstr("c0"));
  EXPECT_THAT(refusal("c0 = [0.0, -1.5]\n", input), HasSubstr("-1.5"));
  EXPECT_THAT(refusal("", std::string(input) + "[signal_propagation]\nkeep = 0.0\n"), HasSubstr("keep"));
  EXPECT_THAT(refusal("keep = 1.5\n", input), HasSubstr("keep"));
  EXPECT_THAT(refusal("c0 = 0.5\n", "[input]\ndimension = 1\n"), HasSubstr("dimension 1"));
  EXPECT_EQ(refusal("c0 = 1.0\n", "[input]\ndimension = 1\n"), "");
  EXPECT_THAT(refusal("", "[input]\nq0 = 1.0\n"), HasSubstr("'dimension' is missing"));
  // A file that is no network has one fault, not also the lack of a dimension that a network would give.
  folder_.write("net.h5", "no network");
  const std::string fault = refusal("", "[network]\nfile = \"net.h5\"\n");
  EXPECT_THAT(fault, HasSubstr("net.h5"));
  EXPECT_THAT(fault, Not(HasSubstr("'dimension' is missing")));
}

}  // namespace
}  // namespace meander
