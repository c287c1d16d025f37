// The layer product for processors with AVX2 and FMA.
#include "kernels/layer_product_lanes.hpp"

namespace meander {

extern const ProductPath<double> double_product_x86_64_v3;
extern const ProductPath<float> float_product_x86_64_v3;
constexpr ProductPath<double> double_product_x86_64_v3 = product_of_this_file<double>("x86-64-v3");
constexpr ProductPath<float> float_product_x86_64_v3 = product_of_this_file<float>("x86-64-v3");

}  // namespace meander
