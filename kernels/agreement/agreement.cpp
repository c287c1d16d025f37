// The lowest rank that failed sends its kind and its message. Nothing here needs memory before all ranks know: memory
// may be what is lacking.
#include "kernels/agreement/agreement.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

namespace meander {
namespace {

constexpr std::array kinds_of_failure{// Who derives from another stands before it.
                                      failure_kind<std::bad_alloc>,        failure_kind<std::overflow_error>,
                                      failure_kind<std::underflow_error>,  failure_kind<std::range_error>,
                                      failure_kind<std::invalid_argument>, failure_kind<std::domain_error>,
                                      failure_kind<std::length_error>,     failure_kind<std::out_of_range>,
                                      failure_kind<std::logic_error>,      failure_kind<std::runtime_error>};

/// What an exception says, and where its kind stands among `kinds`, the last one's place where it is none of them.
struct Described {
  std::size_t kind;
  const char* message;
};

Described describe(const std::exception_ptr& met, std::span<const FailureKind> kinds) {
  const std::size_t last = kinds.size() - 1;
  try {
    std::rethrow_exception(met);
  } catch (const std::exception& error) {
    const auto found =
        std::find_if(kinds.begin(), kinds.end(), [&](const FailureKind& kind) { return kind.is(error); });
    // The message lives as long as `met` does.
    return {std::min(last, static_cast<std::size_t>(found - kinds.begin())), error.what()};
  } catch (...) {  // a library's own kind of exception
    return {last, "an error of unknown kind"};
  }
}

/// The message of `sender` on every rank, in pieces, as far as there is memory for it.
void send_message(MPI_Comm comm, int rank, int sender, const char* text, std::string& message) {
  unsigned long long length = rank == sender ? std::strlen(text) : 0;
  MPI_Bcast(&length, 1, MPI_UNSIGNED_LONG_LONG, sender, comm);
  char piece[4096];
  for (unsigned long long sent = 0; sent < length;) {
    const auto now = static_cast<std::size_t>(std::min<unsigned long long>(sizeof piece, length - sent));
    if (rank == sender) std::memcpy(piece, text + sent, now);
    MPI_Bcast(piece, static_cast<int>(now), MPI_CHAR, sender, comm);
    try {
      message.append(piece, now);
    } catch (const std::bad_alloc&) {
      // Half a message says more than none.
    }
    sent += now;
  }
}

}  // namespace

std::span<const FailureKind> standard_failures() {
  return kinds_of_failure;
}

Agreement agree(MPI_Comm comm, const std::exception_ptr& met, std::span<const FailureKind> kinds) {
  int rank = 0, ranks = 1;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &ranks);
  int lowest = met ? rank : ranks;
  MPI_Allreduce(MPI_IN_PLACE, &lowest, 1, MPI_INT, MPI_MIN, comm);
  Agreement agreement;
  if (lowest == ranks) return agreement;
  const Described mine = lowest == rank ? describe(met, kinds) : Described{0, ""};
  unsigned long long kind = mine.kind;
  MPI_Bcast(&kind, 1, MPI_UNSIGNED_LONG_LONG, lowest, comm);
  send_message(comm, rank, lowest, mine.message, agreement.message_);
  agreement.rank_ = lowest;
  agreement.kind_ = &kinds[static_cast<std::size_t>(kind)];
  return agreement;
}

}  // namespace meander
