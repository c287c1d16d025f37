// The layer product, and passes over its rows, for processors with AVX2 and FMA.
#include "kernels/products/layer_rows_lanes.hpp"

namespace meander {

extern const LayerPath<double> double_layer_path_x86_64_v3;
extern const LayerPath<float> float_layer_path_x86_64_v3;
constexpr LayerPath<double> double_layer_path_x86_64_v3 = layer_lanes::path_of_this_file<double>("x86-64-v3");
constexpr LayerPath<float> float_layer_path_x86_64_v3 = layer_lanes::path_of_this_file<float>("x86-64-v3");

}  // namespace meander
