// The layer product for any processor of the architecture.
#include "kernels/layer_product_lanes.hpp"

namespace meander {

extern const ProductPath<double> double_product_baseline;
extern const ProductPath<float> float_product_baseline;
constexpr ProductPath<double> double_product_baseline = product_of_this_file<double>("baseline");
constexpr ProductPath<float> float_product_baseline = product_of_this_file<float>("baseline");

}  // namespace meander
