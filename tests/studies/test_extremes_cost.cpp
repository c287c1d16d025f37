// Which way to extreme singular values a task goes, what it keeps, and what it is said to take.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "pipeline/study_reader/study_reader.hpp"
#include "studies/measures/jacobian_extremes/extremes_cost.hpp"
#include "tests/support/in_process.hpp"

namespace meander {
namespace {

using testing::HasSubstr;
using testing_support::Folder;

class ExtremesCost : public testing::Test {
 protected:
  static ExtremesSettings settings(const std::string& keys) {
    static const Catalogue catalogue = all_measures();
    const Folder folder;
    const std::string file = folder.write("study.toml",
                                          "measure = \"jacobian_extremes\"\n[sweep]\nwidth = 64\ndepth = 10\nsigma_w = "
                                          "1.0\nactivation = \"tanh\"\n[jacobian_extremes]\n" +
                                              keys);
    const Study study = read_study(file, {}, catalogue).study;
    Declaration declare(study);
    return ExtremesSettings(declare);
  }
  static RandomNetwork::Parameters network(int width, const char* activation = "tanh", bool orthogonal = false) {
    RandomNetwork::Parameters parameters;
    parameters.input_dimension = width;
    parameters.widths.assign(10, width);
    parameters.activation = Activation::named(activation);
    if (orthogonal) parameters.law.kind = WeightLaw::Kind::orthogonal;
    return parameters;
  }
};

TEST_F(ExtremesCost, TheWholeSpectrumWhereItIsCheapOrTheOnlyWay) {
  const ExtremesSettings both = settings(""), largest = settings("ends = \"largest\"\n");
  EXPECT_EQ(extremes_way(network(16), both), ExtremesWay::graded);
  EXPECT_EQ(extremes_way(network(2048), both), ExtremesWay::krylov);
  EXPECT_EQ(extremes_way(network(2048, "relu"), both), ExtremesWay::graded);  // no inverse
  EXPECT_EQ(extremes_way(network(2048, "relu"), largest), ExtremesWay::krylov);
  EXPECT_EQ(extremes_way(network(2 * widest_graded, "relu"), both), ExtremesWay::krylov);
}

TEST_F(ExtremesCost, ASolverByNameIsTaken) {
  EXPECT_EQ(extremes_way(network(8192), settings("solver = \"dense\"\n")), ExtremesWay::graded);
  EXPECT_EQ(extremes_way(network(16), settings("solver = \"dense\"\nranks_per_task = 2\n")), ExtremesWay::matrix);
  EXPECT_EQ(extremes_way(network(16, "relu"), settings("solver = \"trlanczos\"\n")), ExtremesWay::krylov);
}

TEST_F(ExtremesCost, NothingIsStoredOfWhatIsTooLarge) {
  const ExtremesSettings largest = settings("ends = \"largest\"\n");
  EXPECT_EQ(extremes_storage(network(256), largest), WeightStorage::double_);
  EXPECT_EQ(extremes_storage(network(1 << 20), largest), WeightStorage::regenerated);
  EXPECT_EQ(extremes_storage(network(1 << 20), settings("storage = \"single\"\n")), WeightStorage::single);
}

TEST_F(ExtremesCost, WidthOf65536FitsIntoALaptopAndAnHour) {
  const ExtremesSettings shared =
      settings("ends = \"largest\"\ncount = 10\ntolerance = 1e-6\nstorage = \"regenerated\"\nranks_per_task = 4\n");
  const Cost cost = extremes_cost(network(1 << 16), shared);
  EXPECT_EQ(cost.ranks_per_task, 4);
  EXPECT_LT(4.0 * cost.bytes, 2e9);  // 344e9 if stored
  EXPECT_LT(cost.seconds, 3600.0);
  EXPECT_GT(cost.seconds, 2.0 * 13 * 16.0);  // 13 passes at least, 16 s a product
  const ExtremesSettings stored = settings("ends = \"largest\"\nstorage = \"double\"\n");
  EXPECT_GT(extremes_cost(network(1 << 16), stored).bytes, 8.0 * 10 * 65536.0 * 65536.0);
}

TEST_F(ExtremesCost, ReflectorsTakeHalf) {
  const ExtremesSettings stored = settings("ends = \"largest\"\nstorage = \"double\"\n");
  const double rows = extremes_cost(network(8192), stored).bytes;
  const double reflectors = extremes_cost(network(8192, "tanh", true), stored).bytes;
  EXPECT_NEAR(reflectors / rows, 0.5, 0.05);
}

TEST_F(ExtremesCost, WhatWouldFitIsNamed) {
  EXPECT_THAT(less_memory(network(1 << 16), settings("ends = \"largest\"\nstorage = \"double\"\n")),
              HasSubstr("storage = \"regenerated\" ("));
  EXPECT_THAT(less_memory(network(1 << 16), settings("ends = \"largest\"\nsolver = \"dense\"\n")),
              HasSubstr("solver = \"randomized\" ("));
  EXPECT_THAT(less_memory(network(1 << 16), settings("ends = \"largest\"\nstorage = \"regenerated\"\n")),
              testing::StartsWith("more ranks_per_task"));
  EXPECT_FALSE(factors_fit(network(1 << 20), settings("")));
  EXPECT_THAT(enough_ranks(network(1 << 15), settings("")), HasSubstr("ranks_per_task = "));
}

}  // namespace
}  // namespace meander
