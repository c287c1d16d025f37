// The measure `regions_2d`: reference counts, the picture's boundaries, planes of several kinds, and what is
// refused.
#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <vector>

#include "pipeline/inputs/arrays.hpp"
#include "studies/networks/stored_networks.hpp"
#include "tests/support/in_process.hpp"
#include "tests/support/reference.hpp"

namespace meander {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing_support::Folder;
using testing_support::Ran;
using testing_support::reference_network;

class RegionsMeasure : public testing::Test {
 protected:
  Ran run(const std::string& text) const {
    return testing_support::run(folder_.write("study.toml", "measure = \"regions_2d\"\nseed = 7\n" + text));
  }
  std::string refusal(const std::string& text) const {
    return testing_support::refusal_of([&] { run(text); });
  }
  void write_points(std::vector<double> values, std::size_t rows = 3) const {
    NamedArrays arrays;
    const std::size_t inputs = values.size() / rows;
    arrays.arrays["/points"] = {{rows, inputs}, std::move(values)};
    write_arrays(folder_.path("points.h5"), arrays);
  }
  Folder folder_;
};

const std::string sweep = "[sweep]\nwidth = 5\ndepth = 3\nsigma_w = 2.0\nsigma_b = 0.5\nactivation = \"relu\"\n";
const std::string plane = "[input]\ndimension = 2\n";
const std::string space = "[input]\ndimension = 6\n";

TEST_F(RegionsMeasure, ReferenceNetworksHaveTheirCells) {
  struct Known {
    const char* name;
    std::vector<double> cells;
  };
  for (const Known& known :
       {Known{"regions2d_relu_k4_n3", {9, 25, 43}}, Known{"regions2d_relu_k8_n3", {30, 130, 276}}}) {
    const Ran ran = run("[network]\nfile = \"" + reference_network(known.name).string() + "\"\n");
    EXPECT_EQ(ran.values("cells"), known.cells);
    EXPECT_LT(ran.values("area_error")[0], 1e-13);
    EXPECT_FALSE(ran.has("edge_layer"));
  }
}

TEST_F(RegionsMeasure, BoundariesAreKeptWhereAsked) {
  const Ran ran = run(sweep + plane + "[regions_2d]\nedges = true\n");
  const auto cells = ran.values("cells");
  EXPECT_THAT(cells, SizeIs(3));
  for (const char* name : {"edge_s0", "edge_t0", "edge_s1", "edge_t1", "edge_layer"}) {
    EXPECT_THAT(ran.values(name), SizeIs(static_cast<std::size_t>(cells[2]) - 1)) << name;
  }
  std::vector<double> made{1, 0, 0};
  for (const double layer : ran.values("edge_layer")) ++made[static_cast<std::size_t>(layer) - 1];
  EXPECT_THAT(made, ElementsAre(cells[0], cells[1] - cells[0], cells[2] - cells[1]));
}

TEST_F(RegionsMeasure, LinearNetworksHaveOneCell) {
  const Ran ran = run("[sweep]\nwidth = 5\ndepth = 2\nsigma_w = 2.0\nactivation = \"linear\"\n" + plane +
                      "[regions_2d]\nedges = true\n");
  EXPECT_THAT(ran.values("cells"), ElementsAre(1, 1));
  EXPECT_THAT(ran.values("edge_layer"), SizeIs(0));
  EXPECT_TRUE(std::isnan(ran.values("closest_corner")[0]));
  const auto [family, array] = ran.find("closest_corner");
  EXPECT_FALSE(ran.layout.families[family].arrays[array].undefined_where.empty())
      << "or the task would count as failed";
}

TEST_F(RegionsMeasure, BoundsStandBesideTheCounts) {
  const Ran ran = run(sweep + plane);
  EXPECT_THAT(ran.values("cells_bound"), ElementsAre(16, 256, 4096));
  EXPECT_THAT(ran.values("shallow_bound"), ElementsAre(16, 56, 121));
}

TEST_F(RegionsMeasure, ExportReadsBackAsTheSameSlice) {
  const Ran drawn = run(sweep + space);
  drawn.measurement->export_cell(drawn.task(0, 0), folder_.path("net.h5"));
  const Ran again = run("[network]\nfile = \"net.h5\"\n[regions_2d]\nfile = \"net.h5\"\n");
  EXPECT_EQ(again.values("cells"), drawn.values("cells"));
  EXPECT_EQ(again.values("closest_corner"), drawn.values("closest_corner"));
}

TEST_F(RegionsMeasure, StoredNetworksHaveNoFixedPoint) {
  const Ran drawn = run(sweep + space);
  drawn.measurement->export_cell(drawn.task(0, 0), folder_.path("net.h5"));
  const std::string stored = "[network]\nfile = \"net.h5\"\n[input]\nq0 = ";
  EXPECT_EQ(refusal(stored + "2.0\n"), "");
  EXPECT_THAT(refusal(stored + "\"fixed_point\"\n"), HasSubstr("has no sigma_w"));
}

TEST_F(RegionsMeasure, PlanesThroughImages) {
  folder_.write_digits(9);
  const std::string digits = "[input]\nimages = \"digits\"\n";
  const Ran drawn = run("realizations = 2\n" + sweep + digits);
  EXPECT_THAT(drawn.values("cells"), SizeIs(3));
  EXPECT_THAT(run(sweep + digits + "[regions_2d]\ntriple = [0, 4, 7]\n").values("cells"), SizeIs(3));
  EXPECT_THAT(refusal(sweep + digits + "[regions_2d]\ntriple = [0, 4, 4]\n"), HasSubstr("lie on a line"));
  EXPECT_THAT(refusal(sweep + digits + "[regions_2d]\ntriple = [0, 4, 9]\n"), HasSubstr("images 0 to 8"));
  EXPECT_THAT(refusal(sweep + digits + "[regions_2d]\ntriple = [0, 4]\n"), HasSubstr("three images"));
}

TEST_F(RegionsMeasure, CollinearPointsAreRefused) {
  write_points({0, 0, 1, 1, 3, 3});
  EXPECT_THAT(refusal(sweep + "[regions_2d]\nfile = \"points.h5\"\n"), HasSubstr("lie on a line"));
  write_points({0, 0, 1, 1, 3, -3});
  EXPECT_EQ(refusal(sweep + "[regions_2d]\nfile = \"points.h5\"\n"), "");
  write_points({0, 0, 1, 1, 3, -3, 2, 2}, 4);
  EXPECT_THAT(refusal(sweep + "[regions_2d]\nfile = \"points.h5\"\n"), HasSubstr("/points has shape (4, 2)"));
  EXPECT_THAT(refusal(sweep + "[input]\ndimension = 1\n"), HasSubstr("lie on a line"));
}

TEST_F(RegionsMeasure, Refuses) {
  EXPECT_EQ(refusal(sweep + plane), "");
  const std::string smooth = "[sweep]\nwidth = 5\ndepth = 3\nsigma_w = 2.0\nactivation = \"tanh\"\n";
  EXPECT_THAT(refusal(smooth + plane), HasSubstr("no linear pieces"));
  EXPECT_THAT(refusal(sweep + space + "[regions_2d]\nplane = \"axes\"\n"), HasSubstr("has 6 inputs"));
  EXPECT_THAT(refusal(sweep + plane + "[regions_2d]\nrange = [1, 1]\n"), HasSubstr("'range'"));
  EXPECT_THAT(refusal(sweep + plane + "[regions_2d]\nrange = [1]\n"), HasSubstr("'range'"));
  EXPECT_THAT(refusal(sweep + "[input]\ndimension = 2\nq0 = 2.0\n"), HasSubstr("no points to scale"));
  EXPECT_THAT(refusal(sweep + plane + "[regions_2d]\ntriple = [0, 1, 2]\n"), HasSubstr("there is no [input] images"));
  EXPECT_THAT(refusal(sweep + "[input]\n"), HasSubstr("'dimension' is missing"));
}

}  // namespace
}  // namespace meander
