// The eigenvalue solver behind kernels/slepc.hpp.
#pragma once

#include "kernels/slepc.hpp"

namespace meander {

ExtremeEigenvalues search_eigenvalues(const SymmetricOperator& a, SpectrumEnd end, const EigenvalueSearch& search,
                                      MPI_Comm comm);

}  // namespace meander
