// Writes an archive: every rank reads and packs its units of cells, and rank 0 puts the packed chunks where they
// belong.
#pragma once

#include <mpi.h>

#include <string>
#include <vector>

#include "pipeline/archive/format/header.hpp"

namespace meander {

/// Writes `path` (a temporary name) with what `sources` hold. No rank holds more than a few units of cells
/// (archive_shape.hpp) at a time, whatever the archive's size. Collective. What any rank meets is thrown on all:
/// BadInput where a source is damaged or two of them disagree, std::runtime_error where the file cannot be written.
/// HDF5 and the file system see one rank alone, so that no call of theirs can leave other ranks waiting.
void write_archive_file(MPI_Comm comm, const std::string& path, const Study& study, const Layout& layout,
                        const std::vector<std::string>& sources, const Attributes& attributes);

}  // namespace meander
