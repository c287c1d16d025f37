// Layouts as text, and cells as indices.
#include <gtest/gtest.h>

#include <limits>

#include "pipeline/measure/layout.hpp"
#include "tests/support/fake_measure.hpp"

namespace meander {
namespace {

Layout full_layout() {
  Layout layout;
  layout.dimensions.push_back({.name = "layer", .size = 2, .units = "1", .long_name = "layer", .coordinates = {1, 2}});
  layout.dimensions.push_back(
      {.name = "eps", .size = 3, .coordinates = {0.1, std::numeric_limits<double>::infinity(), -2.0}});
  layout.dimensions.push_back({.name = "event", .ragged = true});
  layout.families.push_back({"", std::nullopt, true, {}});
  layout.families.back().arrays.push_back({.name = "length",
                                           .units = "m s-1",
                                           .long_name = "a \"length\"",
                                           .dimensions = {"layer", "eps"},
                                           .run_dependent = true,
                                           .warning = "look",
                                           .undefined_where = "the end is open",
                                           .infinite_where = "it has none"});
  layout.families.back().arrays.push_back({.name = "count", .type = ArrayType::int64, .dimensions = {"event"}});
  layout.families.push_back(
      {"theory", std::vector<std::string>{"sigma_w"}, false, {{.name = "flag", .type = ArrayType::int8}}});
  layout.families.push_back({"nothing", std::vector<std::string>{}, false, {}});
  return layout;
}

TEST(Layout, ReadsBackFromItsText) {
  const Layout layout = full_layout();
  const Layout again = Layout::parse(layout.toml());
  EXPECT_EQ(again.toml(), layout.toml());
  ASSERT_EQ(again.dimensions.size(), 3u);
  EXPECT_EQ(again.dimension("eps").size, 3u);
  EXPECT_EQ(again.dimension("eps").coordinates, layout.dimensions[1].coordinates);
  EXPECT_TRUE(again.dimension("event").ragged);
  ASSERT_EQ(again.families.size(), 3u);
  EXPECT_FALSE(again.families[0].over);
  EXPECT_EQ(again.families[1].over, std::vector<std::string>{"sigma_w"});
  EXPECT_EQ(again.families[2].over, std::vector<std::string>{});
  EXPECT_FALSE(again.families[1].per_realization);
  const ArraySpec& length = again.families[0].arrays[0];
  EXPECT_EQ(length.units, "m s-1");
  EXPECT_EQ(length.long_name, "a \"length\"");
  EXPECT_EQ(length.dimensions, (std::vector<std::string>{"layer", "eps"}));
  EXPECT_TRUE(length.run_dependent);
  EXPECT_EQ(length.warning, "look");
  EXPECT_EQ(length.undefined_where, "the end is open");
  EXPECT_EQ(length.infinite_where, "it has none");
  EXPECT_EQ(length.exceptions(), "missing where the end is open; infinite where it has none");
  EXPECT_EQ(again.families[0].arrays[1].exceptions(), "");
  EXPECT_EQ(again.families[0].arrays[1].type, ArrayType::int64);
  EXPECT_EQ(again.families[1].arrays[0].type, ArrayType::int8);
}

TEST(Layout, ThatIsDamagedIsRefused) {
  const std::string good = full_layout().toml();
  EXPECT_THROW(Layout::parse(""), BadInput);
  EXPECT_THROW(Layout::parse("dimensions = 3"), BadInput);
  EXPECT_THROW(Layout::parse("dimensions = [1]\nfamilies = []"), BadInput);
  EXPECT_THROW(Layout::parse("dimensions = [{ name = 3 }]\nfamilies = []"), BadInput);
  for (std::size_t size = 0; size + 2 < good.size(); size += 7) {
    EXPECT_THROW(Layout::parse(good.substr(0, size)), BadInput) << size;
  }
  std::string wrong_type = good;
  wrong_type.replace(wrong_type.find("int64"), 5, "int65");
  EXPECT_THROW(Layout::parse(wrong_type), BadInput);
}

TEST(Layout, KnowsOnlyItsOwnDimensions) {
  EXPECT_THROW(full_layout().dimension("bin"), std::logic_error);
}

Study small_study() {
  return testing::read_text(
      "measure = 'fake'\nrealizations = 4\n[sweep]\nwidth = [1, 2]\nsigma_w = [1, 2, 3]\nactivation = ['relu', "
      "'tanh']\n");
}

TEST(CellSpace, IsRowMajorWithRealizationInnermost) {
  const Study study = small_study();
  const CellSpace cells(study, {"", std::nullopt, true, {}});
  EXPECT_EQ(cells.names(), (std::vector<std::string>{"width", "sigma_w", "activation", "realization"}));
  EXPECT_EQ(cells.extents(), (std::vector<std::size_t>{2, 3, 2, 4}));
  ASSERT_EQ(cells.size(), 48u);
  for (std::size_t cell = 0; cell < cells.size(); ++cell) EXPECT_EQ(cells.cell(cells.indices(cell)), cell);
  const std::size_t cell = ((1 * 3 + 2) * 2 + 0) * 4 + 3;
  EXPECT_EQ(cells.indices(cell), (std::vector<std::size_t>{1, 2, 0, 3}));
  EXPECT_EQ(cells.point_indices(cell), (std::vector<std::size_t>{1, 2, 0}));
  EXPECT_EQ(cells.realization(cell), 3u);
}

TEST(CellSpace, OfAFamilyRunsOverItsKeysInTheStudysOrder) {
  const Study study = small_study();
  const CellSpace cells(study, {"", std::vector<std::string>{"activation", "width"}, false, {}});
  EXPECT_EQ(cells.names(), (std::vector<std::string>{"width", "activation"}));
  ASSERT_EQ(cells.size(), 4u);
  EXPECT_EQ(cells.point_indices(2), (std::vector<std::size_t>{1, 0, 0}));
  EXPECT_EQ(cells.point_indices(1), (std::vector<std::size_t>{0, 0, 1}));
  EXPECT_EQ(cells.realization(3), 0u);
}

TEST(CellSpace, WithoutDimensionsHasOneCell) {
  const Study study = small_study();
  const CellSpace cells(study, {"", std::vector<std::string>{}, false, {}});
  EXPECT_EQ(cells.size(), 1u);
  EXPECT_EQ(cells.point_indices(0), (std::vector<std::size_t>{0, 0, 0}));
  EXPECT_THROW(CellSpace(study, {"", std::vector<std::string>{"depth"}, false, {}}), std::logic_error);
}

}  // namespace
}  // namespace meander
