// Messages in the order of place, and suggestions that are near.
#include <gtest/gtest.h>

#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

TEST(Diagnostics, ShowsEverythingInTheOrderOfPlace) {
  Diagnostics diagnostics;
  diagnostics.error({"--set seed", 0, 0}, "e");
  diagnostics.error({"s.toml", 10, 1}, "d");
  diagnostics.warning({"s.toml", 9, 12}, "c");
  diagnostics.error({"s.toml", 9, 2}, "b");
  diagnostics.error({"s.toml", 0, 0}, "a");
  diagnostics.error({}, "f");
  EXPECT_EQ(diagnostics.text(),
            "s.toml: error: a\ns.toml:9:2: error: b\ns.toml:9:12: warning: c\ns.toml:10:1: error: d\n"
            "error: f\n--set seed: error: e");
}

TEST(Diagnostics, FailsOnErrorsOnly) {
  Diagnostics diagnostics;
  diagnostics.warning({"s.toml", 1, 1}, "a warning");
  EXPECT_FALSE(diagnostics.failed());
  EXPECT_NO_THROW(diagnostics.throw_if_failed());
  diagnostics.error({"s.toml", 2, 1}, "an error");
  EXPECT_TRUE(diagnostics.failed());
  try {
    diagnostics.throw_if_failed();
    FAIL() << "nothing was thrown";
  } catch (const BadInput& error) {
    EXPECT_STREQ(error.what(), "s.toml:1:1: warning: a warning\ns.toml:2:1: error: an error");
  }
}

TEST(Nearest, FindsMisspellings) {
  const std::vector<std::string> allowed = {"width", "widths", "depth", "sigma_w", "sigma_b", "activation", "q0"};
  EXPECT_EQ(nearest("widht", allowed), "width");
  EXPECT_EQ(nearest("sigmaw", allowed), "sigma_w");
  EXPECT_EQ(nearest("Sigma_B", allowed), "sigma_b");
  EXPECT_EQ(nearest("act", allowed), "activation");
  EXPECT_EQ(nearest("q1", allowed), "q0");
}

TEST(Nearest, LeavesAloneWhatIsFar) {
  const std::vector<std::string> allowed = {"width", "depth", "q0"};
  EXPECT_EQ(nearest("temperature", allowed), "");
  EXPECT_EQ(nearest("", allowed), "");
  EXPECT_EQ(nearest("xy", allowed), "");
  EXPECT_EQ(nearest("width", {}), "");
  EXPECT_EQ(nearest(std::string(100000, 'w'), allowed), "");
}

}  // namespace
}  // namespace meander
