// The layer product, and passes over its rows, for processors with AVX-512.
#include "kernels/products/layer_rows_lanes.hpp"

namespace meander {

extern const LayerPath<double> double_layer_path_x86_64_v4;
extern const LayerPath<float> float_layer_path_x86_64_v4;
constexpr LayerPath<double> double_layer_path_x86_64_v4 = layer_lanes::path_of_this_file<double>("x86-64-v4");
constexpr LayerPath<float> float_layer_path_x86_64_v4 = layer_lanes::path_of_this_file<float>("x86-64-v4");

}  // namespace meander
