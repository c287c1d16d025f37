// The tangent space has coordinates of its own, by the reflection that turns the normal into the first axis: so the
// normal's direction never poses as a principal one.
#include "kernels/decision_boundary/boundary_curvature.hpp"

#include "kernels/base/machine_rates.hpp"
#include "kernels/slepc/slepc.hpp"
#include "kernels/spectra/symmetric_extremes.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace meander {
namespace {

constexpr double krylov_tolerance = 1e-11;
constexpr int krylov_restarts = 300;

/// Q = 1 - 2 w w' with Q n = -+e_0: columns 1 .. N - 1 of Q span the tangent space.
class TangentSpace {
 public:
  TangentSpace(std::span<const double> gradient, double norm) : w_(gradient.begin(), gradient.end()) {
    for (double& component : w_) component /= norm;
    w_[0] += w_[0] < 0.0 ? -1.0 : 1.0;
    double square = 0.0;
    for (const double component : w_) square += component * component;
    for (double& component : w_) component /= std::sqrt(square);
  }

  std::vector<double> lift(std::span<const double> tangent) const {
    std::vector<double> v(w_.size(), 0.0);
    std::copy(tangent.begin(), tangent.end(), v.begin() + 1);
    reflect(v);
    return v;
  }
  void drop(std::vector<double>& v, std::span<double> tangent) const {
    reflect(v);
    std::copy(v.begin() + 1, v.end(), tangent.begin());
  }
  /// Rows and columns 1 .. N - 1 of Q H Q, divided by `norm`.
  std::vector<double> restrict(const std::vector<double>& hessian, double norm) const {
    const std::size_t n = w_.size();
    std::vector<double> p(n, 0.0);
    double along = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) p[i] += hessian[i * n + j] * w_[j];
      along += w_[i] * p[i];
    }
    for (std::size_t i = 0; i < n; ++i) p[i] -= along * w_[i];
    std::vector<double> restricted((n - 1) * (n - 1));
    for (std::size_t i = 1; i < n; ++i) {
      for (std::size_t j = 1; j < n; ++j) {
        restricted[(i - 1) * (n - 1) + j - 1] = (hessian[i * n + j] - 2.0 * (w_[i] * p[j] + p[i] * w_[j])) / norm;
      }
    }
    return restricted;
  }

 private:
  void reflect(std::vector<double>& v) const {
    double along = 0.0;
    for (std::size_t i = 0; i < v.size(); ++i) along += w_[i] * v[i];
    for (std::size_t i = 0; i < v.size(); ++i) v[i] -= 2.0 * along * w_[i];
  }

  std::vector<double> w_;
};

void solve_dense(const std::vector<double>& hessian, const TangentSpace& tangent, int size, int count,
                 LayerCurvatures& layer) {
  SymmetricExtremes ends = symmetric_extremes(tangent.restrict(hessian, layer.gradient_norm), size, count);
  layer.largest = std::move(ends.largest);
  layer.smallest = std::move(ends.smallest);
  layer.residual_largest = std::move(ends.residual_largest);
  layer.residual_smallest = std::move(ends.residual_smallest);
  layer.rms = ends.frobenius / std::sqrt(static_cast<double>(size));
}

void solve_krylov(const BoundaryFunction& boundary, const BoundaryPoint& point, int l, const TangentSpace& tangent,
                  int size, int count, LayerCurvatures& layer) {
  layer.dense = false;
  layer.rms = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> product(static_cast<std::size_t>(size) + 1);
  const SymmetricOperator a{size, [&](std::span<const double> x, std::span<double> y) {
                              boundary.hessian_product(point, l, tangent.lift(x), product);
                              tangent.drop(product, y);
                              for (double& value : y) value /= layer.gradient_norm;
                            }};
  const EigenvalueSearch search{std::min(count, size), krylov_tolerance, krylov_restarts};
  ExtremeEigenvalues high = extreme_eigenvalues(a, SpectrumEnd::largest, search);
  ExtremeEigenvalues low = extreme_eigenvalues(a, SpectrumEnd::smallest, search);
  layer.converged = high.converged && low.converged;
  layer.largest = std::move(high.values);
  layer.smallest = std::move(low.values);
  layer.residual_largest = std::move(high.residuals);
  layer.residual_smallest = std::move(low.residuals);
}

/// Products that one end takes, for a handful of eigenvalues of a random Hessian (80 to 250 seen).
constexpr double krylov_products = 150.0;

double dense_seconds(const std::vector<int>& sizes, std::size_t l, const MachineRates& rates) {
  const double n = sizes[l];
  const double above = l + 1 < sizes.size() ? sizes[l + 1] : 0.0;
  return n * above * (n + above) * rates.product + 2.0 / 3.0 * n * n * n * 2.0 * rates.factorisation;
}

double krylov_seconds(const std::vector<int>& sizes, std::size_t l, int count, const MachineRates& rates) {
  double weights = 0.0;
  for (std::size_t m = l; m + 1 < sizes.size(); ++m) weights += static_cast<double>(sizes[m]) * sizes[m + 1];
  const double products = 2.0 * (krylov_products + 20.0 * count);
  return products * (2.0 * weights * rates.streamed + 1500.0 * rates.step + 300.0 * rates.step * sizes[l]);
}

}  // namespace

std::vector<bool> choose_dense(const std::vector<int>& sizes, const CurvatureOptions& options) {
  const MachineRates rates = rates_of_choices();
  std::vector<bool> dense(sizes.size(), options.solver == CurvatureSolver::dense);
  if (options.solver != CurvatureSolver::automatic) return dense;
  for (std::size_t l = sizes.size(); l-- > 0;) {
    // Where most of the spectrum is wanted, a Krylov space has no end to find.
    const bool most = 4 * options.count >= sizes[l];
    if (!most && dense_seconds(sizes, l, rates) > krylov_seconds(sizes, l, options.count, rates)) break;
    dense[l] = true;
  }
  return dense;
}

CurvatureCost curvature_cost(const std::vector<int>& sizes, const CurvatureOptions& options) {
  CurvatureCost cost;
  const MachineRates& rates = machine_rates();
  const std::vector<bool> dense = choose_dense(sizes, options);
  for (std::size_t l = 0; l < sizes.size(); ++l) {
    const double n = sizes[l], above = l + 1 < sizes.size() ? sizes[l + 1] : 0.0;
    cost.seconds += dense[l] ? dense_seconds(sizes, l, rates) : krylov_seconds(sizes, l, options.count, rates);
    const double basis = 2.0 * std::min(n, 2.0 * options.count + 30.0);
    cost.bytes = std::max(cost.bytes, 8.0 * (dense[l] ? 3.0 * n * n + above * above + 2.0 * n * above : n * basis));
  }
  return cost;
}

std::vector<LayerCurvatures> principal_curvatures(const BoundaryFunction& boundary, const BoundaryPoint& point,
                                                  const CurvatureOptions& options) {
  if (options.count < 1) throw std::invalid_argument("no curvatures are asked for (count is at least 1)");
  std::vector<int> sizes;
  for (int l = 0; l <= boundary.depth(); ++l) sizes.push_back(boundary.size(l));
  const std::vector<bool> dense = choose_dense(sizes, options);
  std::vector<LayerCurvatures> layers(sizes.size());
  std::vector<double> hessian;
  for (int l = boundary.depth(); l >= 0; --l) {
    const auto i = static_cast<std::size_t>(l);
    const std::span<const double> gradient = BoundaryFunction::gradient(point, l);
    double square = 0.0;
    for (const double component : gradient) square += component * component;
    layers[i].gradient_norm = std::sqrt(square);
    if (!(square >= std::numeric_limits<double>::min()) || !std::isfinite(square)) {
      throw std::domain_error("the gradient of G " + std::string(std::isfinite(square) ? "vanishes" : "overflows") +
                              " at " + (l == 0 ? "the input" : "layer " + std::to_string(l)) +
                              " (the boundary has no normal there), take fewer layers or another sigma_w");
    }
    if (dense[i]) hessian = boundary.hessian(point, l, hessian);
    if (sizes[i] == 1) continue;  // a point has no tangent space
    const TangentSpace tangent(gradient, layers[i].gradient_norm);
    if (dense[i]) {
      solve_dense(hessian, tangent, sizes[i] - 1, options.count, layers[i]);
    } else {
      solve_krylov(boundary, point, l, tangent, sizes[i] - 1, options.count, layers[i]);
    }
  }
  return layers;
}

}  // namespace meander
