// Every mistake in a study file is met with its place, the reason and a suggestion.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "pipeline/study_reader/study_reader.hpp"
#include "tests/support/fake_measure.hpp"

namespace meander {
namespace {

using testing::errors_of;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// The only message, for a study whose line 3 is `line` and which is right otherwise.
std::string error_in_sweep(const std::string& line) {
  return errors_of("measure = 'fake'\n[sweep]\n" + line + "\n");
}
/// The same for line 5, in section [section].
std::string error_in(const std::string& section, const std::string& line) {
  return errors_of("measure = 'fake'\n[sweep]\nsigma_w = 1\n[" + section + "]\n" + line + "\n");
}

TEST(Mistake, InSyntax) {
  EXPECT_THAT(errors_of("measure = 'fake'\n[sweep\nwidth = 3\n"), StartsWith("2:7: error: "));
  EXPECT_THAT(errors_of("measure = 'fake'\n[sweep]\nsigma_w = 1\nsigma_w = 2\n"), StartsWith("4:"));
  EXPECT_THAT(errors_of("measure = fake\n"), StartsWith("1:13: error: "));
  EXPECT_THAT(errors_of("measure = 'fake'\n[sweep]\nsigma_w = 1\n[sweep]\n"), StartsWith("4:"));
}

TEST(Mistake, KeyOfManyParts) {
  // toml++ calls itself once for every part: thousands of them would overrun the stack.
  const auto key = [](int parts) {
    std::string text = "a";
    for (int part = 1; part < parts; ++part) text += part % 2 == 0 ? ".a" : " . 'b'";
    return text;
  };
  const std::string message = "1:1: error: a key has more than 16 parts (nothing is nested as deep) write shorter keys";
  EXPECT_EQ(errors_of(key(17) + " = 1\n"), message);
  EXPECT_EQ(errors_of(key(100'000) + " = 1\n"), message);
  EXPECT_EQ(errors_of("x = { " + key(17) + " = 1 }\n"), message);
  EXPECT_EQ(errors_of("[" + key(17) + "]\n"), message);
  EXPECT_THAT(errors_of("\n\n[[" + key(17) + "]]\n"), StartsWith("3:1: error: a key has more than 16 parts"));
  // Dots elsewhere are none of a key's.
  EXPECT_THAT(errors_of(key(16) + " = 1\n"), Not(HasSubstr("16 parts")));
  const std::string dots(50, '.');
  const std::string rest = "measure = 'fake'\nsweep.sigma_w = 1\n";
  for (const std::string& title : {"'" + dots + "'", "\"\\\"" + dots + "\"", "\"\"\"\n\"" + dots + "\"\"\""})
    EXPECT_EQ(errors_of("title = " + title + "  # " + dots + "\n" + rest), "") << title;
  EXPECT_THAT(
      errors_of("sweep.sigma_w = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, "
                "1.7]\nmeasure = 'fake'\n"),
      "");
}

TEST(Mistake, UnknownKey) {
  EXPECT_EQ(
      error_in_sweep("sigma_w = 1\nsigmab = 2"),
      "4:1: error: unknown key 'sigmab' in [sweep] (measure 'fake' has none of that name) did you mean 'sigma_b'?");
  EXPECT_EQ(
      error_in("input", "temperature = 2"),
      "5:1: error: unknown key 'temperature' in [input] (measure 'fake' has none of that name) allowed: dimension, "
      "q0, images, noise");
  EXPECT_EQ(errors_of("measure = 'fake'\nsead = 3\nsweep.sigma_w = 1\n"),
            "2:1: error: unknown key 'sead' (a study of measure 'fake' has none of that name) did you mean 'seed'?");
}

TEST(Mistake, UnknownSection) {
  EXPECT_EQ(
      error_in("curv", "samples = 3"),
      "4:2: error: unknown section [curv] (a study of measure 'fake' has none of that name) did you mean 'curve'?");
  EXPECT_THAT(error_in("other", "method = 'auto'"), StartsWith("4:2: error: [other] does not belong here (it holds "
                                                               "settings of measure 'other'"));
  EXPECT_EQ(errors_of("measure = 'fake'\ninput = 3\nsweep.sigma_w = 1\n"),
            "2:9: error: 'input' is 3 (it is a section) write [input] and its keys below it");
}

TEST(Mistake, KeyInTheWrongPlace) {
  EXPECT_EQ(errors_of("measure = 'fake'\nsigma_w = 3\nsweep.sigma_w = 1\n"),
            "2:1: error: 'sigma_w' stands at the top of the file (its place is [sweep]) move it there");
  EXPECT_EQ(error_in_sweep("sigma_w = 1\nsamples = [3, 4]"),
            "4:1: error: 'samples' cannot be swept (its place is [curve]) move it there");
  EXPECT_EQ(error_in("curve", "dimension = 3"),
            "5:1: error: 'dimension' is no key of [curve] (its place is [input]) move it there");
  EXPECT_EQ(error_in("input", "realizations = 3"),
            "5:1: error: 'realizations' stands in [input] (its place is the top of the file, before the first section) "
            "move it there");
}

TEST(Mistake, Measure) {
  EXPECT_EQ(errors_of("measure = 'fakr'\n"),
            "1:11: error: there is no measure 'fakr' (see `meander list`) did you mean 'fake'?");
  EXPECT_EQ(errors_of("title = 'x'\n"),
            "error: the study has no 'measure' (it is required) add it at the top: measure = ...");
  EXPECT_EQ(errors_of("measure = 3\n"), "1:11: error: 'measure' is 3 (it takes a text in quotes)");
  EXPECT_THAT(
      errors_of("measure = 'fake'\nmeasure_version = 2\nsweep.sigma_w = 1\n"),
      StartsWith("2:19: error: the study was written for version 2 of measure 'fake' (this program has version 3)"));
}

TEST(Mistake, CommonKeys) {
  const std::string rest = "\nmeasure = 'fake'\nsweep.sigma_w = 1\n";
  EXPECT_EQ(errors_of("seed = -1" + rest), "1:8: error: 'seed' is -1 (it must be at least 0)");
  EXPECT_EQ(errors_of("seed = 1.5" + rest), "1:8: error: 'seed' is 1.5 (it takes an integer)");
  EXPECT_EQ(errors_of("realizations = 0" + rest),
            "1:16: error: 'realizations' is 0 (it must be at least 1 and at most 2147483647)");
  EXPECT_EQ(errors_of("realizations = 3000000000" + rest),
            "1:16: error: 'realizations' is 3000000000 (it must be at least 1 and at most 2147483647)");
  EXPECT_EQ(errors_of("precision = 'singel'" + rest),
            "1:13: error: 'precision' is \"singel\" (it must be one of double, single) did you mean 'single'?");
  EXPECT_EQ(errors_of("coupling = true" + rest), "1:12: error: 'coupling' is true (it takes a text in quotes)");
  EXPECT_EQ(errors_of("title = 3" + rest), "1:9: error: 'title' is 3 (it takes a text in quotes)");
}

TEST(Mistake, WrongType) {
  EXPECT_EQ(error_in_sweep("sigma_w = 1\nwidth = 3.0"), "4:9: error: 'width' is 3.0 (it takes an integer) write 3");
  EXPECT_EQ(error_in_sweep("sigma_w = '1'"), "3:11: error: 'sigma_w' is \"1\" (it takes a number)");
  EXPECT_EQ(error_in_sweep("sigma_w = 1979-05-27"), "3:11: error: 'sigma_w' is a date or time (it takes a number)");
  EXPECT_EQ(error_in("curve", "orthonormal = 1"), "5:15: error: 'orthonormal' is 1 (it takes true or false)");
  EXPECT_EQ(error_in("curve", "span = [0, '1']"), "5:12: error: 'span' holds \"1\" (it takes a list of numbers)");
  EXPECT_EQ(error_in("curve", "span = []"), "5:8: error: 'span' is an empty list (it takes a list of numbers)");
  EXPECT_EQ(error_in("curve", "span = 1"), "5:8: error: 'span' is 1 (it takes a list of numbers)");
  EXPECT_EQ(error_in("curve", "samples = [100, 200]"), "5:11: error: 'samples' is [100, 200] (it takes an integer)");
  EXPECT_EQ(error_in("input", "images = ''"), "5:10: error: 'images' is empty (it takes a file's path in quotes)");
  EXPECT_EQ(error_in_sweep("sigma_w = 1\nwidths = [[5, 2], 3]"),
            "4:19: error: 'widths' is 3 (it takes a list of integers)");
}

TEST(Mistake, DateInsideAList) {
  // Read as a text it would be an empty one.
  EXPECT_EQ(error_in_sweep("sigma_w = [1, 1979-05-27]"),
            "3:15: error: 'sigma_w' is a date or time (it takes a number)");
  EXPECT_EQ(error_in("curve", "span = [0, 07:32:00]"),
            "5:12: error: 'span' holds a date or time (it takes a list of numbers)");
  EXPECT_EQ(error_in_sweep("sigma_w = 1\nweights = { law = [1979-05-27] }"),
            "4:20: error: 'weights' holds a date or time (nothing here takes one) put it in quotes if it is a text");
}

TEST(Mistake, NotFinite) {
  EXPECT_EQ(error_in_sweep("sigma_w = [1, nan]"), "3:15: error: 'sigma_w' is nan (numbers must be finite)");
  EXPECT_EQ(error_in_sweep("sigma_w = inf"), "3:11: error: 'sigma_w' is inf (numbers must be finite)");
  EXPECT_EQ(error_in_sweep("sigma_w = 1\nweights = { law = 'x', dof = -inf }"),
            "4:30: error: 'weights' is -inf (numbers must be finite)");
  EXPECT_EQ(error_in_sweep("sigma_w = { linspace = [0, inf, 3] }"),
            "3:24: error: linspace of 'sigma_w' goes from 0 to inf (numbers must be finite)");
}

TEST(Mistake, OutOfBounds) {
  EXPECT_EQ(error_in_sweep("sigma_w = 1\nwidth = [5, 0]"), "4:13: error: 'width' is 0 (it must be at least 1)");
  EXPECT_EQ(error_in_sweep("sigma_w = -0.5"), "3:11: error: 'sigma_w' is -0.5 (it must be at least 0)");
  EXPECT_EQ(error_in_sweep("sigma_w = 1\nsigma_b = 11"),
            "4:11: error: 'sigma_b' is 11.0 (it must be at least 0 and at most 10)");
  EXPECT_EQ(error_in("input", "q0 = 0"), "5:6: error: 'q0' is 0.0 (it must be greater than 0)");
  EXPECT_EQ(error_in_sweep("sigma_w = 1\nwidths = [[5, 0]]"),
            "4:15: error: 'widths' holds 0 (each element must be at least 1)");
  EXPECT_EQ(error_in_sweep("sigma_w = { linspace = [-1, 1, 3] }"),
            "3:24: error: 'sigma_w' is -1.0 (it must be at least 0)");
}

TEST(Mistake, NotAChoice) {
  EXPECT_EQ(
      error_in_sweep("sigma_w = 1\nactivation = ['relu', 'hardtanh']"),
      "4:23: error: 'activation' is \"hardtanh\" (it must be one of relu, tanh, hard_tanh) did you mean 'hard_tanh'?");
  EXPECT_EQ(error_in("curve", "kind = 'spiral'"),
            "5:8: error: 'kind' is \"spiral\" (it must be one of circle, arc, line)");
}

TEST(Mistake, FoundByTheKeysOwnTest) {
  EXPECT_EQ(error_in_sweep("sigma_w = 1\nweights = ['gaussian', { law = 'student_t', dof = 2 }]"),
            "4:24: error: 'weights': dof is 2 (its variance is infinite) take more than 2");
}

TEST(Mistake, EmptyOrDoubleValues) {
  EXPECT_EQ(
      error_in_sweep("sigma_w = []"),
      "3:11: error: 'sigma_w' is an empty list (a sweep without values has no cells) leave it out or give a value");
  EXPECT_EQ(
      error_in_sweep("sigma_w = 1\nwidths = []"),
      "4:10: error: 'widths' is an empty list (a sweep without values has no cells) leave it out or give a value");
  EXPECT_EQ(error_in_sweep("sigma_w = [2, 2.0]"),
            "3:15: error: 2.0 appears twice in 'sigma_w' (each value of a sweep is one cell) leave one out");
  EXPECT_THAT(error_in_sweep("sigma_w = 1\nweights = [{ law = 'a', dof = 3 }, { dof = 3.0, law = 'a' }]"),
              StartsWith("4:36: error: { dof = 3.0, law = \"a\" } appears twice in 'weights'"));
  EXPECT_THAT(error_in_sweep("sigma_w = { linspace = [1, 1, 2] }"),
              StartsWith("3:24: error: 1.0 appears twice in 'sigma_w'"));
}

TEST(Mistake, TwoValuesOfOneName) {
  EXPECT_EQ(error_in_sweep("sigma_w = 1\nweights = [{ dof = 3, name = 'a' }, { dof = 4, name = 'a' }]"),
            "4:37: error: two values of 'weights' are called \"a\" ({ dof = 3, name = \"a\" } and { dof = 4, name = "
            "\"a\" }) give each a name of its own");
  EXPECT_THAT(error_in_sweep("sigma_w = 1\nweights = ['a', { dof = 4, name = 'a' }]"),
              StartsWith("4:17: error: two values of 'weights' are called \"a\""));
  // A name is no part of what a table is.
  EXPECT_THAT(error_in_sweep("sigma_w = 1\nweights = [{ dof = 3, name = 'a' }, { dof = 3, name = 'b' }]"),
              StartsWith("4:37: error: { dof = 3, name = \"b\" } appears twice in 'weights'"));
  EXPECT_THAT(
      error_in_sweep("point = [{ sigma_w = 1, weights = { dof = 3, name = 'a' } }, { sigma_w = 2, weights = { dof "
                     "= 4, name = 'a' } }]"),
      StartsWith("3:62: error: two values of 'weights' are called \"a\""));
}

TEST(Mistake, InSpacing) {
  EXPECT_THAT(
      error_in_sweep("sigma_w = { logspace = [-2, 2, 5] }"),
      StartsWith("3:24: error: logspace of 'sigma_w' goes from -2 to 2 (its ends are values, not exponents, and must "
                 "be greater than 0)"));
  EXPECT_EQ(
      error_in_sweep("sigma_w = { linspace = [1, 2] }"),
      "3:24: error: linspace of 'sigma_w' is [1, 2] (it takes two numbers and an integer) write { linspace = [lo, "
      "hi, n] }");
  EXPECT_EQ(error_in_sweep("sigma_w = { linspace = [1, 2, 0] }"),
            "3:31: error: linspace of 'sigma_w' has 0 values (there must be at least 1)");
  EXPECT_EQ(error_in_sweep("sigma_w = { linspace = [1, 2, 4000000000000] }"),
            "3:31: error: 'sigma_w' has 4000000000000 values (one dimension may have 1000000)");
  EXPECT_THAT(error_in_sweep("sigma_w = { linspace = [1, 2, 2], logspace = [1, 2, 2] }"),
              StartsWith("3:11: error: 'sigma_w' has more than linspace in its table"));
  EXPECT_EQ(
      error_in_sweep("sigma_w = 1\nwidth = { linspace = [1, 4, 3] }"),
      "4:22: error: linspace of 'width' gives 2.5 (it takes integers) change the number of values or give a list");
  EXPECT_THAT(error_in_sweep("sigma_w = 1\nwidths = { linspace = [1, 4, 3] }"),
              StartsWith("4:10: error: 'widths' cannot be spaced by linspace"));
}

TEST(Mistake, InPoint) {
  EXPECT_EQ(error_in_sweep("point = [{ sigma_w = 1, sigma_b = 2 }, { sigma_w = 2 }]"),
            "3:40: error: this point has no 'sigma_b' (every point must set the same keys: sigma_w, sigma_b)");
  EXPECT_EQ(error_in_sweep("point = [{ sigma_w = 1 }, { sigma_w = 2, width = 3 }]"),
            "3:42: error: 'width' is not in the first point (every point must set the same keys: sigma_w)");
  EXPECT_EQ(error_in_sweep("point = [{ sigma_w = 1, sigmab = 2 }]"),
            "3:25: error: 'sigmab' cannot stand in 'point' (it is no key that can be swept) did you mean 'sigma_b'?");
  EXPECT_EQ(error_in_sweep("sigma_b = 1\npoint = [{ sigma_w = 1, sigma_b = 2 }]"),
            "4:25: error: 'sigma_b' is swept by itself and in 'point' (one of them must give its value) leave one out");
  EXPECT_THAT(error_in_sweep("point = [{ sigma_w = 1, width = 2 }, { width = 2, sigma_w = 1.0 }]"),
              StartsWith("3:38: error: { sigma_w = 1.0, width = 2 } appears twice in 'point'"));
  EXPECT_THAT(error_in_sweep("sigma_w = 1\npoint = []"),
              StartsWith("4:9: error: 'point' is [] (it takes a list of tables)"));
  EXPECT_THAT(error_in_sweep("sigma_w = 1\npoint = [{}]"),
              StartsWith("4:10: error: a point is {} (it must be a table"));
  EXPECT_EQ(error_in_sweep("point = [{ sigma_w = -1 }]"), "3:22: error: 'sigma_w' is -1.0 (it must be at least 0)");
}

TEST(Mistake, SweptAndGiven) {
  EXPECT_EQ(errors_of("measure = 'fake'\n[sweep]\nsigma_w = 1\nq0 = [1, 2]\n[input]\nq0 = 3\n"),
            "6:1: error: 'q0' is given in [input] and swept in [sweep] (only one can hold) leave one out");
}

TEST(Mistake, ListForAKeyThatCouldBeSwept) {
  EXPECT_EQ(error_in("input", "noise = [1, 2]"),
            "5:9: error: 'noise' is [1, 2] (it takes a number) to sweep it, write 'noise' in [sweep] instead");
}

TEST(Mistake, MissingKey) {
  EXPECT_EQ(errors_of("measure = 'fake'\n[sweep]\nwidth = 1\n"),
            "2:2: error: 'sigma_w' is missing in [sweep] (measure 'fake' needs it) give it a number, at least 0");
  EXPECT_EQ(errors_of("measure = 'fake'\n"),
            "error: 'sigma_w' is missing in [sweep] (measure 'fake' needs it) give it a number, at least 0");
}

TEST(Mistake, TooManyCells) {
  EXPECT_EQ(errors_of("measure = 'fake'\nrealizations = 2\n[sweep]\nsigma_w = { linspace = [1, 2, 100000] }\nwidth = { "
                      "linspace = [1, 50000, 50000] }\n"),
            "3:2: error: the sweep has 100000 sigma_w x 50000 width x 2 realizations = 10000000000 cells (at most "
            "2147483647 can be counted) sweep fewer values");
  EXPECT_EQ(errors_of("measure = 'fake'\nrealizations = 2147483647\n[sweep]\nsigma_w = 1\n"), "");
  EXPECT_THAT(errors_of("measure = 'fake'\nrealizations = 1073741824\n[sweep]\nsigma_w = [1, 2]\n"),
              HasSubstr("= 2147483648 cells"));
}

TEST(Mistake, UnreadableFile) {
  EXPECT_EQ(error_in("input", "images = 'digits.gz'"),
            "5:10: error: 'images' cannot be read: digits.gz (No such file or directory) get it from example.org");
  EXPECT_THAT(error_in("input", "images = '/'"), HasSubstr("'images' cannot be read: / (it is a directory)"));
  EXPECT_THROW(read_study("/nowhere/study.toml", {}, testing::fake_catalogue()), BadInput);
}

TEST(Mistake, InCombination) {
  EXPECT_EQ(error_in_sweep("sigma_w = 1\nwidth = 3\nwidths = [[3]]"),
            "5:10: error: width and widths exclude each other");
  // The measure is asked only where everything else is right.
  EXPECT_EQ(error_in_sweep("sigma_w = -1\nwidth = 3\nwidths = [[3]]"),
            "3:11: error: 'sigma_w' is -1.0 (it must be at least 0)");
}

TEST(Mistake, OnTheCommandLine) {
  const std::string good = "measure = 'fake'\n[sweep]\nsigma_w = 1\n";
  EXPECT_EQ(errors_of(good, {{"sweep.width", "[3, 0]"}}),
            "--set sweep.width: error: 'width' is 0 (it must be at least 1)");
  // A text may come without its quotes; what looks like TOML and is none may not.
  EXPECT_EQ(errors_of(good, {{"title", "A circle"}}), "");
  EXPECT_THAT(errors_of(good, {{"curve.samples", "many"}}), HasSubstr("--set curve.samples: error: 'samples' is"));
  EXPECT_THAT(errors_of(good, {{"sweep.width", "[3, 4"}}), HasSubstr("is not a TOML value"));
  EXPECT_THAT(errors_of(good, {{"seed", "1\nrealizations = 2"}}), StartsWith("--set seed: error: "));
  EXPECT_THAT(errors_of(good, {{"a.b.c", "1"}}), StartsWith("--set a.b.c: error: 'a.b.c' names no key"));
  EXPECT_THAT(errors_of(good, {{"", "1"}}), HasSubstr("names no key"));
  EXPECT_THAT(errors_of(good, {{"curve.sample", "9"}}),
              StartsWith("--set curve.sample: error: unknown key 'sample' in [curve]"));
  // A place on the command line stands after those in the file, and a syntax error hides neither.
  EXPECT_THAT(errors_of("measure = \n", {{"seed", "[x"}}), HasSubstr("\n--set seed: error: "));
}

TEST(Mistakes, AreShownTogetherInOrder) {
  EXPECT_EQ(errors_of("seed = -1\nmeasure = 'fake'\n[sweep]\nsigma_w = [nan, 2, 2]\nwidht = 3\n[curve]\nsamples = 2\n",
                      {{"sweep.sigma_b", "-1"}}),
            "1:8: error: 'seed' is -1 (it must be at least 0)\n"
            "4:12: error: 'sigma_w' is nan (numbers must be finite)\n"
            "4:20: error: 2.0 appears twice in 'sigma_w' (each value of a sweep is one cell) leave one out\n"
            "5:1: error: unknown key 'widht' in [sweep] (measure 'fake' has none of that name) did you mean 'width'?\n"
            "7:11: error: 'samples' is 2 (it must be at least 3)\n"
            "--set sweep.sigma_b: error: 'sigma_b' is -1.0 (it must be at least 0 and at most 10)");
}

TEST(DamagedStudy, IsNeverWorseThanBadInput) {
  const testing::Folder folder;
  const std::string good =
      "title = \"a\\tb\"\nmeasure = 'fake'\nseed = 3\n[sweep]\nwidths = [[5, 2], [3]]\n"
      "point = [{ sigma_w = 1.2, sigma_b = 0.1 }, { sigma_b = 2, sigma_w = 1 }]\n"
      "q0 = { logspace = [0.1, 10, 3] }\nweights = [{ law = 'student_t', dof = 4 }, 'gaussian']\n[curve]\nsamples = "
      "20\n";
  const Catalogue catalogue = testing::fake_catalogue();
  int read = 0;
  int refused = 0;
  const auto attempt = [&](const std::string& text) {
    try {
      const Study study = read_study(folder.write("study.toml", text), {}, catalogue).study;
      EXPECT_EQ(restore_study(study.text(), study.files).text(), study.text());
      ++read;
    } catch (const BadInput&) {
      ++refused;
    }
    try {
      restore_study(text, {});
    } catch (const BadInput&) {
    }
  };
  attempt(good);
  ASSERT_EQ(read, 1);
  for (std::size_t size = 0; size < good.size(); ++size) attempt(good.substr(0, size));
  std::mt19937 random(11);
  for (int i = 0; i < 1500; ++i) {
    std::string text = good;
    for (unsigned flips = 1 + random() % 3; flips > 0; --flips) {
      text[random() % text.size()] = static_cast<char>(random() % 256);
    }
    attempt(text);
  }
  // Some flips hit a digit or a letter of the title.
  EXPECT_GT(read, 10);
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace meander
