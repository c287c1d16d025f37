// The pipeline's agreement: bad input stays bad input, whichever rank found it.
#include "pipeline/ranks/collective.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

const MPI_Comm all = MPI_COMM_WORLD;

TEST(Together, BadInputStaysBadInput) {
  for (int failing = 0; failing < size_of(all); ++failing) {
    try {
      together(all, [&] {
        if (rank_of(all) == failing) throw BadInput("study.toml:3:1: error: no such key");
      });
      ADD_FAILURE() << "nothing was thrown";
    } catch (const BadInput& error) {
      EXPECT_STREQ(error.what(), "study.toml:3:1: error: no such key");
      EXPECT_TRUE(is_agreed(error));
    }
  }
}

TEST(Together, OthersAreNoBadInput) {
  try {
    on_root(all, [] { throw std::runtime_error("the disk is full"); });
    ADD_FAILURE() << "nothing was thrown";
  } catch (const BadInput&) {
    ADD_FAILURE() << "a full disk was taken for bad input";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "the disk is full");
    EXPECT_TRUE(is_agreed(error));
  }
  EXPECT_THROW(on_root(all, [] { throw std::bad_alloc(); }), std::bad_alloc);
  EXPECT_FALSE(is_agreed(std::runtime_error("alone")));
}

TEST(Together, AsAValue) {
  const Agreement agreement = attempt_together(all, [] {
    if (rank_of(all) == size_of(all) - 1) throw BadInput("no");
  });
  EXPECT_EQ(agreement.rank(), size_of(all) - 1);
  EXPECT_EQ(agreement.message(), "no");
}

TEST(Gather, TextsOfAnyLengthByRank) {
  const std::string mine(static_cast<std::size_t>(3 * rank_of(all)), static_cast<char>('a' + rank_of(all)));
  const std::vector<std::string> texts = gather(all, mine);
  ASSERT_EQ(texts.size(), rank_of(all) == 0 ? static_cast<std::size_t>(size_of(all)) : 0U);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(texts[i], std::string(3 * i, static_cast<char>('a' + static_cast<char>(i))));
  }
}

}  // namespace
}  // namespace meander
