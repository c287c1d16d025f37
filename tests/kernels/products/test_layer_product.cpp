// The product with packed weights against sums in extended precision, on every path that this processor has.
#include "kernels/products/layer_product.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "kernels/random/random_stream.hpp"

namespace meander {
namespace {

template <class Real>
struct Subject {
  Subject(long outputs_, long inputs_, long rows_)
      : outputs(outputs_),
        inputs(inputs_),
        rows(rows_),
        x_stride(inputs_ + 3),
        h_stride(outputs_ + widest_register + 1),
        bias(static_cast<std::size_t>(outputs_)) {
    const auto normals = [](long size, std::uint32_t row) {
      std::vector<float> values(static_cast<std::size_t>(size));
      RandomStream(stream_key(7, 0), Purpose::weights, 1).normals(row, 0, values);
      return std::vector<Real>(values.begin(), values.end());
    };
    weight = normals(outputs * inputs, 0);
    x = normals(rows * x_stride, 1);
    for (std::size_t i = 0; i < bias.size(); ++i) bias[i] = 0.25 * static_cast<double>(i);
  }
  std::vector<Real> multiplied(const LayerPath<Real>& path) const {
    std::vector<Real> h(static_cast<std::size_t>(rows * h_stride), Real{-7});
    PackedLayer<Real> layer;
    layer.pack(path, weight, bias);
    layer.multiply(x.data(), x_stride, rows, h.data(), h_stride);
    return h;
  }
  long outputs, inputs, rows, x_stride, h_stride;
  std::vector<Real> weight, x;
  std::vector<double> bias;
};

template <class Real>
void expect_exact_within_rounding(const Subject<Real>& s, const std::vector<Real>& h) {
  for (long r = 0; r < s.rows; ++r) {
    for (long i = 0; i < s.outputs; ++i) {
      long double sum = s.bias[static_cast<std::size_t>(i)];
      long double magnitude = std::abs(sum);
      for (long k = 0; k < s.inputs; ++k) {
        const long double term = static_cast<long double>(s.weight[static_cast<std::size_t>(i * s.inputs + k)]) *
                                 s.x[static_cast<std::size_t>(r * s.x_stride + k)];
        sum += term;
        magnitude += std::abs(term);
      }
      // Each of up to 2 n roundings errs by at most half a unit of a partial sum (Higham 2002, section 3.1).
      const long double allowed =
          static_cast<long double>(s.inputs + 1) * std::numeric_limits<Real>::epsilon() * magnitude;
      ASSERT_NEAR(static_cast<double>(h[static_cast<std::size_t>(r * s.h_stride + i)]), static_cast<double>(sum),
                  static_cast<double>(allowed))
          << r << " " << i;
    }
    // Nothing is written beyond the register in which the last neuron lies.
    for (long i = s.outputs + widest_register - 1; i < s.h_stride; ++i)
      ASSERT_EQ(h[static_cast<std::size_t>(r * s.h_stride + i)], Real{-7});
  }
}

/// Outputs, inputs, rows: all tiles with their remainders, and more than one block of inputs.
class LayerProduct : public testing::TestWithParam<std::tuple<int, int, int>> {};
INSTANTIATE_TEST_SUITE_P(Shapes, LayerProduct,
                         testing::Combine(testing::Values(1, 7, 8, 33, 100, 129), testing::Values(1, 5, 256, 600),
                                          testing::Values(1, 6, 31)));

TEST_P(LayerProduct, IsTheSumOnEveryPath) {
  const auto [outputs, inputs, rows] = GetParam();
  const Subject<double> wide(outputs, inputs, rows);
  for (const auto& path : layer_paths<double>()) expect_exact_within_rounding(wide, wide.multiplied(path));
  const Subject<float> narrow(outputs, inputs, rows);
  for (const auto& path : layer_paths<float>()) expect_exact_within_rounding(narrow, narrow.multiplied(path));
}

/// By the definition, one element at a time: with fused multiply-add, on every path but the last, which has none.
template <class Real>
void expect_sums_in_order(const Subject<Real>& subject) {
  const auto paths = layer_paths<Real>();
  for (std::size_t path = 0; path < paths.size(); ++path) {
    const bool fused = path + 1 < paths.size();
    const std::vector<Real> h = subject.multiplied(paths[path]);
    for (long r = 0; r < subject.rows; ++r) {
      for (long i = 0; i < subject.outputs; ++i) {
        auto sum = static_cast<Real>(subject.bias[static_cast<std::size_t>(i)]);
        for (long k = 0; k < subject.inputs; ++k) {
          const Real x = subject.x[static_cast<std::size_t>(r * subject.x_stride + k)];
          const Real weight = subject.weight[static_cast<std::size_t>(i * subject.inputs + k)];
          sum = fused ? std::fma(x, weight, sum) : sum + x * weight;
        }
        ASSERT_EQ(h[static_cast<std::size_t>(r * subject.h_stride + i)], sum)
            << paths[path].name << " " << r << " " << i;
      }
    }
  }
}

TEST_P(LayerProduct, AddsInOrderOnEveryPath) {
  const auto [outputs, inputs, rows] = GetParam();
  expect_sums_in_order(Subject<double>(outputs, inputs, rows));
  expect_sums_in_order(Subject<float>(outputs, inputs, rows));
}

}  // namespace
}  // namespace meander
