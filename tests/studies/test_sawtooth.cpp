// The study of the sawtooth as it stands in the repository: every count is known.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/support/in_process.hpp"
#include "tests/support/reference.hpp"

namespace meander {
namespace {

TEST(Sawtooth, StudyCountsWhatFoldingGives) {
  const std::filesystem::path study = testing_support::source_folder() / "studies/raghu2017/sawtooth.toml";
  const testing_support::Ran ran = testing_support::run(study.string());
  EXPECT_EQ(ran.values("exact")[0], 1);
  EXPECT_EQ(ran.values("input_length")[0], 2) << "the line must run from -1 to 1";
  const auto transitions = ran.values("transitions"), pieces = ran.values("pieces");
  ASSERT_EQ(pieces.size(), 19u);
  EXPECT_EQ(transitions[0], 3);
  EXPECT_EQ(pieces[0], 4);
  for (std::size_t l = 2; l <= 19; ++l) {
    EXPECT_EQ(transitions[l - 1], static_cast<double>(1 << l)) << "layer " << l;
    EXPECT_EQ(pieces[l - 1], static_cast<double>(1 << (l + 1))) << "layers 1 to " << l;
  }
}

}  // namespace
}  // namespace meander
