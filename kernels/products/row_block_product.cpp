// Lays vectors out in panels and chooses the path of the products.
#include "kernels/products/row_block_product.hpp"

#include <algorithm>

#include "kernels/base/processor.hpp"

namespace meander {

extern const RowBlockPath<double> double_row_block_path_x86_64_v4, double_row_block_path_x86_64_v3,
    double_row_block_path_baseline;
extern const RowBlockPath<float> float_row_block_path_x86_64_v4, float_row_block_path_x86_64_v3,
    float_row_block_path_baseline;

template <>
std::span<const RowBlockPath<double>> row_block_paths() {
  static const auto paths =
      usable_paths(double_row_block_path_x86_64_v4, double_row_block_path_x86_64_v3, double_row_block_path_baseline);
  return paths;
}

template <>
std::span<const RowBlockPath<float>> row_block_paths() {
  static const auto paths =
      usable_paths(float_row_block_path_x86_64_v4, float_row_block_path_x86_64_v3, float_row_block_path_baseline);
  return paths;
}

void VectorPanels::resize(int most_vectors, long size, int vectors) {
  size_ = size;
  padded_ = (size + panel_columns - 1) / panel_columns * panel_columns;
  vectors_ = vectors;
  panels_ = (vectors + most_vectors - 1) / most_vectors;
  if (padded_ * vectors > room_) {
    data_ = Buffer<double>(padded_ * vectors);
    room_ = padded_ * vectors;
  }
}

void VectorPanels::clear() {
  std::fill_n(data_.data(), padded_ * vectors_, 0.0);
}

void VectorPanels::take(const double* x) {
  for (int p = 0; p < panels_; ++p) {
    const int n = count(p);
    if (size_ < padded_) std::fill_n(panel(p) + (padded_ - panel_columns) * n, panel_columns * n, 0.0);
    for (long k = 0; k < size_; ++k) {
      double* to = panel(p) + k / panel_columns * panel_columns * n + k % panel_columns;
      const double* from = x + k * vectors_ + first(p);
      for (int v = 0; v < n; ++v) to[v * panel_columns] = from[v];
    }
  }
}

void VectorPanels::give(double* x) const {
  for (int p = 0; p < panels_; ++p) {
    const int n = count(p);
    for (long k = 0; k < size_; ++k) {
      const double* from = panel(p) + k / panel_columns * panel_columns * n + k % panel_columns;
      double* to = x + k * vectors_ + first(p);
      for (int v = 0; v < n; ++v) to[v] = from[v * panel_columns];
    }
  }
}

}  // namespace meander
