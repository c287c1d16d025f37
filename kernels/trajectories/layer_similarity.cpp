// Autocorrelation by fast Fourier transforms, principal components by LAPACK.
#include "kernels/trajectories/layer_similarity.hpp"

#include "kernels/base/lapack.hpp"

#include <unsupported/Eigen/FFT>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>

namespace meander {

namespace {

/// Singular values and right singular vectors (rows of vt) of a column-major matrix, which is overwritten.
struct Decomposition {
  std::vector<double> values, vt;
};

Decomposition decompose(std::vector<double>& a, int m, int n) {
  const int rank = std::min(m, n);
  const auto size = [](int rows, int columns) {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  };
  Decomposition result{std::vector<double>(static_cast<std::size_t>(rank)), std::vector<double>(size(rank, n))};
  std::vector<double> u(size(m, rank));
  const int info = lapack::gesdd("S", m, n, a.data(), m, result.values.data(), u.data(), m, result.vt.data(), rank);
  if (info != 0) {
    throw std::runtime_error("the singular value decomposition of a " + std::to_string(m) + " x " + std::to_string(n) +
                             " matrix failed (LAPACK's dgesdd returned " + std::to_string(info) +
                             ") look for values that are not finite");
  }
  return result;
}

}  // namespace

template <class Real>
std::vector<double> autocorrelation(const std::vector<const Real*>& points, int width) {
  using Complex = std::complex<double>;
  const std::size_t samples = points.size();
  constexpr std::size_t pairs = 8;  // columns read at a time: whole cache lines
  Eigen::FFT<double> fft;
  std::vector<std::vector<Complex>> signal(pairs, std::vector<Complex>(samples));
  std::vector<Complex> spectrum(samples);
  std::vector<double> power(samples, 0.0);
  for (int first = 0; first < width; first += static_cast<int>(2 * pairs)) {
    const auto columns = std::min<std::size_t>(2 * pairs, static_cast<std::size_t>(width - first));
    for (std::size_t i = 0; i < samples; ++i) {
      const Real* h = points[i] + first;
      for (std::size_t p = 0; 2 * p < columns; ++p) {
        // Two neurons in one transform: the sum of their spectra is (|Z(f)|^2 + |Z(-f)|^2) / 2.
        signal[p][i] = {static_cast<double>(h[2 * p]), 2 * p + 1 < columns ? static_cast<double>(h[2 * p + 1]) : 0.0};
      }
    }
    for (std::size_t p = 0; 2 * p < columns; ++p) {
      fft.fwd(spectrum, signal[p]);
      for (std::size_t f = 0; f < samples; ++f) power[f] += std::norm(spectrum[f]);
    }
  }
  for (std::size_t f = 0; f < samples; ++f) {
    const std::size_t mirrored = (samples - f) % samples;
    spectrum[f] = 0.5 * (power[f] + power[mirrored]);
  }
  fft.fwd(signal[0], spectrum);
  std::vector<double> result;
  const double none = signal[0][0].real();
  for (std::size_t k = 0; k <= samples / 2; ++k) result.push_back(signal[0][k].real() / none);
  return result;
}

template <class Real>
PrincipalComponents principal_components(const std::vector<const Real*>& points, int width, int components) {
  const std::size_t samples = points.size();
  const auto neurons = static_cast<std::size_t>(width);
  std::vector<double> mean(neurons, 0.0);
  for (const Real* point : points) {
    for (std::size_t j = 0; j < neurons; ++j) mean[j] += static_cast<double>(point[j]) / static_cast<double>(samples);
  }
  // Column-major (width, samples): a sample is a column, and its coordinates are in vt.
  std::vector<double> cloud(samples * neurons);
  for (std::size_t i = 0; i < samples; ++i) {
    for (std::size_t j = 0; j < neurons; ++j) cloud[i * neurons + j] = static_cast<double>(points[i][j]) - mean[j];
  }
  Decomposition svd = decompose(cloud, width, static_cast<int>(samples));
  // What rounding of the points makes of the cloud, whatever lies about their mean.
  double largest = 0.0;
  for (const Real* point : points) {
    for (std::size_t j = 0; j < neurons; ++j) largest = std::max(largest, std::abs(static_cast<double>(point[j])));
  }
  const double rounding = 4.0 * static_cast<double>(std::numeric_limits<Real>::epsilon()) * largest *
                          (std::sqrt(static_cast<double>(samples)) + std::sqrt(static_cast<double>(width)));
  for (double& value : svd.values) value = value > rounding ? value : 0.0;
  PrincipalComponents result;
  double sum = 0.0;
  for (const double value : svd.values) sum += value;
  for (const double value : svd.values) result.singular_value_fraction.push_back(value / sum);
  const std::size_t rank = svd.values.size();
  result.coordinates.assign(static_cast<std::size_t>(components) * samples, 0.0);
  for (std::size_t c = 0; c < std::min(rank, static_cast<std::size_t>(components)); ++c) {
    double* out = result.coordinates.data() + c * samples;
    for (std::size_t i = 0; i < samples; ++i) out[i] = svd.values[c] * svd.vt[c + i * rank];
    const double* extreme =
        std::max_element(out, out + samples, [](double a, double b) { return std::abs(a) < std::abs(b); });
    if (*extreme >= 0.0) continue;
    for (std::size_t i = 0; i < samples; ++i) out[i] = -out[i];
  }
  return result;
}

template std::vector<double> autocorrelation(const std::vector<const double*>&, int);
template std::vector<double> autocorrelation(const std::vector<const float*>&, int);
template PrincipalComponents principal_components(const std::vector<const double*>&, int, int);
template PrincipalComponents principal_components(const std::vector<const float*>&, int, int);

}  // namespace meander
