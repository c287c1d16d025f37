// The largest singular values of an operator from products with one vector at a time.
#pragma once

#include "kernels/distributed/distributed_operator.hpp"
#include "kernels/distributed/singular_search.hpp"

namespace meander {

/// SLEPc's trlanczos or cross (slepc.hpp) on A / `scale`, and what they do not see: of equal singular values a Krylov
/// space of one vector holds one. So what was found is taken out of A and another vector is followed, until nothing
/// above the last of the wanted values is left. Where that is not found out, only the largest value is given.
/// Collective over a.communicator(); throws as largest_singular_triplets.
SingularTriplets single_vector_krylov(const DistributedOperator& a, double scale, const SingularValueSearch& search);

}  // namespace meander
