// What one rank meets, all ranks throw: of the same kind, with the same message.
#include "kernels/agreement/agreement.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <array>
#include <filesystem>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace meander {
namespace {

int rank() {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}
int ranks() {
  int ranks = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  return ranks;
}

/// Whether exactly Exception, of those that could be told apart, comes to every rank from each rank in turn.
template <class Exception>
void expect_kind(const std::function<void()>& fail, const std::string& message) {
  for (int failing = 0; failing < ranks(); ++failing) {
    const Agreement agreement = attempt(MPI_COMM_WORLD, [&] {
      if (rank() == failing) fail();
    });
    EXPECT_TRUE(agreement.failed());
    EXPECT_EQ(agreement.rank(), failing);
    EXPECT_EQ(agreement.message(), message);
    try {
      agreement.or_throw();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Exception& error) {
      EXPECT_EQ(error.what(), message);
      EXPECT_NE(dynamic_cast<const AgreedFailure*>(&error), nullptr);
    } catch (const std::exception& error) {
      ADD_FAILURE() << "another kind was thrown: " << error.what();
    }
  }
}

TEST(Agreement, NothingFailed) {
  int calls = 0;
  const Agreement agreement = attempt(MPI_COMM_WORLD, [&] { ++calls; });
  EXPECT_FALSE(agreement.failed());
  EXPECT_NO_THROW(agreement.or_throw());
  EXPECT_EQ(calls, 1);
}

TEST(Agreement, KindsSurvive) {
  expect_kind<std::bad_alloc>([] { throw std::bad_alloc(); }, std::bad_alloc().what());
  expect_kind<std::overflow_error>([] { throw std::overflow_error("too large"); }, "too large");
  expect_kind<std::underflow_error>([] { throw std::underflow_error("too small"); }, "too small");
  expect_kind<std::range_error>([] { throw std::range_error("beyond"); }, "beyond");
  expect_kind<std::invalid_argument>([] { throw std::invalid_argument("none of these"); }, "none of these");
  expect_kind<std::domain_error>([] { throw std::domain_error("outside"); }, "outside");
  expect_kind<std::length_error>([] { throw std::length_error("too long"); }, "too long");
  expect_kind<std::out_of_range>([] { throw std::out_of_range("past the end"); }, "past the end");
  expect_kind<std::logic_error>([] { throw std::logic_error("cannot be"); }, "cannot be");
  expect_kind<std::runtime_error>([] { throw std::runtime_error("cannot do"); }, "cannot do");
}

/// A kind that others derive from must not be taken for them, nor one of theirs lost among its derived ones.
TEST(Agreement, TheNearestKnownKind) {
  const std::system_error error(std::make_error_code(std::errc::no_such_file_or_directory), "a file");
  expect_kind<std::runtime_error>([&] { throw error; }, error.what());
  EXPECT_THROW(attempt(MPI_COMM_WORLD, [] { throw std::bad_array_new_length(); }).or_throw(), std::bad_alloc);
  expect_kind<std::runtime_error>([] { throw 1; }, "an error of unknown kind");
  expect_kind<std::runtime_error>([] { throw std::bad_function_call(); }, std::bad_function_call().what());
}

struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

TEST(Agreement, KindsOfOnesOwn) {
  const std::array kinds{failure_kind<Refused>, failure_kind<std::runtime_error>};
  const auto failing = [](auto error) {
    return [error] {
      if (rank() == ranks() - 1) throw error;
    };
  };
  EXPECT_THROW(attempt(MPI_COMM_WORLD, failing(Refused("no")), kinds).or_throw(), Refused);
  try {
    attempt(MPI_COMM_WORLD, failing(std::overflow_error("large")), kinds).or_throw();
    ADD_FAILURE();
  } catch (const Refused&) {
    ADD_FAILURE() << "an overflow was taken for a refusal";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "large");
  }
}

TEST(Agreement, TheLowestRankSpeaks) {
  const Agreement agreement =
      attempt(MPI_COMM_WORLD, [] { throw std::runtime_error("rank " + std::to_string(rank())); });
  EXPECT_EQ(agreement.rank(), 0);
  EXPECT_EQ(agreement.message(), "rank 0");
}

/// Longer than a piece of the message, with every byte in its place; and none at all.
TEST(Agreement, MessagesOfAnyLength) {
  for (const std::size_t length : {0U, 1U, 4095U, 4096U, 4097U, 20000U}) {
    std::string message;
    for (std::size_t i = 0; i < length; ++i) message += static_cast<char>('a' + i % 26);
    const Agreement agreement = attempt(MPI_COMM_WORLD, [&] {
      if (rank() == ranks() - 1) throw std::runtime_error(message);
    });
    EXPECT_EQ(agreement.message(), message);
  }
}

TEST(Agreement, TheFirstAlone) {
  int calls = 0;
  EXPECT_FALSE(attempt_on_first(MPI_COMM_WORLD, [&] { ++calls; }).failed());
  EXPECT_EQ(calls, rank() == 0 ? 1 : 0);
  EXPECT_THROW(attempt_on_first(MPI_COMM_WORLD, [] { throw std::overflow_error("large"); }).or_throw(),
               std::overflow_error);
}

/// An agreed failure goes through another agreement as it is.
TEST(Agreement, OneInAnother) {
  EXPECT_THROW(attempt(MPI_COMM_WORLD,
                       [] {
                         attempt(MPI_COMM_SELF, [] {
                           if (rank() == ranks() - 1) throw std::bad_alloc();
                         }).or_throw();
                       })
                   .or_throw(),
               std::bad_alloc);
}

}  // namespace
}  // namespace meander
