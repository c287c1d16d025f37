// Haar-distributed orthogonal weight matrices as products of Householder reflectors drawn from the stream.
#pragma once

#include "kernels/random/random_stream.hpp"

#include <cstdint>
#include <span>

namespace meander {

/// `out`, row-major (rows, columns), <- sigma_w sqrt(max(1, rows / columns)) times a Haar partial isometry. With at
/// least as many rows m as columns n it is
///
///     H_1 H_2 ... H_n [I_n; 0] diag(signs),
///
/// where H_k takes x_k, the stream's normals of purpose `purpose` at `layer`, row k, columns k .. m - 1 (from zero), to
/// the axis k, and sign k is that of its component there (Stewart 1980; `householder_reflector`): the law of Q in the
/// QR factorisation of a Gaussian matrix with R's diagonal made positive (Mezzadri 2007, section 5), of which the x_k
/// are what column k is when the steps before are done. With fewer rows it is the transpose of that for (columns,
/// rows). Throws std::runtime_error where LAPACK fails.
void orthogonal_matrix(StreamKey key, std::uint32_t layer, int rows, int columns, double sigma_w, std::span<double> out,
                       Purpose purpose = Purpose::weights);

/// The reflector I - u u' / half_square of a vector x with u = x but for the first component, `head`: it takes x to
/// sign |x| e_1, sign = -sign(x_1) so that nothing cancels (Golub and Van Loan 2013, section 5.1.2).
struct HouseholderReflector {
  double head = 0.0;         // of u
  double half_square = 0.0;  // |u|^2 / 2
  double sign = 0.0;
};
/// Of x with first component `first` and Euclidean norm `norm`; x = 0 counts as e_1.
HouseholderReflector householder_reflector(double first, double norm);

}  // namespace meander
