// The eigenvalue solver behind slepc.hpp.
#pragma once

#include "kernels/slepc/entries.hpp"

namespace meander {

ExtremeEigenvalues search_eigenvalues(int local_size, const QuietProduct& apply, SpectrumEnd end,
                                      const EigenvalueSearch& search, MPI_Comm comm);

}  // namespace meander
