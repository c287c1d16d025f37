// Where an archive comes from: program, machine, libraries, ranks, batch job, times.
#pragma once

#include <mpi.h>

#include <string>

#include "pipeline/archive/format/header.hpp"

namespace meander {

/// Time now, UTC, ISO 8601 to the second.
std::string utc_now();

/// Attributes for an archive's root; `started` as from `utc_now`, `history` is the line to add to
/// the archive's history, `earlier` the attributes of the archive that is continued.
Attributes provenance(MPI_Comm comm, const std::string& started, const std::string& history, const Attributes& earlier);

/// Version, commit, compiler, libraries: for `meander --version`.
std::string version_text();

}  // namespace meander
