// Haar-distributed orthogonal weight matrices from the stream's Gaussian ones.
#pragma once

#include "kernels/random_stream.hpp"

#include <cstdint>
#include <span>

namespace meander {

/// `out`, row-major (rows, columns), <- sigma_w sqrt(max(1, rows / columns)) times a Haar partial
/// isometry: Q of the QR factorisation of the Gaussian matrix G of purpose `purpose` at `layer` (of
/// its transpose, where there are more columns than rows), with the signs that make the diagonal of
/// R positive (Mezzadri 2007, section 5). Throws std::runtime_error where LAPACK fails.
void orthogonal_matrix(StreamKey key, std::uint32_t layer, int rows, int columns, double sigma_w, std::span<double> out,
                       Purpose purpose = Purpose::weights);

}  // namespace meander
