// The eigenvalue solver behind slepc.hpp.
#pragma once

#include "kernels/slepc/slepc.hpp"

namespace meander {

ExtremeEigenvalues search_eigenvalues(const SymmetricOperator& a, SpectrumEnd end, const EigenvalueSearch& search,
                                      MPI_Comm comm);

}  // namespace meander
