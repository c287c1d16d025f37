// Studies of the phase diagram: cells, the line's own cells, kinds of activation, points, dropout and bad input.
#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "tests/support/in_process.hpp"

namespace meander {
namespace {

using testing::HasSubstr;
using testing_support::Folder;
using testing_support::Ran;

constexpr double infinity = std::numeric_limits<double>::infinity();

class PhaseDiagramStudy : public testing::Test {
 protected:
  Ran run(const std::string& sweep, const std::string& rest = "") const {
    return testing_support::run(
        folder_.write("study.toml", "measure = \"phase_diagram\"\nseed = 1\n[sweep]\n" + sweep + "\n" + rest));
  }
  std::string refusal(const std::string& sweep, const std::string& rest = "") const {
    return testing_support::refusal_of([&] { run(sweep, rest); });
  }
  Folder folder_;
};

/// Claims C1, C4 at the paper's three networks, to the digits of SCIENCE 1.4.
TEST_F(PhaseDiagramStudy, PaperNetworks) {
  const Ran ran = run("sigma_w = [1.3, 2.5, 4.0]\nsigma_b = 0.3\nactivation = \"tanh\"");
  const double known[3][4] = {{0.607047, 0.939807, 0.543472, 1.0},
                              {4.079124, 1.585225, 1.196041, 0.122104},
                              {12.604149, 2.367261, 1.857176, 0.029696}};
  for (std::size_t cell = 0; cell < 3; ++cell) {
    EXPECT_NEAR(ran.values("q_star", cell)[0], known[cell][0], 5e-7);
    EXPECT_NEAR(ran.values("chi_1", cell)[0], known[cell][1], 5e-7);
    EXPECT_NEAR(ran.values("chi_2", cell)[0], known[cell][2], 5e-7);
    EXPECT_NEAR(ran.values("c_star", cell)[0], known[cell][3], 5e-7);
    EXPECT_EQ(ran.records[0][cell].status, Status::done);
  }
  ASSERT_EQ(ran.records[1].size(), 1u);
  EXPECT_NEAR(ran.values("sigma_w_critical")[0], 1.3955839751549024, 1e-12);
}

TEST_F(PhaseDiagramStudy, TheLineRunsOverBiasAndActivation) {
  const Ran ran = run("sigma_w = [1.0, 2.0]\nsigma_b = [0.0, 0.1, 1.0]\nactivation = [\"tanh\", \"relu\"]");
  EXPECT_EQ(ran.records[0].size(), 12u);
  ASSERT_EQ(ran.records[1].size(), 6u);
  const CellSpace cells(ran.study, ran.layout.families[1]);
  EXPECT_EQ(cells.names(), (std::vector<std::string>{"sigma_b", "activation"}));
  EXPECT_EQ(ran.values("sigma_w_critical", 0)[0], 1.0);
  EXPECT_NEAR(ran.values("sigma_w_critical", 2)[0], 1.1934007250243297, 1e-12);
  EXPECT_NEAR(ran.values("sigma_w_critical", 3)[0], std::sqrt(2.0), 1e-15);
  EXPECT_NEAR(ran.values("sigma_w_critical", 4)[0], 1.855589101138892, 1e-12);
}

/// Bias-free ReLU (cells 1, 3): collapse and divergence. Cell 2: biased, an ordinary fixed point.
TEST_F(PhaseDiagramStudy, InfiniteAndUndefined) {
  const Ran ran = run("sigma_w = [1.0, 2.0]\nsigma_b = [0.5, 0.0]\nactivation = \"relu\"");
  EXPECT_NEAR(ran.values("q_star", 0)[0], 0.5, 1e-14);
  EXPECT_EQ(ran.values("q_star", 1)[0], 0.0);
  EXPECT_EQ(ran.values("chi_1", 1)[0], 0.5);
  EXPECT_TRUE(std::isnan(ran.values("c_star", 1)[0]));
  EXPECT_EQ(ran.values("q_star", 2)[0], infinity);
  EXPECT_EQ(ran.values("chi_2", 0)[0], infinity);
  EXPECT_TRUE(ran.values("layers_to_q_star", 1).empty());
  for (const Record& record : ran.records[0]) EXPECT_EQ(record.status, Status::done) << record.message;
}

TEST_F(PhaseDiagramStudy, EveryKindOfActivation) {
  const Ran ran =
      run("sigma_w = 1.2\nsigma_b = 0.2\nactivation = [\"linear\", \"relu\", \"hard_tanh\", \"tanh\", \"erf\", "
          "\"sigmoid\", "
          "\"gelu\", \"swish\", { breakpoints = [-1, 1], slopes = [0, 1, 0], value = [0, 0] }, { hermite = [0, 0.5, 0, "
          "-0.1] "
          "}, { expression = \"tanh(x)\" }]");
  ASSERT_EQ(ran.records[0].size(), 11u);
  for (const Record& record : ran.records[0]) EXPECT_EQ(record.status, Status::done) << record.message;
  EXPECT_EQ(ran.values("q_star", 0)[0], infinity);  // linear with sigma_w > 1
  for (const char* array : {"q_star", "chi_1", "c_star", "xi_q", "xi_c"}) {
    EXPECT_NEAR(ran.values(array, 8)[0] / ran.values(array, 2)[0], 1.0, 1e-12) << array;
    EXPECT_NEAR(ran.values(array, 10)[0] / ran.values(array, 3)[0], 1.0, 1e-9) << array;
  }
  // A cubic diverges from far out: its basin has an edge, on this side or the other.
  EXPECT_TRUE(std::isfinite(ran.values("basin_high", 9)[0]) || ran.values("basin_low", 9)[0] > 0.0);
}

TEST_F(PhaseDiagramStudy, PointsInsteadOfAProduct) {
  const Ran ran =
      run("point = [{ sigma_w = 1.3, sigma_b = 0.3 }, { sigma_w = 2.5, sigma_b = 0.0 }]\nactivation = "
          "\"tanh\"");
  EXPECT_NEAR(ran.values("q_star", 0)[0], 0.6070467919093232, 1e-11);
  EXPECT_NEAR(ran.values("q_star", 1)[0], 3.9609612326607997, 1e-11);
  EXPECT_NEAR(ran.values("sigma_w_critical", 0)[0], 1.3955839751549024, 1e-12);
  EXPECT_EQ(ran.values("sigma_w_critical", 1)[0], 1.0);
}

/// C6, and the start of the map in a sweep.
TEST_F(PhaseDiagramStudy, DropoutAndStartingPoint) {
  const Ran dropout =
      run("sigma_w = 1.32664991614216\nsigma_b = 0.223606797749979\nactivation = \"tanh\"\nkeep = "
          "[1.0, 0.99]");
  EXPECT_GT(dropout.values("xi_c", 0)[0], 1000.0);
  EXPECT_NEAR(dropout.values("xi_c", 1)[0], 14.477939747227882, 1e-6);
  const Ran starts = run("sigma_w = 1.5\nsigma_b = 0.1\nactivation = \"gelu\"\nq0 = [1.0, 1.4]");
  EXPECT_NEAR(starts.values("q_star", 0)[0], 0.0242, 5e-5);
  EXPECT_EQ(starts.values("q_star", 1)[0], infinity);
  EXPECT_EQ(starts.values("basin_high", 0)[0], starts.values("basin_low", 1)[0]);
}

TEST_F(PhaseDiagramStudy, BadInput) {
  EXPECT_THAT(refusal("sigma_w = { linspace = [-1.0, 1.0, 5] }\nactivation = \"tanh\""), HasSubstr("sigma_w"));
  EXPECT_THAT(refusal("sigma_w = 1.0\nactivation = { expression = \"tanh(\" }"), HasSubstr("incomplete"));
  EXPECT_THAT(refusal("sigma_w = 1.0\nactivation = { expression = \"sqrt(x)\" }"), HasSubstr("not a number"));
  EXPECT_THAT(refusal("sigma_w = 1.0\nactivation = { hermite = [] }"), HasSubstr("empty"));
  EXPECT_THAT(refusal("activation = \"tanh\""), HasSubstr("'sigma_w' is missing"));
  EXPECT_THAT(refusal("sigma_w = 1.0"), HasSubstr("'activation' is missing"));
  EXPECT_THAT(refusal("sigma_w = 1.0\nactivation = \"tanh\"\nwidth = 10"), HasSubstr("width"));
  EXPECT_THAT(refusal("sigma_w = 1.0\nactivation = \"tanh\"", "[phase_diagram]\nkeep = 0.0"), HasSubstr("keep"));
}

/// No hang, and no number where there is none: a polynomial far from its basin, and an average that does not exist.
TEST_F(PhaseDiagramStudy, BlowingUp) {
  const Ran ran =
      run("sigma_w = [1.0, 50.0]\nsigma_b = 1.0\nactivation = [{ hermite = [0, 0, 0, 1, 0, 2] }, { "
          "expression = \"exp(x * x)\" }]");
  EXPECT_EQ(ran.values("q_star", 2)[0], infinity);
  for (const std::size_t cell : {1u, 3u}) EXPECT_FALSE(std::isfinite(ran.values("q_star", cell)[0]));
}

}  // namespace
}  // namespace meander
