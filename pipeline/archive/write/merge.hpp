// The one operation that joins archives and shards.
#pragma once

#include <mpi.h>

#include <string>
#include <vector>

#include "pipeline/archive/format/header.hpp"

namespace meander {

/// Joins `sources` (archives and shards) into a new archive at `out`, replaced atomically; where that is a link, what
/// it leads to is. The caller holds the archive's lock. What stands there and is none of the sources is lost; where it
/// changes meanwhile, nothing is replaced.
/// Collective: each rank reads a share of the sources, rows go to the rank that writes their part,
/// and the arrays are written collectively. Identical cells pass; of a failed and a done cell the
/// done one is kept; conflicting ones are refused with BadInput that names cell and array, counts
/// compared exactly, floats exactly within one BLAS core and to 1e-12 across cores. The result does
/// not depend on the number of ranks, on the order of the sources or on how cells were shared
/// between them, run-dependent arrays and `attributes` apart.
void write_archive(MPI_Comm comm, const std::string& out, const Study& study, const Layout& layout,
                   const std::vector<std::string>& sources, const Attributes& attributes);

}  // namespace meander
