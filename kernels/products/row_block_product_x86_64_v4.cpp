// Products of rows with vectors for processors with AVX-512.
#include "kernels/products/row_block_product_lanes.hpp"

namespace meander {

extern const RowBlockPath<double> double_row_block_path_x86_64_v4;
extern const RowBlockPath<float> float_row_block_path_x86_64_v4;
constexpr RowBlockPath<double> double_row_block_path_x86_64_v4 =
    row_block_lanes::path_of_this_file<double>("x86-64-v4");
constexpr RowBlockPath<float> float_row_block_path_x86_64_v4 = row_block_lanes::path_of_this_file<float>("x86-64-v4");

}  // namespace meander
