// The layer product, and passes over its rows, for any processor of the architecture.
#include "kernels/products/layer_rows_lanes.hpp"

namespace meander {

extern const LayerPath<double> double_layer_path_baseline;
extern const LayerPath<float> float_layer_path_baseline;
constexpr LayerPath<double> double_layer_path_baseline = layer_lanes::path_of_this_file<double>("baseline");
constexpr LayerPath<float> float_layer_path_baseline = layer_lanes::path_of_this_file<float>("baseline");

}  // namespace meander
