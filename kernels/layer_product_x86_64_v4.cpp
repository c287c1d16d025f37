// The layer product for processors with AVX-512.
#include "kernels/layer_product_lanes.hpp"

namespace meander {

extern const ProductPath<double> double_product_x86_64_v4;
extern const ProductPath<float> float_product_x86_64_v4;
constexpr ProductPath<double> double_product_x86_64_v4 = product_of_this_file<double>("x86-64-v4");
constexpr ProductPath<float> float_product_x86_64_v4 = product_of_this_file<float>("x86-64-v4");

}  // namespace meander
