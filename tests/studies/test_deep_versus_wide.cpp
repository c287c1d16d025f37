// The measure deep_versus_wide where layers contract the curve: ranks and errors against 50 digits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/in_process.hpp"

namespace meander {
namespace {

using testing_support::Folder;
using testing_support::Ran;

class DeepVersusWideMeasure : public testing::Test {
 protected:
  Ran run(const std::string& sweep, const std::string& own = "outputs = 60\nfrequencies = 20\nsamples = 400\n") const {
    return testing_support::run(
        folder_.write("study.toml", "measure = \"deep_versus_wide\"\nseed = 1\nrealizations = 2\n[sweep]\n" + sweep +
                                        "[input]\ndimension = 50\n[deep_versus_wide]\n" + own));
  }

 private:
  Folder folder_;
};

// The networks as `meander export` gives them, their outputs at the samples, their singular values (none below 400
// epsilon of the largest), and the fits, by mpmath with 50 digits.

TEST_F(DeepVersusWideMeasure, ContractedReluHasTheRankOfItsLivingNeurons) {
  const Ran ran = run("width = 20\ndepth = 30\nsigma_w = 1.0\nsigma_b = 0.3\nactivation = \"relu\"\n");
  const double exact[] = {0.5240684048829631, 0.5058505217953828};
  for (std::size_t cell = 0; cell < 2; ++cell) {
    EXPECT_EQ(ran.records[0][cell].status, Status::done);
    EXPECT_EQ(ran.values("rank", cell)[0], 6.0);
    // The smallest singular value is 1e-6 of the largest, and is known to 1e-10 of itself.
    EXPECT_NEAR(ran.values("mean_angular_error", cell)[0], exact[cell], 1e-10);
  }
}

TEST_F(DeepVersusWideMeasure, ContractedTanhKeepsItsSmallDirections) {
  const Ran ran = run("width = 20\ndepth = 30\nsigma_w = 0.7\nsigma_b = 0.3\nactivation = \"tanh\"\n");
  const double rank[] = {19.0, 17.0}, exact[] = {0.0862853732126496, 0.16667241359471616};
  for (std::size_t cell = 0; cell < 2; ++cell) {
    EXPECT_EQ(ran.values("rank", cell)[0], rank[cell]);
    // The last direction stands 1e-13 above nothing: two or three of its digits are right, of its share of the fit.
    EXPECT_NEAR(ran.values("mean_angular_error", cell)[0], exact[cell], 1e-5);
  }
}

TEST_F(DeepVersusWideMeasure, FewHiddenNeuronsBoundTheRank) {
  for (const char* activation : {"tanh", "relu", "linear", "erf"}) {
    const Ran ran = run("widths = [[40, 3, 60], [40, 40, 7, 60], [60]]\nsigma_w = 1.5\nsigma_b = 0.3\nactivation = \"" +
                            std::string(activation) + "\"\n",
                        "frequencies = 20\nsamples = 400\n");
    const bool linear = std::string(activation) == "linear";
    const std::vector<double> most{linear ? 2.0 : 3.0, linear ? 2.0 : 7.0, 2.0};
    for (std::size_t cell = 0; cell < 6; ++cell) {
      EXPECT_LE(ran.values("rank", cell)[0], most[cell / 2]) << activation << cell;
      EXPECT_GE(ran.values("rank", cell)[0], 1.0) << activation << cell;
    }
  }
}

TEST_F(DeepVersusWideMeasure, DifferencesBelowTheRangeSaySo) {
  const Ran ran = run("width = 20\ndepth = 200\nsigma_w = 0.1\nsigma_b = 0.3\nactivation = \"tanh\"\n",
                      "outputs = 5\nfrequencies = 2\nsamples = 50\n");
  EXPECT_EQ(ran.records[0][0].status, Status::out_of_range);
  EXPECT_THAT(ran.records[0][0].message, testing::HasSubstr("contract"));
}

}  // namespace
}  // namespace meander
