// Tasks are named by what they compute: no extension of a sweep and no order changes a key.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "pipeline/measure/tasks.hpp"
#include "tests/support/fake_measure.hpp"

namespace meander {
namespace {

using testing::read_text;

constexpr const char* text =
    "measure = 'fake'\nseed = 4\nrealizations = 3\n[sweep]\nwidth = [10, 20]\nsigma_w = [1, 2]\nactivation = ['relu', "
    "{ breakpoints = [0], slopes = [0, 1], value = [0, 0] }]\n";

const Family& family() {
  static const Family whole{"", std::nullopt, true, {}};
  return whole;
}

TaskKey key_of(const Study& study, const std::vector<std::size_t>& indices, const Family& of = family()) {
  const CellSpace cells(study, of);
  return task_key(study, of, cells, cells.cell(indices));
}

TEST(TaskKey, IsDifferentForEveryTask) {
  const Study study = read_text(text);
  const Family theory{"theory", std::nullopt, true, {}};
  std::set<TaskKey> keys;
  for (const Family* of : {&family(), &theory}) {
    const CellSpace cells(study, *of);
    const TaskKeys key(study, *of, cells);
    for (std::size_t cell = 0; cell < cells.size(); ++cell) {
      keys.insert(key(cell));
      EXPECT_EQ(key(cell), task_key(study, *of, cells, cell));
    }
  }
  EXPECT_EQ(keys.size(), 2u * 24u);
}

TEST(TaskKey, DoesNotDependOnTheRestOfTheSweep) {
  const TaskKey key = key_of(read_text(text), {1, 0, 1, 2});
  EXPECT_EQ(key_of(read_text(text, {{"sweep.width", "[5, 20, 40]"}}), {1, 0, 1, 2}), key);
  EXPECT_EQ(key_of(read_text(text, {{"sweep.sigma_w", "[7, 1.0]"}}), {1, 1, 1, 2}), key);
  EXPECT_EQ(key_of(read_text(text, {{"realizations", "100"}}), {1, 0, 1, 2}), key);
  EXPECT_EQ(key_of(read_text(text, {{"title", "'x'"}}), {1, 0, 1, 2}), key);
  EXPECT_EQ(key_of(read_text(text, {{"sweep.activation", "{ slopes = [0, 1.0], value = [0, 0], breakpoints = [0] }"}}),
                   {1, 0, 0, 2}),
            key)
      << "the same table in another spelling";
}

TEST(TaskKey, HoldsWhatChangesTheResult) {
  const TaskKey key = key_of(read_text(text), {0, 0, 0, 0});
  EXPECT_NE(key_of(read_text(text, {{"seed", "5"}}), {0, 0, 0, 0}), key);
  EXPECT_NE(key_of(read_text(text, {{"precision", "'single'"}}), {0, 0, 0, 0}), key);
  EXPECT_NE(key_of(read_text(text, {{"coupling", "'independent'"}}), {0, 0, 0, 0}), key);
  EXPECT_NE(key_of(read_text(text, {{"curve.samples", "5"}}), {0, 0, 0, 0}), key);
  EXPECT_NE(key_of(read_text(text, {{"measure", "'other'"}}), {0, 0, 0, 0}), key);
  EXPECT_NE(key_of(read_text(text, {{"sweep.sigma_w", "1.1"}}), {0, 0, 0, 0}), key);
  Study newer = read_text(text);
  newer.measure_version = 4;
  EXPECT_NE(key_of(newer, {0, 0, 0, 0}), key);
}

TEST(TaskKey, OfAFamilyHoldsItsOwnParametersOnly) {
  const Family theory{"theory", std::vector<std::string>{"sigma_w"}, false, {}};
  const Study study = read_text(text);
  EXPECT_EQ(key_of(study, {1}, theory), key_of(read_text(text, {{"sweep.width", "99"}}), {1}, theory));
  EXPECT_NE(key_of(study, {0}, theory), key_of(study, {1}, theory));
}

TEST(TaskKey, IsFixed) {
  // Archives hold these keys: a change here is a change of the format.
  const TaskKey key = key_of(read_text(text), {0, 0, 0, 0});
  EXPECT_EQ(hexadecimal(key), "989113f3915e17f16763606547a19d8c");
}

TEST(Salt, IsZeroForCommonNumbers) {
  EXPECT_EQ(point_salt(read_text(text).point(1)), 0u);
}

TEST(Salt, IsEachPointsOwnForIndependentOnes) {
  const Study study = read_text(text, {{"coupling", "'independent'"}});
  std::set<std::uint64_t> salts;
  for (std::size_t p = 0; p < study.points(); ++p) salts.insert(point_salt(study.point(p)));
  EXPECT_EQ(salts.size(), study.points());
  EXPECT_EQ(salts.count(0), 0u);
  const Study extended = read_text(text, {{"coupling", "'independent'"}, {"sweep.width", "[1, 10]"}});
  EXPECT_EQ(point_salt(extended.point(4)), point_salt(study.point(0)));
}

TEST(Tasks, AreOnePerCellAndAskForACostOncePerPoint) {
  const Study study = read_text(text);
  const auto measurement = testing::fake_catalogue().bind(study).measurement;
  testing::cost_calls() = 0;
  const TaskList tasks(study, *measurement);
  // 2 x 2 x 2 points with 3 realizations, and theory over sigma_w.
  ASSERT_EQ(tasks.size(), 24u + 2u);
  EXPECT_EQ(testing::cost_calls(), 8 + 2);
  // Cells of equal costs that lie beside each other are one run.
  ASSERT_EQ(tasks.runs().size(), 3u);
  const auto expect_run = [&](std::size_t r, std::uint32_t family, std::uint32_t begin, std::uint32_t end,
                              double cost) {
    EXPECT_EQ(tasks.runs()[r].family, family);
    EXPECT_EQ(tasks.runs()[r].begin, begin);
    EXPECT_EQ(tasks.runs()[r].end, end);
    EXPECT_EQ(tasks.cost(tasks.runs()[r]).seconds, cost);
  };
  expect_run(0, 0, 0, 12, 10.0);
  expect_run(1, 0, 12, 24, 20.0);
  expect_run(2, 1, 0, 2, 0.5);
}

TEST(SampledTasks, AreAllWhereTheyAreFewAndAnEstimateWithItsErrorWhereTheyAreMany) {
  // Points of width w cost w seconds: 1 .. 20000, with 3 realizations of each.
  std::string widths;
  for (int w = 1; w <= 20000; ++w) widths += (w == 1 ? "" : ", ") + std::to_string(w);
  const Study study = read_text("measure = 'fake'\nrealizations = 3\n[sweep]\nwidth = [" + widths +
                                "]\nsigma_w = 1\nactivation = 'relu'\n");
  const auto measurement = testing::fake_catalogue().bind(study).measurement;
  const auto core_seconds = [](const TaskList& tasks) {
    double sum = 0.0;
    for (const TaskRun& run : tasks.runs()) sum += tasks.cost(run).seconds * static_cast<double>(run.size());
    return sum;
  };
  const double exact = core_seconds(TaskList(study, *measurement));
  const SampledTasks all = sample_tasks(study, *measurement, 20000);
  EXPECT_EQ(core_seconds(all.tasks), exact);
  EXPECT_EQ(all.drawn, all.points);
  EXPECT_EQ(all.core_seconds_error, 0.0);
  testing::cost_calls() = 0;
  const SampledTasks some = sample_tasks(study, *measurement, 100);
  EXPECT_EQ(testing::cost_calls(), 101);
  EXPECT_EQ(some.tasks.size(), 60001u);
  EXPECT_GT(some.core_seconds_error, 0.0);
  EXPECT_LT(some.core_seconds_error, 0.01 * exact);
  EXPECT_NEAR(core_seconds(some.tasks), exact, 3.0 * some.core_seconds_error);
}

TEST(Tasks, AreAsManyAsCanBeCounted) {
  const Study study = read_text("measure = 'fake'\nrealizations = 2147483647\n[sweep]\nsigma_w = 1\n");
  const auto measurement = testing::fake_catalogue().bind(study).measurement;
  // One cell of theory more than there may be.
  EXPECT_THROW(TaskList(study, *measurement), BadInput);
}

TEST(Catalogue, KnowsItsMeasures) {
  const Catalogue catalogue = testing::fake_catalogue();
  ASSERT_EQ(catalogue.measures().size(), 2u);
  EXPECT_EQ(catalogue.find("other")->name(), "other");
  EXPECT_EQ(catalogue.find("none"), nullptr);
}

TEST(Export, IsRefusedByAMeasureThatHasNone) {
  const Study study = read_text(text);
  const auto measurement = testing::fake_catalogue().bind(study).measurement;
  EXPECT_THROW(measurement->export_cell({.study = study, .point = study.point(0)}, "net.h5"), BadInput);
}

}  // namespace
}  // namespace meander
