// The largest singular values of an operator from products with several vectors at a time.
#pragma once

#include "kernels/distributed/distributed_operator.hpp"
#include "kernels/distributed/singular_search.hpp"

namespace meander {

/// Block Golub-Kahan-Lanczos bidiagonalisation from random vectors (Golub, Luk, Overton 1981; Musco and Musco 2015 for
/// what the random start guarantees) with full orthogonalisation and thick restarts (Baglama and Reichel 2006): never
/// squares A, so that each singular value is right to rounding of s_1. Of values that are equal, as many are seen as a
/// block has vectors. A pass is a product with A and one with A', both of a block. Residuals are those of the small
/// problem and epsilon s_1, for the rounding of products. Values below what rounding leaves of s_1 are given as 0, with
/// the bound on them as residual. Each rank keeps its part of krylov_columns vectors twice, and of some blocks.
///
/// Of A / `scale`: its values, residuals and vectors. Starting vectors are a function of the place in the vector alone,
/// so the search is the same on any number of ranks but for rounding. Collective over a.communicator(). Throws
/// std::invalid_argument where `count` is less than 1 or more than N or `block` is less than 1, std::runtime_error
/// where a product overflows, and what products throw, on all ranks.
SingularTriplets block_krylov(const DistributedOperator& a, double scale, const SingularValueSearch& search);

/// Vectors of a Krylov basis of an operator of size n, at most.
int krylov_columns(int n, const SingularValueSearch& search);

/// Vectors that are multiplied at a time.
int krylov_block(int n, const SingularValueSearch& search);

/// This rank's components of a standard normal vector of the block above; `vector` counts them.
void starting_vector(const DistributedOperator& a, int vector, std::span<double> out);

}  // namespace meander
