// Included before every source of the simulated run. SMPI plays MPI_Scan and the nonblocking collectives
// message by message between all pairs of ranks: 256 ranks take minutes for one. The scheduler calls them
// once each, before and after the work, so that others of the same meaning do not change what is measured.
#pragma once

#include <mpi.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace meander::simulated {

/// Sums of ints only, which is what the scheduler asks for.
inline int scan(const void* send, void* receive, int count, MPI_Datatype type, MPI_Op, MPI_Comm comm) {
  if (count != 1 || type != MPI_INT) return MPI_ERR_COUNT;
  int rank = 0;
  int size = 1;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  std::vector<int> all(static_cast<std::size_t>(size));
  MPI_Allgather(send, 1, MPI_INT, all.data(), 1, MPI_INT, comm);
  *static_cast<int*>(receive) = std::accumulate(all.begin(), all.begin() + rank + 1, 0);
  return MPI_SUCCESS;
}

inline int iallreduce(const void* send, void* receive, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm,
                      MPI_Request* request) {
  *request = MPI_REQUEST_NULL;
  return MPI_Allreduce(send, receive, count, type, op, comm);
}

/// SMPI leaves `flag` alone where there is no request and no status.
inline int test(MPI_Request* request, int* flag, MPI_Status* status) {
  *flag = 1;
  return *request == MPI_REQUEST_NULL ? MPI_SUCCESS : MPI_Test(request, flag, status);
}

}  // namespace meander::simulated

#undef MPI_Scan
#undef MPI_Iallreduce
#undef MPI_Test
#define MPI_Scan meander::simulated::scan
#define MPI_Iallreduce meander::simulated::iallreduce
#define MPI_Test meander::simulated::test
