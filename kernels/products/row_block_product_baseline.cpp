// Products of rows with vectors for any processor of the architecture.
#include "kernels/products/row_block_product_lanes.hpp"

namespace meander {

extern const RowBlockPath<double> double_row_block_path_baseline;
extern const RowBlockPath<float> float_row_block_path_baseline;
constexpr RowBlockPath<double> double_row_block_path_baseline = row_block_lanes::path_of_this_file<double>("baseline");
constexpr RowBlockPath<float> float_row_block_path_baseline = row_block_lanes::path_of_this_file<float>("baseline");

}  // namespace meander
