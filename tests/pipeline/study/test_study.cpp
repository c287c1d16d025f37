// A study as read: values, defaults, overrides, files; as text; its identity; two studies as one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "pipeline/study_reader/study_reader.hpp"
#include "tests/support/fake_measure.hpp"

namespace meander {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::read_text;

constexpr const char* full_text = R"(title = "A \"title\""
measure = "fake"
seed = 1606
realizations = 4
precision = "single"
coupling = "independent"
[sweep]
widths = [[5, 2], [3]]
point = [{ sigma_w = 1.2, sigma_b = 0 }, { sigma_b = 2, sigma_w = 1 }]
activation = ["relu", { breakpoints = [-1, 1.5], slopes = [0, 1, 0], value = [0, 0] }]
q0 = 2
[curve]
samples = 7
span = [0, 1]
)";

std::vector<double> numbers(const SweepDimension& dimension) {
  std::vector<double> values;
  for (const Value& value : dimension.values) values.push_back(value.number());
  return values;
}

TEST(Study, IsReadWithDefaultsFilledIn) {
  const Study study = read_text(full_text);
  EXPECT_EQ(study.title, "A \"title\"");
  EXPECT_EQ(study.measure, "fake");
  EXPECT_EQ(study.measure_version, 3);
  EXPECT_EQ(study.seed, 1606u);
  EXPECT_EQ(study.realizations, 4);
  EXPECT_TRUE(study.single_precision);
  EXPECT_TRUE(study.independent);
  ASSERT_EQ(study.sweep.size(), 4u);
  EXPECT_EQ(study.sweep[0].name, "widths");
  EXPECT_THAT(study.sweep[0].values, ElementsAre(Value(List{5, 2}), Value(List{3})));
  EXPECT_EQ(study.sweep[1].values[1].toml(), "{ sigma_w = 1.0, sigma_b = 2.0 }");
  EXPECT_EQ(study.dimension("q0")->values.front().toml(), "2.0");
  EXPECT_EQ(study.setting("curve.samples")->toml(), "7");
  EXPECT_EQ(study.setting("curve.span")->toml(), "[0.0, 1.0]");
  EXPECT_EQ(study.setting("curve.kind")->toml(), "\"circle\"");
  EXPECT_EQ(study.setting("sweep.weights")->toml(), "\"gaussian\"");
  EXPECT_EQ(study.setting("input.q0"), nullptr) << "it is swept";
  EXPECT_EQ(study.setting("input.images"), nullptr) << "it is optional";
  EXPECT_THAT(study.warnings, HasSubstr("study.toml:13:11: warning: seven is few"));
}

TEST(Study, NeedsLittle) {
  const Study study = read_text("measure = 'fake'\nsweep.sigma_w = 2\n");
  EXPECT_EQ(study.seed, 0u);
  EXPECT_EQ(study.realizations, 1);
  EXPECT_FALSE(study.single_precision);
  EXPECT_FALSE(study.independent);
  EXPECT_EQ(study.points(), 1u);
  EXPECT_EQ(study.sweep.size(), 1u) << "a key that is left out is no dimension";
  EXPECT_EQ(study.setting("input.q0")->toml(), "1.0") << "a default is converted like a value";
}

TEST(Study, KnowsWhereItsKeysWereWritten) {
  const Study study = read_text(full_text, {{"curve.kind", "'line'"}});
  EXPECT_EQ(study.place("curve.samples").line, 13);
  EXPECT_EQ(study.place("sweep.sigma_b").line, 9);
  EXPECT_EQ(study.place("sweep.activation").column, 14);
  EXPECT_EQ(study.place("curve.orthonormal").line, 12) << "the section";
  EXPECT_EQ(study.place("input.dimension").line, 0) << "the file";
  EXPECT_EQ(study.place("curve.kind").file, "--set curve.kind");
}

TEST(Point, FindsParametersInSweepPointAndSettings) {
  const Study study = read_text(full_text);
  ASSERT_EQ(study.points(), 8u);
  const Point point = study.point(7 - 2);  // indices 1, 0, 1, 0
  EXPECT_THAT(point.indices(), ElementsAre(1, 0, 1, 0));
  EXPECT_EQ(*point.find("widths"), Value(List{3}));
  EXPECT_EQ(point.number("sigma_w"), 1.2);
  EXPECT_EQ(point.number("q0"), 2.0);
  EXPECT_EQ(*point.find("weights"), Value("gaussian"));
  EXPECT_EQ(point.integer("samples"), 7);
  EXPECT_EQ(point.integer("curve.samples"), 7);
  EXPECT_EQ(point.integer("q0"), 2);
  EXPECT_EQ(point.find("nothing"), nullptr);
  EXPECT_THROW(point.at("nothing"), std::logic_error);
  EXPECT_THROW(point.integer("sigma_w"), std::logic_error);
  EXPECT_EQ(
      point.text(),
      "widths = [3], point = { sigma_w = 1.2, sigma_b = 0.0 }, activation = { breakpoints = [-1, 1.5], slopes = [0, 1, "
      "0], value = [0, 0] }, q0 = 2.0");
  EXPECT_THROW(study.point(8), std::out_of_range);
}

TEST(Override, ReplacesAndAdds) {
  const Study study = read_text(full_text, {{"realizations", "9"},
                                            {"sweep.widths", "[4, 4]"},
                                            {"sweep.weights", "['gaussian', { law = 'student_t', dof = 3 }]"},
                                            {"input.dimension", "12"}});
  EXPECT_EQ(study.realizations, 9);
  EXPECT_EQ(study.sweep[0].name, "widths") << "it keeps its place";
  EXPECT_THAT(study.sweep[0].values, ElementsAre(Value(List{4, 4})));
  EXPECT_EQ(study.sweep[4].values.size(), 2u);
  EXPECT_EQ(study.setting("input.dimension")->toml(), "12");
}

TEST(Files, AreReadAndNamedByTheirContent) {
  const testing::Folder folder;
  folder.write("digits", "abc");
  const std::string path = folder.write("study.toml", "measure = 'fake'\nsweep.sigma_w = 1\ninput.images = 'digits'\n");
  const Study study = read_study(path, {}, testing::fake_catalogue()).study;
  const StudyFile* file = study.file("input.images");
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->path, "digits");
  // FIPS 180-2, appendix B.1.
  EXPECT_EQ(file->sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  ASSERT_TRUE(file->bytes);
  EXPECT_EQ(file->bytes->size(), 3u);
  EXPECT_EQ(std::to_integer<char>(file->bytes->at(2)), 'c');
}

TEST(Files, GivenOnTheCommandLineAreRelativeToTheWorkingDirectory) {
  const testing::Folder folder;
  folder.write("digits", "abc");
  const std::string path = folder.write("study.toml", "measure = 'fake'\nsweep.sigma_w = 1\ninput.images = 'digits'\n");
  const std::string relative = std::filesystem::relative(folder.path() + "/digits").string();
  const Study study = read_study(path, {{"input.images", Value(relative).toml()}}, testing::fake_catalogue()).study;
  EXPECT_EQ(study.file("input.images")->path, relative);
  EXPECT_THROW(read_study(path, {{"input.images", "'digits'"}}, testing::fake_catalogue()), BadInput);
}

TEST(StudyText, ReadsBackAsTheSameStudy) {
  const testing::Folder folder;
  folder.write("digits", "abc");
  const std::string path = folder.write("study.toml", std::string(full_text) + "[input]\nimages = 'digits'\n");
  const Study study = read_study(path, {}, testing::fake_catalogue()).study;
  const Study reread = read_study(folder.write("again.toml", study.text()), {}, testing::fake_catalogue()).study;
  const Study restored = restore_study(study.text(), study.files);
  for (const Study* again : {&reread, &restored}) {
    EXPECT_EQ(again->text(), study.text());
    EXPECT_EQ(again->identity(), study.identity());
    EXPECT_EQ(again->settings, study.settings);
    EXPECT_EQ(again->title, study.title);
    EXPECT_EQ(again->measure_version, study.measure_version);
    EXPECT_EQ(again->realizations, study.realizations);
    ASSERT_EQ(again->sweep.size(), study.sweep.size());
    for (std::size_t d = 0; d < study.sweep.size(); ++d) {
      EXPECT_EQ(again->sweep[d].name, study.sweep[d].name);
      EXPECT_EQ(again->sweep[d].values, study.sweep[d].values);
    }
    EXPECT_EQ(again->file("input.images")->sha256, study.file("input.images")->sha256);
    EXPECT_TRUE(again->file("input.images")->bytes);
  }
}

TEST(StudyText, HoldsSweepsAsListsAndDefaults) {
  const Study study = read_text("measure = 'fake'\n[sweep]\nsigma_w = { linspace = [1, 2, 3] }\nwidth = 4\n");
  EXPECT_EQ(study.text(), R"(title = ""
measure = "fake"
measure_version = 3
seed = 0
realizations = 1
precision = "double"
coupling = "common"

[sweep]
sigma_w = [1.0, 1.5, 2.0]
width = [4]

[defaults]
sigma_b = 0.0
activation = "relu"
weights = "gaussian"

[input]
dimension = 784
q0 = 1.0

[curve]
kind = "circle"
orthonormal = true
samples = 1000

[fake]
method = "auto"
)");
}

TEST(RestoreStudy, RefusesWhatIsNoStudy) {
  const std::string good = read_text(full_text).text();
  EXPECT_NO_THROW(restore_study(good, {}));
  EXPECT_THROW(restore_study("", {}), BadInput);
  EXPECT_THROW(restore_study("not TOML", {}), BadInput);
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"measure = \"fake\"", ""},
                                                        {"seed = 1606", "seed = -1"},
                                                        {"\"single\"", "\"triple\""},
                                                        {"realizations = 4", "realizations = 0"},
                                                        {"widths = [[5, 2], [3]]", "widths = []"},
                                                        {"q0 = [2.0]", "q0 = 2.0"}}) {
    std::string bad = good;
    ASSERT_NE(bad.find(from), std::string::npos) << from;
    bad.replace(bad.find(from), from.size(), to);
    EXPECT_THROW(restore_study(bad, {}), BadInput) << to;
  }
}

std::string identity(const std::string& text, const std::vector<Override>& overrides = {}) {
  return read_text(text, overrides).identity();
}

TEST(Identity, LeavesOutTitleSweptValuesAndRealizations) {
  const std::string same = identity(full_text);
  EXPECT_EQ(same.size(), 64u);
  EXPECT_EQ(identity(full_text, {{"title", "'another'"}}), same);
  EXPECT_EQ(identity(full_text, {{"realizations", "99"}}), same);
  EXPECT_EQ(identity(full_text, {{"sweep.q0", "[1, 2, 3]"}}), same);
  EXPECT_EQ(identity(full_text, {{"sweep.point", "[{ sigma_b = 1, sigma_w = 7 }]"}}), same);
  EXPECT_EQ(identity(full_text, {{"curve.kind", "'circle'"}}), same) << "the default, written out";
  EXPECT_EQ(identity(full_text, {{"curve.span", "[0.0, 1.0]"}}), same);
}

TEST(Identity, HoldsEverythingElse) {
  const std::string base = identity(full_text);
  EXPECT_NE(identity(full_text, {{"seed", "1607"}}), base);
  EXPECT_NE(identity(full_text, {{"measure", "'other'"}}), base);
  EXPECT_NE(identity(full_text, {{"precision", "'double'"}}), base);
  EXPECT_NE(identity(full_text, {{"coupling", "'common'"}}), base);
  EXPECT_NE(identity(full_text, {{"curve.samples", "8"}}), base);
  EXPECT_NE(identity(full_text, {{"sweep.weights", "'gaussian'"}}), base);
  EXPECT_NE(identity(full_text, {{"sweep.point", "[{ sigma_w = 1.2 }]"}}), base);
  EXPECT_NE(identity("measure = 'fake'\n[sweep]\nsigma_w = 1\nwidth = 2\n"),
            identity("measure = 'fake'\n[sweep]\nwidth = 2\nsigma_w = 1\n"));
  Study study = read_text(full_text);
  study.measure_version = 4;
  EXPECT_NE(study.identity(), base);
}

TEST(Identity, HoldsTheContentOfFilesNotTheirPaths) {
  const testing::Folder folder;
  folder.write("a", "abc");
  folder.write("b", "abc");
  folder.write("c", "abd");
  const auto with = [&](const std::string& name) {
    const std::string path =
        folder.write("study.toml", "measure = 'fake'\nsweep.sigma_w = 1\ninput.images = '" + name + "'\n");
    return read_study(path, {}, testing::fake_catalogue()).study.identity();
  };
  EXPECT_EQ(with("a"), with("b"));
  EXPECT_NE(with("a"), with("c"));
}

TEST(Unite, KeepsAscendingAndDescendingValuesSorted) {
  const std::string text = "measure = 'fake'\nrealizations = 2\nsweep.sigma_w = 1\nsweep.activation = 'relu'\n";
  const auto united = [&](const std::string& a, const std::string& b) {
    return numbers(unite(read_text(text, {{"sweep.sigma_w", a}}), read_text(text, {{"sweep.sigma_w", b}})).sweep[0]);
  };
  EXPECT_THAT(united("[1, 3]", "[2, 3, 4]"), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(united("[2, 3, 4]", "[1, 3]"), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(united("[5, 3]", "[4, 3, 1]"), ElementsAre(5, 4, 3, 1));
  EXPECT_THAT(united("[4, 3, 1]", "[5, 3]"), ElementsAre(5, 4, 3, 1));
  EXPECT_THAT(united("2", "1"), ElementsAre(1, 2));
  EXPECT_THAT(united("2", "[3, 1]"), ElementsAre(3, 2, 1));
  EXPECT_THAT(united("[1, 2]", "[4, 3]"), ElementsAre(1, 2, 4, 3));
  EXPECT_THAT(united("[3, 1, 2]", "[1, 4]"), ElementsAre(3, 1, 2, 4));
}

TEST(Unite, HoldsEverythingOfBoth) {
  const Study a = read_text(full_text, {{"sweep.activation", "['tanh', 'relu']"}});
  const Study b =
      read_text(full_text, {{"sweep.activation", "['hard_tanh', 'relu']"},
                            {"title", "'b'"},
                            {"realizations", "6"},
                            {"sweep.point", "[{ sigma_b = 0, sigma_w = 1.2 }, { sigma_b = 9, sigma_w = 1 }]"}});
  const Study both = unite(a, b);
  EXPECT_EQ(both.title, a.title);
  EXPECT_EQ(both.realizations, 6);
  EXPECT_EQ(both.identity(), a.identity());
  EXPECT_THAT(both.dimension("activation")->values, ElementsAre(Value("tanh"), Value("relu"), Value("hard_tanh")));
  EXPECT_EQ(both.dimension("point")->values.size(), 3u);
}

TEST(Unite, NamesAreTheFirstStudysAndStayApart) {
  const auto with = [](const std::string& weights) { return read_text(full_text, {{"sweep.weights", weights}}); };
  const Study renamed = unite(with("{ dof = 3, name = 'new' }"), with("[{ dof = 3, name = 'old' }, 'gaussian']"));
  ASSERT_EQ(renamed.dimension("weights")->values.size(), 2u);
  EXPECT_EQ(renamed.dimension("weights")->values[0].label(), "new");
  EXPECT_EQ(with("{ dof = 3, name = 'new' }").identity(), with("{ dof = 3 }").identity());
  EXPECT_THROW(unite(with("{ dof = 3, name = 'a' }"), with("{ dof = 4, name = 'a' }")), BadInput);
}

TEST(Unite, RefusesAnotherStudyAndSaysWhy) {
  const Study a = read_text(full_text);
  const auto refusal = [&](const std::vector<Override>& overrides) -> std::string {
    try {
      unite(a, read_text(full_text, overrides));
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refusal({{"seed", "3"}}), HasSubstr("seed 1606 against 3"));
  EXPECT_THAT(refusal({{"curve.samples", "9"}}), HasSubstr("curve.samples is 7 against 9"));
  EXPECT_THAT(refusal({{"measure", "'other'"}}), HasSubstr("one measures fake, the other other"));
  EXPECT_THAT(refusal({{"sweep.weights", "'gaussian'"}}),
              HasSubstr("one sweeps [widths, point, activation, q0], the other"));
  EXPECT_THAT(refusal({{"sweep.point", "[{ sigma_w = 1.2 }]"}}), HasSubstr("only one sets sweep.sigma_b"));
  EXPECT_EQ(refusal({{"title", "'x'"}}), "");
}

}  // namespace
}  // namespace meander
