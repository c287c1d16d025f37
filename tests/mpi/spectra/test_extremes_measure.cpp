// The measure jacobian_extremes: the ends of jacobian_spectrum's values, whatever the way they are found; settings,
// refusals and statuses. All ranks share each task, and the first one's results count.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "pipeline/ranks/rank_group.hpp"
#include "tests/support/in_process.hpp"

namespace meander {
namespace {

using testing::HasSubstr;
using testing_support::Folder;
using testing_support::Ran;

bool is_first() {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank == 0;
}

constexpr double epsilon = std::numeric_limits<double>::epsilon();

class JacobianExtremesMeasure : public testing::Test {
 protected:
  Ran run(const std::string& text, const std::string& measure = "jacobian_extremes") const {
    const std::string file = folder_.write("study.toml", "measure = \"" + measure + "\"\nseed = 3\n" + text);
    static const RankGroup everyone{MPI_COMM_WORLD};
    return testing_support::run(file, {}, measure == "jacobian_extremes" ? &everyone : nullptr);
  }
  std::string refusal(const std::string& text) const {
    return testing_support::refusal_of([&] { run(text); });
  }

 private:
  Folder folder_;
};

const std::string tanh_network =
    "realizations = 2\n[sweep]\nwidth = 60\ndepth = 3\nsigma_w = 1.2\nsigma_b = 0.1\nactivation = "
    "\"tanh\"\n[input]\nq0 "
    "= 0.7\n";
const std::string relu_network = "[sweep]\nwidth = 60\ndepth = 3\nsigma_w = 1.4142135623731\nactivation = \"relu\"\n";

TEST_F(JacobianExtremesMeasure, HasTheEndsOfTheSpectrumOfTheSameSeed) {
  for (const std::string& network : {tanh_network, relu_network}) {
    const Ran whole = run(network, "jacobian_spectrum");
    const Ran ends = run(network + "[jacobian_extremes]\ncount = 7\n");
    if (!is_first()) continue;
    for (std::size_t cell = 0; cell < whole.records[0].size(); ++cell) {
      const auto all = whole.values("singular_values", cell);
      const auto rank = static_cast<std::size_t>(whole.values("rank", cell)[0]);
      const auto largest = ends.values("largest", cell), smallest = ends.values("smallest", cell);
      ASSERT_EQ(largest.size(), 7u);
      ASSERT_EQ(smallest.size(), 7u);
      for (std::size_t k = 0; k < 7; ++k) {
        EXPECT_DOUBLE_EQ(largest[k], all[k]);
        EXPECT_DOUBLE_EQ(smallest[k], all[rank - 1 - k]);
      }
      EXPECT_EQ(ends.values("rank", cell)[0], static_cast<double>(rank));
      EXPECT_EQ(ends.records[0][cell].status, Status::done);
    }
    EXPECT_DOUBLE_EQ(ends.values("lambda_max_theory")[0], whole.values("lambda_max_theory")[0]);
    EXPECT_EQ(ends.values("theory_valid")[0], whole.values("theory_valid")[0]);
  }
}

TEST_F(JacobianExtremesMeasure, EveryStorageAndSolverFindsTheLargest) {
  const auto all = run(relu_network, "jacobian_spectrum").values("singular_values");
  for (const std::string solver : {"trlanczos", "cross", "randomized"}) {
    for (const std::string storage : {"auto", "double", "single", "regenerated"}) {
      const Ran ran = run(relu_network + "[jacobian_extremes]\nends = \"largest\"\ncount = 4\nsolver = \"" + solver +
                          "\"\nstorage = \"" + storage + "\"\n");
      if (!is_first()) continue;
      SCOPED_TRACE(solver + " " + storage);
      ASSERT_EQ(ran.records[0][0].status, Status::done) << ran.records[0][0].message;
      // Weights of single precision change values by at most depth epsilon_single s_1.
      const double most = storage == "single" ? 3.0 * 6e-8 * all[0] : 1e-9 * all[0];
      const auto largest = ran.values("largest"), residual = ran.values("residual_largest");
      ASSERT_EQ(largest.size(), 4u);
      ASSERT_EQ(residual.size(), 4u);
      for (std::size_t k = 0; k < 4; ++k) {
        EXPECT_NEAR(largest[k], all[k], most);
        EXPECT_LE(residual[k], 1e-9 * all[0]);
      }
      EXPECT_GT(ran.values("iterations")[0], 0.0);
      EXPECT_LE(ran.values("adjoint_error")[0], 60 * 3 * 10 * epsilon);
      EXPECT_EQ(ran.values("storage")[0], storage == "single" ? 2.0 : storage == "regenerated" ? 3.0 : 1.0);
    }
  }
}

/// What is there is right, and what is missing in a done cell is not in the spectrum either.
void expect_right(const Ran& whole, const Ran& ends, std::size_t cell) {
  const auto all = whole.values("singular_values", cell);
  const auto rank = static_cast<std::size_t>(whole.values("rank", cell)[0]);
  const auto largest = ends.values("largest", cell), smallest = ends.values("smallest", cell);
  ASSERT_LE(smallest.size(), rank);
  for (std::size_t k = 0; k < largest.size(); ++k) {
    EXPECT_TRUE(std::isnan(largest[k]) || std::abs(largest[k] - all[k]) <= 1e-9 * all[0]) << largest[k];
  }
  for (std::size_t k = 0; k < smallest.size(); ++k) {
    const double value = all[rank - 1 - k];
    EXPECT_TRUE(std::isnan(smallest[k]) || std::abs(smallest[k] - value) <= 1e-7 * value) << smallest[k];
  }
  const auto known = ends.values("rank", cell);
  EXPECT_TRUE(known.empty() || known[0] == static_cast<double>(rank));
  if (ends.records[0][cell].status != Status::done) return;
  EXPECT_EQ(largest.size(), 8u);
  EXPECT_EQ(smallest.size(), std::min<std::size_t>(rank, 8));
}

TEST_F(JacobianExtremesMeasure, EveryLawAndActivationByEverySolver) {
  const std::string networks =
      "[sweep]\nwidth = [8, 13]\ndepth = [1, 3]\nsigma_w = [0.0, 1.0]\nsigma_b = 0.1\nactivation = [\"tanh\", "
      "\"relu\", \"gelu\", \"linear\"]\nweights = [\"gaussian\", \"orthogonal\", \"rademacher\", { law = \"sparse\", "
      "density = 0.2 }]\n";
  const Ran whole = run(networks + "[jacobian_spectrum]\nrange = [0, 1]\n", "jacobian_spectrum");
  for (const std::string solver : {"auto", "dense", "randomized", "trlanczos"}) {
    const Ran ends = run(networks + "[jacobian_extremes]\ncount = 8\nsolver = \"" + solver + "\"\n");
    if (!is_first()) continue;
    std::size_t done = 0;
    for (std::size_t cell = 0; cell < whole.records[0].size(); ++cell) {
      SCOPED_TRACE(solver + ", cell " + std::to_string(cell) + ": " + ends.records[0][cell].message);
      expect_right(whole, ends, cell);
      done += ends.records[0][cell].status == Status::done ? 1 : 0;
    }
    // Products find both ends of what is neither ReLU nor singular; the whole spectrum has them all.
    EXPECT_GE(done, solver == "auto" ? ends.records[0].size() : ends.records[0].size() / 4);
  }
}

TEST_F(JacobianExtremesMeasure, AWholeSpectrumTakesThePlaceOfASearchThatGaveUp) {
  const std::string deep = "[sweep]\nwidth = 24\ndepth = 40\nsigma_w = 1.2\nactivation = \"tanh\"\n";
  const std::string own = "[jacobian_extremes]\ncount = 7\n";
  const Ran ends = run(deep + own), search = run(deep + own + "solver = \"randomized\"\n");
  if (!is_first()) return;
  // The search leaves some values, and residuals of theirs.
  ASSERT_EQ(search.records[0][0].status, Status::not_converged);
  ASSERT_FALSE(search.values("residual_smallest").empty());
  // What it gives is not lost in rounding of the smallest.
  const auto smallest = search.values("smallest"), right = ends.values("smallest");
  for (std::size_t k = 0; k < smallest.size(); ++k) {
    EXPECT_TRUE(std::isnan(smallest[k]) || std::abs(smallest[k] / right[k] - 1.0) <= 1e-7) << k;
  }
  EXPECT_EQ(ends.records[0][0].status, Status::done);
  EXPECT_EQ(ends.values("smallest").size(), 7u);
  EXPECT_THAT(ends.values("residual_smallest"), testing::Each(testing::IsNan()));
  EXPECT_EQ(ends.values("solver")[0], 1.0);
}

TEST_F(JacobianExtremesMeasure, NoSolverFailsOnAFewOpenNeurons) {
  const std::string narrow =
      "realizations = 6\n[sweep]\nwidth = 3\ndepth = 1\nsigma_w = 1.2\nsigma_b = 0.3\nactivation = "
      "\"hard_tanh\"\nweights = [\"gaussian\", \"orthogonal\"]\n";
  for (const std::string solver : {"trlanczos", "cross", "randomized"}) {
    const Ran ran = run(narrow + "[jacobian_extremes]\ncount = 1\nends = \"largest\"\nsolver = \"" + solver + "\"\n");
    if (!is_first()) continue;
    for (const auto& record : ran.records[0]) {
      EXPECT_TRUE(record.status == Status::done || record.status == Status::not_converged) << record.message;
    }
  }
}

TEST_F(JacobianExtremesMeasure, NoRoundingPosesAsTheSmallestOfSingularWeights) {
  // Ranks by elimination modulo 2^127 - 1, values by numpy, of the exported networks; beyond them lies 1e-17.
  const std::string network =
      "[sweep]\nwidth = 100\ndepth = 3\nsigma_w = 1.5\nsigma_b = 0.1\nactivation = [\"linear\", \"relu\"]\nweights = { "
      "law = \"sparse\", density = 0.02 }\n";
  const double rank[] = {61.0, 9.0}, smallest[] = {0.00010676580748577894, 0.12527899661966804};
  for (const std::string solver : {"auto", "dense", "randomized", "trlanczos"}) {
    const Ran ran = run(network + "[jacobian_extremes]\ncount = 3\nsolver = \"" + solver + "\"\n");
    if (!is_first()) continue;
    for (std::size_t cell = 0; cell < 2; ++cell) {
      const auto found = ran.values("smallest", cell), ranks = ran.values("rank", cell);
      if (solver == "auto") {
        EXPECT_EQ(ran.records[0][cell].status, Status::done);
      }
      if (ran.records[0][cell].status != Status::done) {
        EXPECT_TRUE(found.empty()) << solver;
        continue;
      }
      ASSERT_FALSE(found.empty()) << solver;
      EXPECT_NEAR(found[0], smallest[cell], 1e-9 * smallest[cell]) << solver;
      EXPECT_EQ(ranks[0], rank[cell]) << solver;
    }
  }
}

TEST_F(JacobianExtremesMeasure, SlopesBelowTheRangeAreNoZeros) {
  for (const std::string solver : {"auto", "dense", "randomized", "trlanczos"}) {
    const Ran ran =
        run("[sweep]\nwidth = 40\ndepth = 2\nsigma_w = 20.0\nsigma_b = 0.3\nactivation = \"erf\"\nweights = "
            "[\"gaussian\", \"orthogonal\"]\n[jacobian_extremes]\nsolver = \"" +
            solver + "\"\n");
    if (!is_first()) continue;
    for (std::size_t cell = 0; cell < 2; ++cell) {
      EXPECT_NE(ran.records[0][cell].status, Status::done) << solver;  // the smallest exceed the range
      EXPECT_EQ(ran.values("rank", cell), std::vector<double>{40.0}) << solver;
      EXPECT_EQ(ran.values("largest", cell).size(), 5u) << solver;
    }
  }
}

TEST_F(JacobianExtremesMeasure, ArraysOfAnEndThatIsNotAskedForAreAbsent) {
  const Ran top = run(tanh_network + "[jacobian_extremes]\nends = \"largest\"\n");
  EXPECT_TRUE(top.has("largest") && top.has("residual_largest"));
  EXPECT_FALSE(top.has("smallest") || top.has("residual_smallest"));
  const Ran low = run(tanh_network + "[jacobian_extremes]\nends = \"smallest\"\n");
  EXPECT_TRUE(low.has("smallest") && low.has("residual_smallest"));
  EXPECT_FALSE(low.has("largest") || low.has("residual_largest"));
}

TEST_F(JacobianExtremesMeasure, WhatCannotBeReachedIsNotConvergedAndTheRestIsThere) {
  const Ran ran = run(relu_network + "[jacobian_extremes]\nsolver = \"trlanczos\"\n");
  if (!is_first()) return;
  EXPECT_EQ(ran.records[0][0].status, Status::not_converged);
  EXPECT_THAT(ran.records[0][0].message, HasSubstr("smallest"));
  EXPECT_EQ(ran.values("largest").size(), 5u);
  EXPECT_TRUE(ran.values("smallest").empty());
  EXPECT_EQ(ran.values("rank"), run(relu_network, "jacobian_spectrum").values("rank"));
}

TEST_F(JacobianExtremesMeasure, OverflowIsOutOfRange) {
  const std::string network = "[sweep]\nwidth = 8\ndepth = 110\nsigma_w = 1e3\nactivation = \"linear\"\n";
  for (const std::string solver : {"dense", "trlanczos"}) {
    const Ran ran = run(network + "[jacobian_extremes]\nends = \"largest\"\nsolver = \"" + solver + "\"\n");
    if (!is_first()) continue;
    EXPECT_EQ(ran.records[0][0].status, Status::out_of_range) << solver;
    EXPECT_THAT(ran.records[0][0].message, HasSubstr("sigma_w"));
    EXPECT_EQ(ran.records[1][0].status, Status::out_of_range);
  }
  // Here only J overflows: the activations are of order 1e162.
  const std::string small_input =
      "[sweep]\nwidth = 8\ndepth = 104\nsigma_w = 1e3\nactivation = \"linear\"\n[input]\nq0 = 1e-300\n";
  for (const std::string solver : {"auto", "dense", "trlanczos", "randomized"}) {
    const Ran ran = run(small_input + "[jacobian_extremes]\nsolver = \"" + solver + "\"\n");
    if (!is_first()) continue;
    EXPECT_EQ(ran.records[0][0].status, Status::out_of_range) << solver;
  }
  const Ran tiny = run("[sweep]\nwidth = 8\ndepth = 200\nsigma_w = 1e-3\nactivation = \"linear\"\n");
  if (is_first()) {
    EXPECT_EQ(tiny.records[0][0].status, Status::out_of_range);
  }
}

TEST_F(JacobianExtremesMeasure, RefusesWhatCannotBe) {
  EXPECT_THAT(refusal(tanh_network + "[jacobian_extremes]\ncount = 61\n"), HasSubstr("take at most 60"));
  EXPECT_THAT(refusal(tanh_network + "[jacobian_extremes]\ncount = 0\n"), HasSubstr("count"));
  EXPECT_THAT(refusal("[sweep]\nwidth = 10000000\ndepth = 1\nsigma_w = 1.0\nactivation = "
                      "\"tanh\"\n[jacobian_extremes]\ncount = 300\n"),
              HasSubstr("take at most 214"));
  EXPECT_THAT(refusal(tanh_network + "[jacobian_extremes]\nranks_per_task = 0\n"), HasSubstr("ranks_per_task"));
  EXPECT_THAT(refusal(tanh_network + "[jacobian_extremes]\nranks_per_task = 61\n"), HasSubstr("at most 60"));
  EXPECT_THAT(refusal(tanh_network + "[jacobian_extremes]\ntolerance = 0.0\n"), HasSubstr("tolerance"));
  EXPECT_THAT(refusal(tanh_network + "[jacobian_extremes]\nstorage = \"half\"\n"), HasSubstr("regenerated"));
  for (const std::string ends : {"both", "smallest"}) {
    EXPECT_THAT(refusal(tanh_network + "[jacobian_extremes]\nsolver = \"cross\"\nends = \"" + ends + "\"\n"),
                HasSubstr("take trlanczos"));
  }
  EXPECT_THAT(refusal("[sweep]\nwidths = [[20, 30]]\nsigma_w = 1.0\nactivation = \"tanh\"\n"), HasSubstr("square"));
  const std::string several = refusal(
      "[sweep]\nwidth = [9, 40]\ndepth = 2\nsigma_w = 1.0\nactivation = \"tanh\"\n[input]\ndimension = "
      "12\n[jacobian_extremes]\ncount = 10\nsolver = \"cross\"\n");
  EXPECT_THAT(several, testing::AllOf(HasSubstr("'count' is 10"), HasSubstr("cross"), HasSubstr("'dimension' is 12")));
}

}  // namespace
}  // namespace meander
