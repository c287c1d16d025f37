// The measure `dichotomies`: reference sweeps, what an export gives back, and what is refused.
#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <set>
#include <vector>

#include "pipeline/inputs/arrays.hpp"
#include "pipeline/study_reader/study_reader.hpp"
#include "studies/measures/dichotomies/weight_sweeps.hpp"
#include "studies/networks/stored_networks.hpp"
#include "tests/support/in_process.hpp"
#include "tests/support/reference.hpp"

namespace meander {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing_support::Folder;
using testing_support::Ran;
using testing_support::reference_network;

class DichotomiesMeasure : public testing::Test {
 protected:
  Ran run(const std::string& text) const {
    return testing_support::run(folder_.write("study.toml", "measure = \"dichotomies\"\nseed = 7\n" + text));
  }
  std::string refusal(const std::string& text) const {
    return testing_support::refusal_of([&] { run(text); });
  }
  /// A network of 3 inputs, layers of 4 and 5 neurons, with points and sweeps; `edit` may spoil them.
  template <class Edit>
  void write_sweep(const Edit& edit, bool readout = true) const {
    const auto numbers = [](std::size_t count, double phase) {
      std::vector<double> out;
      for (std::size_t i = 0; i < count; ++i) out.push_back(2.0 * std::sin(phase + 1.7 * static_cast<double>(i)));
      return out;
    };
    const StoredNetwork::Layer none;
    const StoredNetwork network(3, {{4, numbers(12, 0.1), numbers(4, 0.2)}, {5, numbers(20, 0.3), numbers(5, 0.4)}},
                                Activation::named("hard_tanh"),
                                readout ? StoredNetwork::Layer{1, numbers(5, 0.5), {0.0}} : none);
    NamedArrays arrays;
    add_network(network, "hard_tanh", arrays);
    arrays.arrays["/points"] = {{6, 3}, numbers(18, 0.6)};
    arrays.arrays["/sweep/1/weight"] = {{5, 4}, numbers(20, 0.7)};
    edit(arrays);
    write_arrays(folder_.path("net.h5"), arrays);
  }
  Folder folder_;
};

const std::string sweep = "[sweep]\nwidth = 12\ndepth = [2, 4]\nsigma_w = 2.83\nactivation = \"hard_tanh\"\n";
const std::string input = "[input]\ndimension = 9\n";
const std::string stored = "[network]\nfile = \"net.h5\"\n[dichotomies]\nfile = \"net.h5\"\n";

TEST_F(DichotomiesMeasure, ReferenceSweepsAreExact) {
  struct Known {
    const char* name;
    std::vector<double> dichotomies, flips;
  };
  for (const Known& known : {Known{"dichotomy0", {12, 14}, {20, 16}}, Known{"dichotomy1", {20, 12, 18}, {44, 12, 20}},
                             Known{"dichotomy2", {64, 48, 32, 28}, {84, 56, 36, 36}}}) {
    const std::string name = "\"" + reference_network(known.name).string() + "\"\n";
    const Ran ran = run("[network]\nfile = " + name + "[dichotomies]\nfile = " + name);
    EXPECT_EQ(ran.values("dichotomies"), known.dichotomies);
    EXPECT_EQ(ran.values("label_flips"), known.flips);
    EXPECT_THAT(ran.values("exact"), ElementsAre(1));
  }
}

TEST_F(DichotomiesMeasure, EveryLayerOfANetworkIsSwept) {
  const Ran ran = run(sweep + input);
  EXPECT_THAT(ran.layout.dimension("swept_layer").coordinates, ElementsAre(Value(1), Value(2), Value(3), Value(4)));
  for (const char* name : {"dichotomies", "label_flips", "random_walk", "sauer_shelah_bound", "smallest_gap"}) {
    EXPECT_THAT(ran.values(name, 0), SizeIs(2)) << name;
    EXPECT_THAT(ran.values(name, 1), SizeIs(4)) << name;
  }
  EXPECT_THAT(ran.values("all_labelings"), ElementsAre(32768));
  EXPECT_THAT(ran.values("sampling_change"), IsEmpty());
  for (std::size_t l = 0; l < 4; ++l) {
    EXPECT_LE(ran.values("dichotomies", 1)[l], ran.values("label_flips", 1)[l]);
    EXPECT_LE(ran.values("dichotomies", 1)[l], ran.values("sauer_shelah_bound", 1)[l]);
    EXPECT_LE(ran.values("random_walk", 1)[l], ran.values("label_flips", 1)[l] + 1);
  }
}

TEST_F(DichotomiesMeasure, ChosenLayersAndMorePointsChangeNoNumber) {
  const Ran all = run(sweep + input + "[dichotomies]\npoints = 9\n");
  const Ran third = run(sweep + input + "[dichotomies]\npoints = 9\nlayers = [3]\n");
  EXPECT_THAT(third.values("dichotomies", 0), IsEmpty()) << "the network of depth 2 has no third layer";
  EXPECT_EQ(third.values("label_flips", 1)[0], all.values("label_flips", 1)[2]);
  const Ran swept = run(sweep + "points = [4, 9]\n" + input + "[readout]\nsigma = 3.0\n");
  EXPECT_EQ(swept.values("label_flips", 3), all.values("label_flips", 1)) << "a label is a sign";
  EXPECT_LE(swept.values("dichotomies", 2)[0], swept.values("dichotomies", 3)[0]);
  EXPECT_THAT(swept.values("all_labelings", 2), ElementsAre(16));
}

TEST_F(DichotomiesMeasure, OnePointHasNoGapBetweenPoints) {
  const Ran ran = run(sweep + input + "[dichotomies]\npoints = 1\nlayers = [1]\n");
  EXPECT_TRUE(std::isnan(ran.values("smallest_gap")[0]));
  const auto [family, array] = ran.find("smallest_gap");
  EXPECT_FALSE(ran.layout.families[family].arrays[array].undefined_where.empty())
      << "or the task would count as failed";
  EXPECT_LE(ran.values("dichotomies")[0], 2);
}

TEST_F(DichotomiesMeasure, ExportReadsBackAsTheSameSweep) {
  const Ran drawn = run(sweep + input + "[dichotomies]\nlayers = [1, 3]\npoints = 7\n");
  drawn.measurement->export_cell(drawn.task(0, 1), folder_.path("net.h5"));
  const Ran again = run(stored);
  EXPECT_THAT(again.layout.dimension("swept_layer").coordinates, ElementsAre(Value(1), Value(3)));
  for (const char* name : {"dichotomies", "label_flips", "smallest_gap"}) {
    EXPECT_EQ(again.values(name), drawn.values(name, 1)) << name;
  }
}

TEST_F(DichotomiesMeasure, SampledWhereThereAreNoPieces) {
  const std::string smooth = "[sweep]\nwidth = 12\ndepth = 3\nsigma_w = 2.83\nactivation = [\"tanh\", \"hard_tanh\"]\n";
  const Ran ran = run(smooth + input + "[dichotomies]\nsteps = 3000\n");
  EXPECT_THAT(ran.values("exact", 0), ElementsAre(0));
  EXPECT_THAT(ran.values("exact", 1), ElementsAre(1));
  EXPECT_THAT(ran.values("sampling_change", 0), SizeIs(3));
  EXPECT_THAT(ran.values("smallest_gap", 0), IsEmpty());
  const Ran sampled = run(smooth + input + "[dichotomies]\nsteps = 30000\nmethod = \"sampled\"\n");
  EXPECT_THAT(sampled.values("exact", 1), ElementsAre(0));
  EXPECT_NEAR(sampled.values("label_flips", 1)[0], ran.values("label_flips", 1)[0], 6);
}

TEST_F(DichotomiesMeasure, PointsOfADataSet) {
  folder_.write_digits(9);
  const Ran ran = run(sweep + "[input]\nimages = \"digits\"\n[dichotomies]\npoints = 9\n");
  EXPECT_THAT(ran.values("dichotomies", 1), SizeIs(4));
  ran.measurement->export_cell(ran.task(0, 0), folder_.path("net.h5"));
  const NamedArrays arrays =
      read_arrays(*read_study(folder_.write("again.toml", "measure = \"dichotomies\"\n" + stored), {}, all_measures())
                       .study.file("network.file")
                       ->bytes,
                  "net.h5");
  std::set<std::vector<double>> rows;
  const NamedArray& points = *arrays.find("/points");
  for (auto row = points.values.begin(); row != points.values.end(); row += 6) rows.emplace(row, row + 6);
  EXPECT_THAT(rows, SizeIs(9)) << "nine of nine images: each once";
  EXPECT_THAT(refusal(sweep + "[input]\nimages = \"digits\"\n[dichotomies]\npoints = 10\n"),
              HasSubstr("holds 9 images (10 points are drawn)"));
}

TEST_F(DichotomiesMeasure, NumbersOfPointsThatCannotBeLabeled) {
  EXPECT_THAT(refusal(sweep + input + "[dichotomies]\npoints = 0\n"), HasSubstr("'points' is 0"));
  EXPECT_THAT(refusal(sweep + input + "[dichotomies]\npoints = 65\n"), HasSubstr("'points' is 65"));
  EXPECT_EQ(refusal(sweep + input + "[dichotomies]\npoints = 64\nlayers = [4]\n"), "");
}

TEST_F(DichotomiesMeasure, LayersThatDoNotExist) {
  EXPECT_THAT(refusal(sweep + input + "[dichotomies]\nlayers = [5]\n"), HasSubstr("the deepest network has 4 layers"));
  EXPECT_THAT(refusal(sweep + input + "[dichotomies]\nlayers = [0]\n"), HasSubstr("'layers'"));
  EXPECT_THAT(refusal(sweep + input + "[dichotomies]\nlayers = [2, 1]\n"), HasSubstr("write them ascending"));
  EXPECT_THAT(refusal(sweep + input + "[dichotomies]\nlayers = []\n"), HasSubstr("empty"));
}

TEST_F(DichotomiesMeasure, ExactNeedsPieces) {
  const std::string smooth = "[sweep]\nwidth = 4\ndepth = 2\nsigma_w = 2.0\nactivation = [\"relu\", \"tanh\"]\n";
  EXPECT_THAT(refusal(smooth + input + "[dichotomies]\nmethod = \"exact\"\n"),
              HasSubstr("activation tanh has no linear pieces"));
  EXPECT_THAT(refusal("precision = \"single\"\n" + sweep + input), HasSubstr("double only"));
}

TEST_F(DichotomiesMeasure, FilesWithMistakes) {
  const auto nothing = [](NamedArrays&) {};
  write_sweep(nothing);
  EXPECT_EQ(refusal(stored), "");
  EXPECT_THAT(refusal(stored + "layers = [1]\n"), HasSubstr("no /sweep/0/weight"));
  EXPECT_THAT(refusal(stored + "points = 3\n"), HasSubstr("'points' has no meaning here"));
  EXPECT_THAT(refusal("[network]\nfile = \"net.h5\"\n"), HasSubstr("no weight distribution to draw a sweep from"));
  EXPECT_THAT(refusal(sweep + input + "[dichotomies]\nfile = \"net.h5\"\n"),
              HasSubstr("stands without [network] file"));
  write_sweep([](NamedArrays& arrays) { arrays.arrays["/points"].shape = {9, 2}; });
  EXPECT_THAT(refusal(stored), HasSubstr("/points has shape (9, 2)"));
  write_sweep([](NamedArrays& arrays) { arrays.arrays["/sweep/1/weight"].shape = {4, 5}; });
  EXPECT_THAT(refusal(stored), HasSubstr("has shape (4, 5)"));
  write_sweep([](NamedArrays& arrays) { arrays.arrays["/sweep/2/weight"] = {{1}, {1.0}}; });
  EXPECT_THAT(refusal(stored), HasSubstr("belongs to no layer"));
  write_sweep([](NamedArrays& arrays) { arrays.arrays["/sweep/1/weight"].values[3] = NAN; });
  EXPECT_THAT(refusal(stored), HasSubstr("flat index 3"));
  write_sweep([](NamedArrays& arrays) { arrays.arrays.erase("/sweep/1/weight"); });
  EXPECT_THAT(refusal(stored), HasSubstr("no layer is swept"));
  write_sweep([](NamedArrays& arrays) { arrays.arrays["/points"] = {{65, 3}, std::vector<double>(195, 1.0)}; });
  EXPECT_THAT(refusal(stored), HasSubstr("65 points"));
  write_sweep(nothing, false);
  EXPECT_THAT(refusal(stored), HasSubstr("no readout"));
}

}  // namespace
}  // namespace meander
