// What plans are made of: costs are counted, the same wherever and in whatever order they are asked, and near what they
// stand for. tests/benchmarks/costs.cpp holds them against the clock.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "kernels/gaussian_averages/correlation_average.hpp"
#include "kernels/gaussian_averages/gaussian_moments.hpp"
#include "studies/costs/average_costs.hpp"
#include "studies/curves/sampling_cost.hpp"
#include "tests/support/in_process.hpp"

namespace meander {
namespace {

using testing_support::Folder;
using testing_support::Ran;

TEST(AverageCosts, KnowWhereMapsLead) {
  for (const char* name : {"tanh", "gelu", "softplus", "relu", "elu"}) {
    const Activation phi = Activation::named(name);
    const AverageCosts costs(phi);
    for (const double q : {0.3, 1.7, 40.0}) {
      const double mean_square = gaussian_moments(phi, q).phi2;
      EXPECT_NEAR(costs.mean_square(q) / mean_square, 1.0, 0.03) << name << " " << q;
      for (const double c : {-0.6, 0.1, 0.7, 0.98, 1.0 - 1e-8}) {
        const double correlation = pair_averages(phi, q, q, c).phi_phi / mean_square;
        EXPECT_NEAR(costs.correlation(q, c), correlation, 0.04) << name << " " << q << " " << c;
        if (c > 0.9) {
          EXPECT_NEAR((1.0 - costs.correlation(q, c)) / (1.0 - correlation), 1.0, 0.2) << name << " " << c;
        }
      }
    }
  }
}

TEST(AverageCosts, DoNotDependOnTheOrderOfQuestions) {
  const AverageCosts there(Activation::named("swish")), back(Activation::named("swish"));
  const double first = there.pair(2.0, 0.5), second = there.pair(90.0, 0.99),
               third = there.iteration(3.0, 0.1, 2.0, 0.9, 20);
  EXPECT_EQ(back.iteration(3.0, 0.1, 2.0, 0.9, 20), third);
  EXPECT_EQ(back.pair(90.0, 0.99), second);
  EXPECT_EQ(back.pair(2.0, 0.5), first);
}

TEST(AverageCosts, GrowWithDepthAndWithWhatIsHard) {
  const AverageCosts costs(Activation::named("tanh"));
  EXPECT_GT(costs.pair(400.0, 0.97), 5.0 * costs.pair(1.0, 0.3));
  EXPECT_NEAR(costs.iteration(1.5, 0.1, 1.0, 0.9, 2000) / costs.iteration(1.5, 0.1, 1.0, 0.9, 1000), 2.0, 0.1);
}

/// A hat goes up and down: its layers make twice the transitions that a clamp's can.
TEST(ExpectedTransitions, GrowWithTheStretchesThatAreNotLevel) {
  const Folder folder;
  const std::string hat = "{ breakpoints = [-1, 0, 1], slopes = [0, 1, -1, 0], value = [0, 1] }";
  const Activation activation = Activation::piecewise_linear({-1, 0, 1}, {0, 1, -1, 0}, 0.0, 1.0);
  for (const int width : {4, 8}) {
    const std::string text = fmt::format(
        "measure = \"transitions\"\nseed = 1\nrealizations = 12\n[sweep]\nwidth = {}\ndepth = 5\nsigma_w = 20\n"
        "sigma_b = 0.5\nactivation = {}\n[input]\ndimension = 5\n[transitions]\npatterns = false\n",
        width, hat);
    const Ran ran = testing_support::run(folder.write("study.toml", text));
    const std::vector<double> expected =
        expected_transitions(ran.values("transitions_theory"), std::vector<int>(5, width), &activation);
    double drawn = 0.0, all = 0.0;
    for (std::size_t r = 0; r < 12; ++r) {
      for (const double transitions : ran.values("transitions", r)) drawn += transitions / 12.0;
    }
    for (const double transitions : expected) all += transitions;
    EXPECT_GT(drawn / all, 0.5) << width;
    EXPECT_LT(drawn / all, 2.0) << width;
  }
}

/// Mean transitions by layer of networks drawn, over those expected.
TEST(ExpectedTransitions, AreNearThoseOfNarrowAndSteepNetworks) {
  const Folder folder;
  for (const int width : {2, 3, 8}) {
    for (const double sigma_w : {1.5, 4.0, 50.0}) {
      const std::string text = fmt::format(
          "measure = \"transitions\"\nseed = 5\nrealizations = 12\n[sweep]\nwidth = {}\ndepth = 8\nsigma_w = {}\n"
          "activation = \"hard_tanh\"\n[input]\ndimension = 10\n[transitions]\npatterns = false\n",
          width, sigma_w);
      const Ran ran = testing_support::run(folder.write("study.toml", text));
      const std::vector<double> theory = ran.values("transitions_theory");
      const std::vector<double> expected = expected_transitions(theory, std::vector<int>(8, width));
      double drawn = 0.0, all = 0.0;
      for (std::size_t r = 0; r < 12; ++r) {
        for (const double transitions : ran.values("transitions", r)) drawn += transitions / 12.0;
      }
      for (const double transitions : expected) all += transitions;
      // What infinite width predicts is up to a million times more.
      EXPECT_GT(drawn / all, 0.5) << width << " " << sigma_w;
      EXPECT_LT(drawn / all, 2.0) << width << " " << sigma_w;
    }
  }
}

TEST(ExpectedTransitions, DoNotRefuseNarrowNetworksForMemory) {
  const Folder folder;
  const Ran ran = testing_support::run(
      folder.write("study.toml",
                   "measure = \"transitions\"\nseed = 743\n[sweep]\nwidth = 2\ndepth = 10\nsigma_w = 50\n"
                   "activation = \"hard_tanh\"\n[input]\ndimension = 2\n[transitions]\nevents = true\n"));
  const CellSpace cells(ran.study, ran.layout.families[0]);
  EXPECT_LT(ran.measurement->cost(0, Point(ran.study, cells.point_indices(0))).bytes, 1e7);
}

}  // namespace
}  // namespace meander
