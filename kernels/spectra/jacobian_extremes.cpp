// Checks an operator against its transpose, then has a solver look for the upper end of its spectrum.
#include "kernels/spectra/jacobian_extremes.hpp"

#include "kernels/agreement/agreement.hpp"
#include "kernels/spectra/block_krylov.hpp"
#include "kernels/spectra/single_vector_krylov.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>

namespace meander {
namespace {

using Vector = std::vector<double>;

/// Rounding of both sides is N times depth epsilon times the ratio of the layers' norms to the product's; a transpose
/// that is wrong anywhere gives about one over the root of N.
constexpr double most_adjoint_error = 1e-8;

/// What rounding, or weights kept in single precision, may make of J J^-1, relative to J and to its singular value: a
/// factor of condition c is inverted to c epsilon, and an inverse of another J leaves all of |J|.
constexpr double most_inverse_error = 1e-2, most_relative_inverse_error = 1e-3;

double dot(const DistributedOperator& j, const Vector& a, const Vector& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, j.communicator());
  return sum;
}

/// This rank's rows of a vector with a part in every direction: fractional parts of multiples of an irrational number.
Vector fractional_parts(const DistributedOperator& j, double irrational) {
  Vector x(static_cast<std::size_t>(j.local_size()));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double multiple = (static_cast<double>(j.rows()[i]) + 1.0) * irrational;
    x[i] = multiple - std::floor(multiple) - 0.5;
  }
  return x;
}

/// |v| over all ranks, for numbers of any size.
double norm(const DistributedOperator& j, const Vector& v) {
  double largest = 0.0;
  for (const double value : v) largest = std::max(largest, std::abs(value));
  MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_DOUBLE, MPI_MAX, j.communicator());
  if (largest == 0.0) return 0.0;
  double sum = 0.0;
  for (const double value : v) sum += (value / largest) * (value / largest);
  MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, j.communicator());
  return largest * std::sqrt(sum);
}

/// |J x| / |x| of a vector, 0 for J = 0; the adjoint identity is checked on the way.
double scale_and_check(const DistributedOperator& j, double& adjoint_error) {
  Vector x, y, jx, jty;
  attempt(j.communicator(), [&] {
    x = fractional_parts(j, 0.6180339887498949);
    y = fractional_parts(j, 0.41421356237309503);
    jx.resize(x.size());
    jty.resize(x.size());
  }).or_throw();
  j.apply(x, jx);
  j.apply_transposed(y, jty);
  const double image = norm(j, jx), back = norm(j, jty);
  if (image == 0.0 && back == 0.0) return 0.0;
  const double larger = std::max(image, back);
  // Divided first: products of tiny numbers would vanish.
  for (double& value : jx) value /= larger;
  for (double& value : jty) value /= larger;
  adjoint_error = std::abs(dot(j, jx, y) - dot(j, x, jty)) / (image / larger * norm(j, y));
  if (!(adjoint_error <= most_adjoint_error)) {
    throw AdjointMismatch("<J x, y> and <x, J' y> differ by " + std::to_string(adjoint_error) +
                          " of |J x| |y| (they are equal for a transpose), report this");
  }
  return image / norm(j, x);
}

SingularTriplets krylov(const DistributedOperator& j, double scale, const SingularValueSearch& search) {
  return search.solver == SingularValueSolver::randomized ? block_krylov(j, scale, search)
                                                          : single_vector_krylov(j, scale, search);
}

/// y <- J x or J'x of vectors one after the other.
Vector multiply(const DistributedOperator& j, bool transposed, const Vector& x, int vectors) {
  Vector in, out, y;
  attempt(j.communicator(), [&] {
    for (Vector* vector : {&in, &out, &y}) vector->resize(x.size());
  }).or_throw();
  const auto rows = static_cast<std::size_t>(j.local_size()), count = static_cast<std::size_t>(vectors);
  for (std::size_t k = 0; k < count; ++k) {
    for (std::size_t row = 0; row < rows; ++row) in[row * count + k] = x[k * rows + row];
  }
  transposed ? j.apply_transposed(in, out, vectors) : j.apply(in, out, vectors);
  for (std::size_t k = 0; k < count; ++k) {
    for (std::size_t row = 0; row < rows; ++row) y[k * rows + row] = out[row * count + k];
  }
  return y;
}

/// |a - s b| of vector k, in units of `scale`.
double distance(const DistributedOperator& j, const Vector& a, double s, const Vector& b, std::size_t k, double scale) {
  const auto rows = static_cast<std::size_t>(j.local_size());
  Vector difference;
  attempt(j.communicator(), [&] { difference.resize(rows); }).or_throw();
  for (std::size_t row = 0; row < rows; ++row) {
    difference[row] = a[k * rows + row] / scale - s / scale * b[k * rows + row];
  }
  return norm(j, difference);
}

/// Of unit vectors u (left) and v (right).
Vector residuals(const DistributedOperator& j, const Vector& values, const Vector& left, const Vector& right,
                 double scale) {
  const int count = static_cast<int>(values.size());
  Vector result;
  if (count == 0) return result;
  const Vector image = multiply(j, false, right, count), back = multiply(j, true, left, count);
  for (std::size_t k = 0; k < values.size(); ++k) {
    result.push_back(
        scale * std::max(distance(j, image, values[k], left, k, scale), distance(j, back, values[k], right, k, scale)));
  }
  return result;
}

void require_same_spread(const DistributedOperator& j, const DistributedOperator& inverse) {
  int same = j.size() == inverse.size() && j.rows() == inverse.rows() ? 1 : 0;
  MPI_Allreduce(MPI_IN_PLACE, &same, 1, MPI_INT, MPI_MIN, j.communicator());
  if (same == 0) {
    throw std::invalid_argument("an inverse of size " + std::to_string(inverse.size()) + " (the operator's is " +
                                std::to_string(j.size()) + "), give one whose ranks hold the same rows");
  }
}

}  // namespace

ExtremeSingularValues largest_singular_values(const DistributedOperator& j, const SingularValueSearch& search) {
  check_search(j.size(), search);
  ExtremeSingularValues result;
  const double scale = scale_and_check(j, result.adjoint_error);
  if (scale == 0.0) {
    result.values.assign(static_cast<std::size_t>(search.count), 0.0);
    result.residuals = result.values;
    result.converged = true;
    return result;
  }
  const SingularTriplets found = krylov(j, scale, search);
  for (const double value : found.values) result.values.push_back(value * scale);
  for (const double residual : found.residuals) result.residuals.push_back(residual * scale);
  result.iterations = found.iterations;
  result.products = found.products;
  result.converged = found.converged;
  return result;
}

ExtremeSingularValues smallest_singular_values(const DistributedOperator& j, const DistributedOperator& inverse,
                                               const SingularValueSearch& search) {
  check_search(j.size(), search);
  if (search.solver == SingularValueSolver::cross) {
    throw std::invalid_argument(
        "solver cross for the smallest singular values (it squares the operator and gives rounding for them), take "
        "trlanczos or randomized");
  }
  require_same_spread(j, inverse);
  ExtremeSingularValues result;
  double inverse_error = 0.0;
  const double scale = scale_and_check(j, result.adjoint_error),
               inverse_scale = scale_and_check(inverse, inverse_error);
  result.adjoint_error = std::max(result.adjoint_error, inverse_error);
  if (scale == 0.0 || inverse_scale == 0.0) {
    throw std::runtime_error(
        "an operator that is zero (it has no inverse) and another said to be its inverse, report this");
  }
  SingularTriplets found = krylov(inverse, inverse_scale, search);
  result.iterations = found.iterations;
  result.products = found.products;
  for (const double value : found.values) {
    // Zero would be a value of the inverse that rounding hides.
    if (value > 0.0) result.values.push_back(1.0 / value / inverse_scale);
  }
  result.converged = found.converged && result.values.size() == found.values.size();
  // J^-1 v = u / s is J u = s v.
  result.residuals = residuals(j, result.values, found.right, found.left, scale);
  for (std::size_t k = 0; k < result.values.size(); ++k) {
    if (!(result.residuals[k] <= most_relative_inverse_error * result.values[k] + most_inverse_error * scale)) {
      throw std::runtime_error("J u and s v differ by " + std::to_string(result.residuals[k] / result.values[k]) +
                               " s for u = J^-1 v s (they are equal where the inverse is J's), report this");
    }
  }
  return result;
}

}  // namespace meander
