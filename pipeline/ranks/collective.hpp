// What one rank reads and all ranks must know.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace meander {

int rank_of(MPI_Comm comm);
int size_of(MPI_Comm comm);
/// Ranks of `comm` on this rank's machine. Collective.
int ranks_of_machine(MPI_Comm comm);

/// Runs `action` on rank 0 alone. Where it throws BadInput there, BadInput with the same message is
/// thrown on every rank, so that no rank waits for one that has given up. Collective.
void on_root(MPI_Comm comm, const std::function<void()>& action);

/// Rank 0's text or bytes on every rank, of any size. Collective.
void broadcast(MPI_Comm comm, std::string& text);
void broadcast(MPI_Comm comm, std::vector<std::byte>& bytes);

/// Every rank's text, on rank 0, by rank; empty elsewhere. Collective.
std::vector<std::string> gather(MPI_Comm comm, const std::string& text);

}  // namespace meander
