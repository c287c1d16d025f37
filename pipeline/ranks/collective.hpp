// What one rank reads and all ranks must know, and what ranks agree on before they go on.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "kernels/agreement/agreement.hpp"
#include "pipeline/ranks/words.hpp"

namespace meander {

int rank_of(MPI_Comm comm);
int size_of(MPI_Comm comm);
/// Ranks of `comm` on this rank's machine. Collective.
int ranks_of_machine(MPI_Comm comm);

/// Runs `action` on rank 0 alone, or on every rank; it must not wait for other ranks. What it throws anywhere (on the
/// lowest such rank) is thrown on all, of the same kind and with the same message: BadInput as BadInput, the kinds of
/// <stdexcept> as such, others as std::runtime_error, and all of them as AgreedFailure, so that no rank waits for one
/// that has given up. Collective.
void on_root(MPI_Comm comm, const std::function<void()>& action);
void together(MPI_Comm comm, const std::function<void()>& action);
/// The same as a value.
[[nodiscard]] Agreement attempt_together(MPI_Comm comm, const std::function<void()>& action);
/// Whether all ranks have met this exception, so that none waits for another.
bool is_agreed(const std::exception& error);

/// Rank 0's text or bytes on every rank, of any size. Collective.
void broadcast(MPI_Comm comm, std::string& text);
void broadcast(MPI_Comm comm, std::vector<std::byte>& bytes);
void broadcast(MPI_Comm comm, std::vector<Word>& words);

/// Every rank's text, on rank 0, by rank; empty elsewhere. Collective.
std::vector<std::string> gather(MPI_Comm comm, const std::string& text);

}  // namespace meander
