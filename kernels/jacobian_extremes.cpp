// Checks a Jacobian against its transpose, then looks for the upper end of J'J's spectrum.
#include "kernels/jacobian_extremes.hpp"

#include "kernels/slepc.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace meander {
namespace {

using Vector = std::vector<double>;

/// Rounding of both sides is N times depth epsilon times the ratio of the layers' norms to the product's; a transpose
/// that is wrong anywhere gives about one over the root of N.
constexpr double most_adjoint_error = 1e-8;

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
double norm(const DistributedOperator& j, Vector v) {
  double largest = 0.0;
  for (const double value : v) largest = std::max(largest, std::abs(value));
  MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_DOUBLE, MPI_MAX, j.communicator());
  if (largest == 0.0) return 0.0;
  for (double& value : v) value /= largest;
  return largest * std::sqrt(dot(j, v, v));
}

/// |J x| / |x| of a vector; the adjoint identity is checked on the way.
double scale_and_check(const DistributedOperator& j, double& adjoint_error) {
  const Vector x = fractional_parts(j, 0.6180339887498949), y = fractional_parts(j, 0.41421356237309503);
  Vector jx(x.size()), jty(x.size());
  j.apply(x, jx);
  j.apply_transposed(y, jty);
  const double image = norm(j, jx);
  if (image == 0.0) return 1.0;
  // Divided first: products of tiny numbers would vanish.
  for (double& value : jx) value /= image;
  for (double& value : jty) value /= image;
  adjoint_error = std::abs(dot(j, jx, y) - dot(j, x, jty)) / norm(j, y);
  if (!(adjoint_error <= most_adjoint_error)) {
    throw std::runtime_error("<J x, y> and <x, J' y> differ by " + std::to_string(adjoint_error) +
                             " of |J x| |y| (they are equal for a transpose), report this");
  }
  return image / norm(j, x);
}

}  // namespace

LargestSingularValues largest_singular_values(const DistributedOperator& j, const SingularValueSearch& search) {
  LargestSingularValues result;
  const double scale = scale_and_check(j, result.adjoint_error);
  Vector image(static_cast<std::size_t>(j.local_size()));
  const SymmetricOperator square{j.local_size(), [&](std::span<const double> x, std::span<double> y) {
                                   j.apply(x, image);
                                   for (double& value : image) value /= scale;
                                   j.apply_transposed(image, y);
                                   for (double& value : y) value /= scale;
                                 }};
  const ExtremeEigenvalues found = extreme_eigenvalues(
      square, SpectrumEnd::largest, {search.count, search.tolerance, search.max_iterations}, j.communicator());
  for (std::size_t k = 0; k < found.values.size(); ++k) {
    // J'J v = s^2 v + r and J v = s u give J'u - s v = r / s.
    const double value = std::sqrt(std::max(found.values[k], 0.0));
    result.values.push_back(value * scale);
    result.residuals.push_back(value > 0.0 ? found.residuals[k] / value * scale : 0.0);
  }
  result.iterations = found.iterations;
  result.products = found.products;
  result.converged = found.converged;
  return result;
}

}  // namespace meander
